"""Everything about one document of a comparison, as HTML built from escaped text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from reranking.analysis.differences import widest
from reranking.analysis.standings import voting
from reranking.documents import Candidate
from reranking.explain.evidence import score_text
from reranking.explain.highlight import Span
from reranking.store.judgments import Judgment
from reranking.ui import columns, filters
from reranking.ui.names import title
from reranking.views import evidence
from reranking.views.compared import Compared
from reranking.views.disputed import why
from reranking.views.places import movement, rank

WORDS = "words of the query"
METADATA_SHOWN = 30
VALUE_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that can be marked in the text: what it is called, and where it stands."""

    label: str
    spans: Sequence[Span]


def heading(found: Compared, index: int, grade: str) -> str:
    """Title, id and input place, and in one sentence how far the strategies are apart."""
    candidate = found.job.candidates[index]
    judged = f"<span class='rl-grade'>{escape(grade)}</span>" if grade else ""
    return (
        f"<h2 class='rl-card-title' dir='auto'>{escape(candidate.label)}</h2>"
        f"<div class='rl-about'><span class='rl-id'>{escape(candidate.id)}</span>"
        f"<span class='rl-id'>place {index + 1} of {len(found.documents)} in the input</span>{judged}</div>"
        f"{dispute(found, index)}"
    )


def dispute(found: Compared, index: int) -> str:
    """Which two strategies are furthest apart on it, and what each of them tells of it."""
    pair = disputing(found, index)
    ranked = [filters.held(found)[at][index] for at in voting(found.rankings)]
    if pair is None:
        if len(ranked) < 2:
            return ""
        where = f"at {ranked[0]}" if len(set(map(str, ranked))) == 1 else "around the same place"
        return f"<p class='rl-card-finding'>All {len(ranked)} strategies put it {where}.</p>"
    first, second = pair
    held = filters.held(found)
    said = (
        f"<b>{escape(found.names[first])}</b> puts it at <b>{held[first][index]}</b>, "
        f"<b>{escape(found.names[second])}</b> at <b>{held[second][index]}</b>."
    )
    return f"<p class='rl-card-finding'>{said}</p>{why(found, index, pair)}"


def disputing(found: Compared, index: int) -> tuple[int, int] | None:
    """The two strategies (by number) furthest apart on a document, the higher first; baselines only for want of others.

    Those that tie everything put no document anywhere. None if all put it at the same place.
    """
    ordering = voting(found.rankings)
    telling = [at for at in ordering if found.parts[at].strategy.family != "Baseline"]
    asked = telling if len(telling) > 1 else ordering
    pair = widest([found.rankings[at] for at in asked], index)
    return None if pair is None else (asked[pair[0]], asked[pair[1]])


def metadata(candidate: Candidate, hidden: Sequence[str] = ()) -> str:
    """The document's metadata but for the keys `hidden`."""
    known = [(key, value) for key, value in candidate.document.metadata.items() if key not in hidden]
    if not known:
        return ""
    rows = "".join(
        f"<tr><td>{escape(str(key))}</td><td>{escape(evidence.shortened(_value(value), VALUE_SHOWN))}</td></tr>"
        for key, value in known[:METADATA_SHOWN]
    )
    more = f"<tr><td>and {len(known) - METADATA_SHOWN} more</td><td></td></tr>" if len(known) > METADATA_SHOWN else ""
    return f"<table class='rl-table rl-pairs'><tbody>{rows}{more}</tbody></table>"


def marks(found: Compared, index: int) -> dict[str, Mark]:
    """What can be marked in the document's text, by a key that stays the same from document to document."""
    candidate = found.job.candidates[index]
    text = candidate.text[: evidence.TEXT_SHOWN]
    known = {"words": Mark(WORDS, evidence.word_marks(text, found.job.query))}
    for at, (part, ranking) in enumerate(zip(found.parts, found.rankings, strict=True)):
        item = next(item for item in ranking if item.index == index)
        quoted = evidence.quote_marks(text, item.explanation)
        if quoted:
            known[f"quotes-{at}"] = Mark(f"quotes of {found.names[at]}", quoted)
        weighed = evidence.part_marks(text, part.strategy, item.explanation)
        if weighed:
            known[f"parts-{at}"] = Mark(f"score of {found.names[at]}", weighed)
    return {key: mark for key, mark in known.items() if mark.spans}


