"""Rankings side by side, as one block of HTML built from escaped text.

Document text, reasons and quotes are data: every piece passes through `escape` or `marked`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from reranking.explain.highlight import marked, term_spans
from reranking.jobs import Part
from reranking.ranking import Diagnostic, Explanation, Item, Ranking
from reranking.ui.names import parameters_and_model, title

TEXT_SHOWN = 20_000
TEXT_SHOWN_OF_MANY = 4_000
MANY = 25
OPENED = 100
START_SHOWN = 180
NOTE_SHOWN = 4

LEGEND = (
    "<div class='rl-caption rl-legend'>Beside the rank: <span class='rl-up'>▲2</span> two places higher than in the "
    "input, <span class='rl-down'>▼2</span> two lower, = the same; a rank with = is tied. Bars: a probability or grade "
    "on its full scale, other scores from 0 (or the lowest, if below 0) to that column's highest; never to be compared "
    "across columns. Open a document for its full text, what its score is made of and the model calls.</div>"
)
"""What the signs in the columns mean, as HTML."""


def columns(
    parts: Sequence[Part],
    query: str,
    top: int,
    grades: Mapping[int, str],
    notes: Sequence[str] = (),
    *,
    with_calls: bool = False,
) -> str:
    """One column per strategy, aligned by rank; `top` documents of each are listed.

    `grades` says what is written at a judged document, by original position. `notes` holds what
    must be known of each strategy's model, such as `embedded (weak)`. `with_calls` puts a button
    for the model calls, `rl-open-calls`, into each document that opens, and below a failed strategy.
    """
    known = notes or [""] * len(parts)
    return side_by_side(
        [column(part, query, top, grades, note, with_calls=with_calls) for part, note in zip(parts, known, strict=True)]
    )


def side_by_side(blocks: Sequence[str]) -> str:
    """What `column` gave for each strategy as one block."""
    return f"<div class='rl-columns'>{''.join(blocks)}</div>"


def headline(part: Part, note: str) -> str:
    """Title, model and parameters of a column."""
    strategy = part.strategy
    model = f"<div class='rl-model'>{escape(parameters_and_model(strategy)) or '&nbsp;'}</div>"
    return f"<h3>{escape(title(strategy))}</h3>{model}<div class='rl-model'>{escape(note) or '&nbsp;'}</div>"


def took(ranking: Ranking) -> str:
    """Requests, cost and seconds in a few words."""
    usage = ranking.usage
    requests = f"{usage.requests:,} request{'' if usage.requests == 1 else 's'}"
    if usage.cached:
        requests += f" ({usage.cached:,} cached)"
    return f"{requests} · {cost(ranking)} · {seconds(usage.seconds)}"


def cost(ranking: Ranking) -> str:
    """What a ranking's replies cost, in a word where there is no amount."""
    spent = ranking.usage.cost_usd
    if spent is None:
        return "cost unknown"
    return money(spent) if spent else "nothing spent" if ranking.outcome == "failed" else "free"


def money(dollars: float) -> str:
    """Dollars with as many decimals as the amount needs."""
    return f"${dollars:.2f}" if dollars >= 1 else f"${dollars:.4f}"


