"""Rankings side by side as one table of HTML built from escaped text, aligned by rank or by document.

Document text, reasons and quotes are data: every piece passes through `escape` or `marked`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape

from reranking.documents import Candidate
from reranking.explain.highlight import marked
from reranking.jobs import Part
from reranking.ui import filters
from reranking.ui.names import parameters_and_model, title
from reranking.views import diagnostics, evidence
from reranking.views.amounts import took
from reranking.views.compared import Compared
from reranking.views.places import movement, rank

TEXT_SHOWN = 2_000
TEXT_SHOWN_OF_MANY = 400
MANY = 300
START_SHOWN = 150
NOTE_SHOWN = 4

LEGEND = (
    "<div class='rl-caption rl-legend'>Beside the rank: <span class='rl-up'>▲2</span> two places higher than in {}, "
    "<span class='rl-down'>▼2</span> two lower, = the same. A rank such as 2–4 is tied: the documents share these "
    "places and are listed in input order. Bars: a probability or grade on its full scale, other scores from 0 (or "
    "the lowest, if below 0) to that column's highest; never to be compared across columns. Marked: "
    "<mark class='term'>words of the query</mark>, whether a strategy used them or not.</div>"
)
"""What the signs in the columns mean, as HTML, with room for what movement is measured against."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the columns are drawn.

    `against` is the number of the strategy that movement is measured against (None: the input),
    `full` how many characters of the texts are shown. Where that is 0,
    their beginning is, unless `start` is off, and the short form of what a strategy tells.
    `words` says what is written at a judged document, by original position. `notes` holds what
    must be known of each strategy's model, such as `embedded (weak)`. `pick` makes documents
    buttons that open their card.
    """

    against: int | None = None
    full: int = 0
    start: bool = True
    words: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()
    pick: bool = True


def text_length(cells: int) -> int:
    """How many characters of each text to show in full where there are so many cells: less where they are many."""
    return TEXT_SHOWN if cells <= MANY else TEXT_SHOWN_OF_MANY


def legend(found: Compared, against: int | None) -> str:
    """`LEGEND` for what movement is measured against."""
    return LEGEND.format("the input" if against is None else escape(found.names[against]))


@lru_cache(maxsize=16)
def by_rank(found: Compared, look: Look, shown: tuple[int, ...], top: int) -> str:
    """A column per strategy with its own order of the documents `shown`: those among the first `top` of its list."""
    wanted = set(shown)
    columns = []
    for at, ranking in enumerate(found.rankings):
        inner = _cells(found, at, look, titled=True)
        places = [place for place, item in enumerate(ranking.items[:top]) if item.index in wanted and inner]
        indexes = [ranking.items[place].index for place in places]
        columns.append([f"<td data-doc='{index}'>{inner[index]}</td>" for index in indexes])
    rows = (
        "".join(column[row] if row < len(column) else "<td></td>" for column in columns)
        for row in range(max(map(len, columns), default=0))
    )
    return _table(found, look, [f"<tr>{row}</tr>" for row in rows])


@lru_cache(maxsize=16)
def by_document(found: Compared, look: Look, shown: tuple[int, ...]) -> str:
    """A row per document of `shown`, in that order, with its rank, movement and score by every strategy."""
    inner = [_cells(found, at, look, titled=False) for at in range(len(found.parts))]
    grades = dict(look.words)
    rows = []
    for index in shown:
        candidate = found.job.candidates[index]
        text = _text(found, look.full)[index]
        head = f"<th scope='row'>{_title(candidate, look)}{_about(candidate, grades)}{text}</th>"
        cells = (f"<td>{cell[index] if cell else ''}</td>" for cell in inner)
        rows.append(f"<tr data-doc='{index}'>{head}{''.join(cells)}</tr>")
    return _table(found, look, rows, corner="Document")


def _table(found: Compared, look: Look, rows: Sequence[str], corner: str = "") -> str:
    """Heads above the rows; with a `corner` the rows begin with a head of their own."""
    notes = look.notes or ("",) * len(found.parts)
    heads = "".join(
        f"<th scope='col'>{headline(part, note)}</th>" for part, note in zip(found.parts, notes, strict=True)
    )
    about = "".join(f"<td>{summary(part, with_calls=look.pick)}</td>" for part in found.parts)
    first, under = (f"<th scope='col' class='rl-corner'>{corner}</th>", "<th></th>") if corner else ("", "")
    kind = "rl-by-document" if corner else "rl-by-rank"
    return (
        f"<div class='rl-columns {kind}' style='--rl-count:{len(found.parts)}' tabindex='0' role='region' "
        f"aria-label='Rankings side by side'><table><thead><tr>{first}{heads}</tr></thead>"
        f"<tbody><tr class='rl-summary'>{under}{about}</tr>{''.join(rows)}</tbody></table></div>"
    )


def headline(part: Part, note: str) -> str:
    """Title, model and parameters of a column."""
    strategy = part.strategy
    below = " · ".join(words for words in (parameters_and_model(strategy), note) if words)
    model = f"<div class='rl-model' title='{escape(below)}'>{escape(below)}</div>" if below else ""
    return f"<h3>{escape(title(strategy))}</h3>{model}"


def summary(part: Part, *, with_calls: bool = False) -> str:
    """Outcome, requests, cost, seconds, what the scores are, and what happened on the way.

    `with_calls` puts a button for the model calls, `rl-open-calls`, below a failed strategy.
    """
    ranking = part.ranking
    if ranking is None:
        return "<div class='rl-took'>not finished</div>"
    state = f"<span class='rl-state rl-{ranking.outcome}'>{ranking.outcome}</span>"
    meaning = escape(evidence.about_scores(part.strategy))
    kind = (
        f"<details class='rl-kind'><summary title='{meaning}'>{escape(ranking.score_kind)}</summary>"
        f"<div>{meaning}</div></details>"
    )
    failed = ranking.outcome == "failed"
    calls = calls_button(part, "all") if with_calls and failed and ranking.usage.requests else ""
    notes = diagnostics.notes(ranking.diagnostics, failed=failed, most=NOTE_SHOWN)
    return f"<div class='rl-took'>{state} {escape(took(ranking))}</div>{kind}{notes}{calls}"


def calls_button(part: Part, about: str, label: str = "Model calls") -> str:
    """Opens the calls about one document, by its original position, or about `all` of them."""
    return f"<button type='button' class='rl-open-calls' data-calls='{part.position}/{about}'>{escape(label)}</button>"


def _cells(found: Compared, at: int, look: Look, *, titled: bool) -> Mapping[int, str]:
    """What one strategy says of each document, by original position; empty if it failed."""
    return _built(found, at, replace(look, notes=(), words=look.words if titled else ()), titled)


@lru_cache(maxsize=256)
def _built(found: Compared, at: int, look: Look, titled: bool) -> Mapping[int, str]:
    part, ranking, against = found.parts[at], found.rankings[at], look.against
    held, before = filters.held(found)[at], filters.reference(found, against)
    name = "the input" if against is None else escape(found.names[against])
    own_name = title(part.strategy)
    ends, grades = evidence.scale(ranking), dict(look.words)
    texts = _text(found, look.full) if titled and (look.full or look.start) else {}
    cells = {}
    for item in ranking if held else ():
        index, place = item.index, held[item.index]
        moves = "" if at == against else movement(before.get(index), place, name)
        top = f"{rank(place)}{moves}"
        if titled:
            candidate = item.candidate
            top += _title(candidate, look)
            rest = f"{_about(candidate, grades)}{evidence.score(item.score, ends)}{texts.get(index, '')}"
        else:
            rest = evidence.score(item.score, ends)
        told = evidence.everything(item, ranking, own_name) if look.full else evidence.reason(item.explanation)
        cells[index] = f"<div class='rl-head'>{top}</div>{rest}{told}"
    return cells


def _title(candidate: Candidate, look: Look) -> str:
    label = escape(candidate.label)
    if not look.pick:
        return f"<span class='rl-title' dir='auto'>{label}</span>"
    return f"<button type='button' class='rl-title rl-open' dir='auto' data-doc='{candidate.index}'>{label}</button>"


def _about(candidate: Candidate, grades: Mapping[int, str]) -> str:
    grade = grades.get(candidate.index, "")
    judged = f"<span class='rl-grade'>{escape(grade)}</span>" if grade else ""
    return f"<div class='rl-about'><span class='rl-id'>{escape(candidate.id)}</span>{judged}</div>"


@lru_cache(maxsize=8)
def _text(found: Compared, full: int) -> Mapping[int, str]:
    """Each document's text with the query's words marked, as far as it is shown; by original position."""
    texts, query = {}, found.job.query
    for item in found.job.candidates:
        text = item.text[:full] if full else evidence.shortened(item.text, START_SHOWN)
        marks = evidence.word_marks(text, query)
        if full:
            texts[item.index] = evidence.full_text(item.text, marks, full)
        else:
            body = f"<div class='rl-text' dir='auto'>{marked(text, marks)}</div>"
            texts[item.index] = body if text != item.label else ""
    return texts
