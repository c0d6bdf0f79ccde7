"""What a ranking holds on a document as HTML of escaped text: marked text, reason, quotes, parts of a score."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from reranking.explain.evidence import choices, score_text
from reranking.explain.folding import plain_words
from reranking.explain.highlight import Span, marked, term_spans, weight_kind
from reranking.ranking import Contribution, Explanation, Item, Ranking
from reranking.strategies.base import Strategy
from reranking.strategies.lexical import placed_words, words

TEXT_SHOWN = 20_000
PARTS_SHOWN = 12
REASON_SHOWN = 300
WORDED = ("Lexical", "Encoders")
"""Families whose scores are sums over words of the text, so that the parts can be marked in it."""


def shortened(text: str, length: int) -> str:
    """How a text begins, on one line."""
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length and len(text) <= length * 4 else line[:length].rstrip() + "…"


def full_text(text: str, spans: Sequence[Span], length: int = TEXT_SHOWN) -> str:
    """The first `length` characters with marks, and how many are left out."""
    shown = text[:length]
    left = len(text) - len(shown)
    cut = f"<div class='rl-more'>{left:,} more characters are not shown here</div>" if left else ""
    return f"<div class='rl-full' dir='auto'>{marked(shown, spans)}</div>{cut}"


def word_marks(text: str, query: str) -> tuple[Span, ...]:
    """Where the query's words stand in the text, however either is punctuated.

    These are the words that BM25 counts and, since folding makes more of them equal, those it finds as whole words.
    """
    asked = set(words(query))
    counted = {(start, end) for word, start, end in placed_words(text) if word in asked}
    folded = {(start, end) for start, end, _ in term_spans(text, plain_words(query))}
    return tuple((start, end, "term") for start, end in sorted(counted | folded))


def quote_marks(text: str, explanation: Explanation | None) -> list[Span]:
    """Where the quotes stand that were found in the text."""
    return [
        (quote.start, quote.end, "quote")
        for quote in (explanation.quotes if explanation else ())
        if quote.start is not None and quote.end is not None and quote.end <= len(text)
    ]


def part_marks(text: str, strategy: Strategy, explanation: Explanation | None) -> list[Span]:
    """The words of the text that a score is made of, by how much each adds; none where its parts are no words.

    Of a part that names what it matched in the text, that is marked.
    """
    if explanation is None or strategy.family not in WORDED:
        return []
    largest = max((abs(part.value) for part in explanation.contributions), default=0.0)
    kinds = [(part.detail or part.part, weight_kind(part.value, largest)) for part in explanation.contributions]
    return [span for word, kind in kinds if kind for span in term_spans(text, [word], kind)]


def reason(explanation: Explanation | None) -> str:
    """The reason that a model gave."""
    if explanation is None or not explanation.reason:
        return ""
    return f"<div class='rl-reason'>{escape(shortened(explanation.reason, REASON_SHOWN))}</div>"


def quotes(explanation: Explanation | None) -> str:
    """The quotes, each with whether it stands in the text."""
    if explanation is None or not explanation.quotes:
        return ""
    rows = "".join(
        f"<li>“{escape(shortened(quote.text, REASON_SHOWN))}” "
        f"<b>{'found in the text' if quote.start is not None else 'not in the text'}</b></li>"
        for quote in explanation.quotes
    )
    return f"<ul class='rl-quotes'>{rows}</ul>"


def parts(explanation: Explanation | None, most: int = PARTS_SHOWN) -> str:
    """What a score is the sum of, the largest parts first."""
    if explanation is None or not explanation.contributions:
        return ""
    ordered = sorted(explanation.contributions, key=lambda part: -abs(part.value))
    rows = "".join(
        f"<tr><td>{escape(part.part)}{' → ' + escape(part.detail) if part.detail else ''}{_note(part)}</td>"
        f"<td class='rl-num'>{score_text(part.value)}</td></tr>"
        for part in ordered[:most]
    )
    left = len(ordered) - most
    more = f"<tr><td>and {left} smaller</td><td></td></tr>" if left > 0 else ""
    return f"<table class='rl-table rl-parts'><tbody>{rows}{more}</tbody></table>"


def _note(part: Contribution) -> str:
    return f"<div class='rl-meaning'>{escape(part.note)}</div>" if part.note else ""


def no_reason(item: Item, ranking: Ranking, name: str) -> str:
    """That the strategy of that name gives no reason, and how its model chose; empty where a reason is there."""
    found = item.explanation
    if found is not None and (found.reason or found.contributions or found.quotes):
        return ""
    if any(other.explanation is not None and other.explanation.reason for other in ranking):
        return "<div class='rl-more'>No reason came for this document.</div>"
    chosen = choices(found)
    if chosen:
        return f"<div class='rl-more'>{escape(f'{name} asked for a choice and no reason: {chosen}.')}</div>"
    gives = "an order" if all(other.score is None for other in ranking) else "a score"
    return f"<div class='rl-more'>{escape(name)} gives {gives}, no reason.</div>"


def everything(item: Item, ranking: Ranking, name: str) -> str:
    """All that the ranking of the strategy of that name tells of a document."""
    found = item.explanation
    told = f"{reason(found)}{quotes(found)}{parts(found)}"
    return told or no_reason(item, ranking, name)


def scale(ranking: Ranking) -> tuple[float, float]:
    """Where the bars of a list begin and end: the scale of a grade or probability, else the scores' own."""
    scores = [item.score for item in ranking if item.score is not None]
    if not scores:
        return 0.0, 0.0
    if ranking.score_kind == "probability":
        return 0.0, 1.0
    if "out of" in ranking.score_kind:
        return 0.0, float(ranking.score_kind.rsplit(" ", 1)[1])
    return min(0.0, *scores), max(scores)


def score(value: float | None, ends: tuple[float, float]) -> str:
    """A score with its bar; nothing where there is none."""
    if value is None:
        return ""
    low, high = ends
    share = 100 * (value - low) / (high - low) if high > low else 0.0
    return (
        f"<div class='rl-score'><span class='rl-number'>{score_text(value)}</span>"
        f"<span class='rl-bar'><i style='width:{share:.0f}%'></i></span></div>"
    )


def about_scores(strategy: Strategy) -> str:
    """What the strategy does and what its scores are: the first sentence and the scores' one of its description."""
    text = " ".join((type(strategy).__doc__ or "").split())
    first = text.split(". ")[0].rstrip(".") + "." if text else ""
    _, found, rest = text.partition("Scores: ")
    said = rest.split(" Ties: ")[0].split(" Source: ")[0].split(". ")[0].rstrip(".") if found else ""
    return f"{first} Scores: {said}." if said else first