def seconds(value: float) -> str:
    """Seconds, shorter ones in milliseconds."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def column(
    part: Part, query: str, top: int, grades: Mapping[int, str], note: str = "", *, with_calls: bool = False
) -> str:
    """The column of one strategy (see `columns`).

    A document opens to its full text: to less of it where more than `MANY` are listed, and not
    at all beyond the first `OPENED`, which is said.
    """
    ranking = part.ranking
    if ranking is None:
        return f"<section class='rl-column'>{headline(part, note)}<div class='rl-took'>not finished</div></section>"
    state = f"<span class='rl-state rl-{ranking.outcome}'>{ranking.outcome}</span>"
    kind = escape(ranking.score_kind)
    summary = f"<div class='rl-took'>{state} {escape(took(ranking))}</div><div class='rl-kind'>{kind}</div>"
    head = headline(part, note) + summary
    notes = _notes(ranking.diagnostics, failed=ranking.outcome == "failed")
    if ranking.outcome == "failed":
        calls = _calls_button(part, "all") if with_calls and ranking.usage.requests else ""
        return f"<section class='rl-column'>{head}{notes}{calls}</section>"
    places = {index: place for place, index in enumerate(part.order, start=1)}
    low, high = _scale(ranking)
    ties = Counter(item.tie for item in ranking)
    length = TEXT_SHOWN if top <= MANY else TEXT_SHOWN_OF_MANY
    opened = _Opened(part, ranking, query.split(), length, with_calls and ranking.usage.requests > 0)
    blocks = [
        _item(item, places[item.index], ties[item.tie] > 1, (low, high), grades.get(item.index, ""),
              opened.html(item) if at < OPENED else "")
        for at, item in enumerate(ranking.items[:top])
    ]  # fmt: skip
    if len(blocks) > OPENED:
        blocks.insert(OPENED, f"<div class='rl-more'>Open the first {OPENED} to read their full text.</div>")
    if len(ranking) > top:
        blocks.append(f"<div class='rl-more'>and {len(ranking) - top} more</div>")
    return f"<section class='rl-column'>{head}{notes}{''.join(blocks)}</section>"


def _item(item: Item, place: int, tied: bool, scale: tuple[float, float], grade: str, evidence: str) -> str:
    rank = f"{item.rank}{'=' if tied else ''}"
    judged = f"<span class='rl-grade'>{escape(grade)}</span>" if grade else ""
    head = (
        f"<div class='rl-head'><span class='rl-rank'{_tie_title(tied)}>{rank}</span>{_movement(item, place)}"
        f"<span class='rl-title'>{escape(item.candidate.label)}</span></div>"
    )
    about = f"<div class='rl-about'><span class='rl-id'>{escape(item.candidate.id)}</span>{judged}</div>"
    score = _score(item.score, scale)
    text = _start(item.candidate.text)
    start = f"<div class='rl-text'>{escape(text)}</div>" if text != item.candidate.label else ""
    reason = _reason(item.explanation)
    shown = f"{head}{about}{score}{start}{reason}"
    if not evidence:
        return f"<div class='rl-doc'>{shown}</div>"
    return f"<details class='rl-doc'><summary>{shown}</summary>{evidence}</details>"


@dataclass(frozen=True, slots=True)
class _Opened:
    """What the documents of one column open to."""

    part: Part
    ranking: Ranking
    terms: Sequence[str]
    length: int
    with_calls: bool

    def html(self, item: Item) -> str:
        """The text, the quotes, what the score is made of, or that no reason is given, and the calls."""
        given = f"{_quotes(item.explanation)}{_contributions(item.explanation)}{self._no_reason(item)}"
        return f"{self._full(item)}{given}{self._calls(item)}"

    def _full(self, item: Item) -> str:
        """The first `length` characters with the query's words and the found quotes marked, and what marks mean."""
        text = item.candidate.text[: self.length]
        words = term_spans(text, self.terms)
        quotes = [
            (quote.start, quote.end, "quote")
            for quote in (item.explanation.quotes if item.explanation else ())
            if quote.start is not None and quote.end is not None and quote.end <= len(text)
        ]
        left = len(item.candidate.text) - len(text)
        cut = f"<div class='rl-more'>{left:,} more characters are not shown here</div>" if left else ""
        body = f"<div class='rl-full' dir='auto'>{marked(text, [*words, *quotes])}</div>"
        return body + cut + self._legend(item, words=bool(words), quotes=bool(quotes))

    def _legend(self, item: Item, *, words: bool, quotes: bool) -> str:
        uses_words = bool(item.explanation and item.explanation.contributions)
        what = "words of the query" if uses_words or quotes else "words of the query, not what the model used"
        if self.ranking.usage.requests == 0:
            what = "words of the query"
        said = ["<mark class='quote'>quoted by the model</mark>"] if quotes else []
        said += [f"<mark class='term'>{what}</mark>"] if words else []
        return f"<div class='rl-marks'>marked: {', '.join(said)}</div>" if said else ""

    def _no_reason(self, item: Item) -> str:
        found = item.explanation
        if found is not None and (found.reason or found.contributions or found.quotes):
            return ""
        if any(other.explanation is not None and other.explanation.reason for other in self.ranking):
            return "<div class='rl-more'>No reason came for this document.</div>"
        gives = "an order" if all(other.score is None for other in self.ranking) else "a score"
        return f"<div class='rl-more'>{escape(title(self.part.strategy))} gives {gives}, no reason.</div>"

    def _calls(self, item: Item) -> str:
        return _calls_button(self.part, str(item.index)) if self.with_calls else ""