def text(candidate: Candidate, shown: Sequence[Mark]) -> str:
    """The text with these marks, and what they mean."""
    spans = [span for mark in shown for span in mark.spans]
    kinds = sorted({kind for _, _, kind in spans})
    meant = [f"<mark class='{kind}'>{_MEANING[kind]}</mark>" for kind in kinds if kind in _MEANING]
    legend = f"<div class='rl-marks'>marked: {' '.join(meant)}</div>" if meant else ""
    return f"<div class='rl-card-text'>{evidence.full_text(candidate.text, spans)}</div>{legend}"


_MEANING = {
    "term": "words of the query, not what a model used",
    "quote": "quoted by the model",
    "up-3": "adds much to the score",
    "up-1": "adds little",
    "down-3": "takes much away",
    "down-1": "takes little away",
}


def placed(found: Compared, index: int, against: int | None, calls: Mapping[int, int]) -> str:
    """Where each strategy puts the document: rank, movement, score with its kind, and what it tells of it.

    `calls` says how many model calls of each strategy (by number) the document took part in.
    """
    before = filters.reference(found, against)
    name = "the input" if against is None else escape(found.names[against])
    rows = []
    for at, (part, ranking) in enumerate(zip(found.parts, found.rankings, strict=True)):
        held = filters.held(found)[at]
        item = next(item for item in ranking if item.index == index)
        if not held:
            rows.append(f"<tr><th scope='row'>{escape(found.names[at])}</th><td colspan='3'>failed</td></tr>")
            continue
        moves = "" if at == against else movement(before.get(index), held[index], name)
        score = "" if item.score is None else score_text(item.score)
        kind = f"<div class='rl-id'>{escape(ranking.score_kind)}</div>"
        told = f"{evidence.reason(item.explanation)}{evidence.quotes(item.explanation)}"
        told += evidence.parts(item.explanation, 6) or (evidence.no_reason(item, ranking, title(part.strategy)))
        count = calls.get(at, 0)
        label = f"{count:,} model call{'' if count == 1 else 's'}"
        button = columns.calls_button(part, str(index), label) if count else ""
        rows.append(
            f"<tr><th scope='row'>{escape(found.names[at])}</th><td class='rl-num'>{rank(held[index])}</td>"
            f"<td class='rl-num'>{moves}</td><td class='rl-num'>{score}{kind}</td></tr>"
            f"<tr class='rl-told'><td colspan='4'>{told}{button}</td></tr>"
        )
    return (
        "<table class='rl-table rl-placed'><thead><tr><th>strategy</th><th class='rl-num'>rank</th>"
        f"<th class='rl-num'>moved</th><th class='rl-num'>score</th></tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def judgments(given: Sequence[Judgment], hidden: Sequence[str] = ()) -> str:
    """Every judgment of the document for this query, the latest first; none of the assessors `hidden`."""
    known = [entry for entry in given if entry.assessor not in hidden]
    if not known:
        return "<div class='rl-more'>Not judged yet.</div>"
    rows = "".join(
        f"<tr><td>{escape(entry.assessor)}</td><td class='rl-num'>{_verdict(entry)}</td>"
        f"<td>{escape(entry.scale)}</td><td>{escape(entry.note)}</td></tr>"
        for entry in reversed(known)
    )
    return (
        "<table class='rl-table rl-judgments'><thead><tr><th>assessor</th><th class='rl-num'>grade</th><th>scale</th>"
        f"<th>note</th></tr></thead><tbody>{rows}</tbody></table>"
    )


def _verdict(entry: Judgment) -> str:
    return {"cannot-tell": "cannot tell", "withdrawn": "taken back"}.get(entry.verdict, str(entry.grade))


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