def _calls_button(part: Part, about: str) -> str:
    """Opens the calls about one document, by its original position, or about `all` of them."""
    return f"<button type='button' class='rl-open-calls' data-calls='{part.position}/{about}'>Model calls</button>"


def _tie_title(tied: bool) -> str:
    return " title='tied: listed in input order'" if tied else ""


def _movement(item: Item, place: int) -> str:
    moved = place - (item.rank or place)
    if moved > 0:
        return f"<span class='rl-move rl-up' title='up from {place}'>▲{moved}</span>"
    if moved < 0:
        return f"<span class='rl-move rl-down' title='down from {place}'>▼{-moved}</span>"
    return f"<span class='rl-move' title='came in at {place}'>=</span>"


def _scale(ranking: Ranking) -> tuple[float, float]:
    """Where the bars of a list begin and end: the scale of a grade or probability, else the scores' own."""
    scores = [item.score for item in ranking if item.score is not None]
    if not scores:
        return 0.0, 0.0
    if ranking.score_kind == "probability":
        return 0.0, 1.0
    if "out of" in ranking.score_kind:
        return 0.0, float(ranking.score_kind.rsplit(" ", 1)[1])
    return min(0.0, *scores), max(scores)


def _score(score: float | None, scale: tuple[float, float]) -> str:
    if score is None:
        return ""
    low, high = scale
    share = 100 * (score - low) / (high - low) if high > low else 0.0
    text = f"{score:.3f}" if abs(score) < 10 else f"{score:.2f}"
    return (
        f"<div class='rl-score'><span class='rl-number'>{text}</span>"
        f"<span class='rl-bar'><i style='width:{share:.0f}%'></i></span></div>"
    )


def _reason(explanation: Explanation | None) -> str:
    if explanation is None or not explanation.reason:
        return ""
    return f"<div class='rl-reason'>{escape(_start(explanation.reason, 300))}</div>"


def _quotes(explanation: Explanation | None) -> str:
    if explanation is None or not explanation.quotes:
        return ""
    rows = "".join(
        f"<li>“{escape(_start(quote.text, 300))}” "
        f"<b>{'found in the text' if quote.start is not None else 'not in the text'}</b></li>"
        for quote in explanation.quotes
    )
    return f"<ul class='rl-quotes'>{rows}</ul>"


def _contributions(explanation: Explanation | None) -> str:
    if explanation is None or not explanation.contributions:
        return ""
    rows = "".join(
        f"<tr><td>{escape(part.part)}{' → ' + escape(part.detail) if part.detail else ''}</td>"
        f"<td class='rl-num'>{part.value:.3f}</td></tr>"
        for part in sorted(explanation.contributions, key=lambda part: -abs(part.value))[:12]
    )
    return f"<table class='rl-table rl-parts'><tbody>{rows}</tbody></table>"


def _notes(diagnostics: Sequence[Diagnostic], *, failed: bool) -> str:
    """What happened on the way, with the raw reply one click away."""
    kind = "rl-note rl-note-failed" if failed else "rl-note"
    blocks = []
    for entry in diagnostics[:NOTE_SHOWN]:
        raw = f"<pre>{escape(_start_raw(entry.raw))}</pre>" if entry.raw else ""
        message = escape(entry.message)
        blocks.append(
            f"<details class='{kind}'><summary>{message}</summary>{raw}</details>"
            if raw
            else f"<div class='{kind}'>{message}</div>"
        )
    if len(diagnostics) > NOTE_SHOWN:
        blocks.append(f"<div class='{kind}'>and {len(diagnostics) - NOTE_SHOWN} more notes</div>")
    return "".join(blocks)


def _start(text: str, length: int = START_SHOWN) -> str:
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length and len(text) <= length * 4 else line[:length].rstrip() + "…"


def _start_raw(text: str, length: int = 2000) -> str:
    return text if len(text) <= length else text[:length] + "…"
