"""Why a document is where it is in a ranking, in words: only what the ranking itself holds.

Everything returned is plain text with foreign text in it: escape it before it is shown as HTML.
"""

from __future__ import annotations

from collections.abc import Sequence

from reranking.ranking import Contribution, Diagnostic, Explanation, Item, Ranking
from reranking.wording import listed, one_line

PARTS_NAMED = 3
REASON_SHOWN = 240
NOTE_SHOWN = 160
ABOUT_FEW = 5
CHOICES_NAMED = 4


def score_text(score: float) -> str:
    """A score with three decimals, large ones with two."""
    return f"{score:.3f}" if abs(score) < 10 else f"{score:.2f}"


def because(ranking: Ranking, index: int) -> tuple[str, ...]:
    """What the ranking tells of a document's place, each piece the end of a sentence; never empty.

    `index` is the document's original position. The pieces are: the score and the parts that
    make it up, or beside it the best score; how the model chose; the reason given; quotes; notes on this document.
    Without any of them it is said that there is no reason. A failed ranking has no place to tell of.
    """
    if ranking.outcome == "failed":
        return ("it failed and gives no order",)
    item = next(item for item in ranking if item.index == index)
    told = [
        *_score(ranking, item),
        *_choices(item),
        *_reason(item),
        *_quotes(item),
        *_noted(ranking.diagnostics, index),
    ]
    if not told:
        return ("it gives an order and no reason",)
    return tuple(told)


def _score(ranking: Ranking, item: Item) -> list[str]:
    if item.score is None:
        scored = any(other.score is not None for other in ranking)
        return ["it gives this document no score, and puts it below those that have one"] if scored else []
    own = f"score {score_text(item.score)} ({ranking.score_kind})"
    parts = item.explanation.contributions if item.explanation is not None else ()
    if parts:
        return [f"{own}{_parts(parts)}"]
    best = ranking.items[0]
    if best.index == item.index or best.score is None:
        return [f"{own}, the highest" if best.index == item.index else own]
    return [f"{own}, the highest is {score_text(best.score)}"]


def _parts(parts: Sequence[Contribution]) -> str:
    """The parts with the largest shares of a score, as a clause."""
    largest = sorted(parts, key=lambda part: -abs(part.value))
    named = [part for part in largest if part.value][:PARTS_NAMED]
    if not named:
        names = [f"“{part.part}”{_note(part)}" for part in parts[:6]]
        return f", nothing from {listed(names)}{' and others' * (len(parts) > 6)}"
    words = [f"{score_text(part.value)} from “{part.part}”{_detail(part)}{_note(part)}" for part in named]
    left = sum(part.value != 0 for part in parts) - len(named)
    return f", of which {listed(words)}" + (f"; {left} smaller part{'s' * (left > 1)}" if left else "")


def _detail(part: Contribution) -> str:
    return f" ({part.detail})" if part.detail and part.detail != part.part else ""


def _note(part: Contribution) -> str:
    return f" ({part.note})" if part.note else ""


def choices(explanation: Explanation | None) -> str:
    """How the model answered where it was to choose, the likeliest first, as a clause; empty where it was not."""
    known = explanation.choices if explanation is not None else ()
    if not known:
        return ""
    written = [choice.text for choice in known if choice.written]
    if written:
        return f"it wrote “{written[0]}”, without a probability"
    rated = sorted(known, key=lambda choice: -(choice.probability or 0.0))
    told = [f"“{choice.text}” {_probability(choice.probability)}" for choice in rated[:CHOICES_NAMED]]
    left = len(rated) - len(told)
    return f"probability of {listed(told)}" + (f"; {left} less likely" if left else "")


def _probability(value: float | None) -> str:
    if value is None:
        return "not returned"
    return f"{value:.3f}" if value >= 0.0005 else "under 0.001"


def _choices(item: Item) -> list[str]:
    told = choices(item.explanation)
    return [told] if told else []


def _reason(item: Item) -> list[str]:
    found = item.explanation
    return [f"its reason: “{one_line(found.reason, REASON_SHOWN)}”"] if found is not None and found.reason else []


def _quotes(item: Item) -> list[str]:
    quotes = item.explanation.quotes if item.explanation is not None else ()
    told = [f"it quotes “{one_line(quote.text, REASON_SHOWN)}”" for quote in quotes if quote.start is not None][:1]
    strange = sum(quote.start is None for quote in quotes)
    if strange:
        told.append(f"{strange} of its {len(quotes)} quote{'s' * (len(quotes) > 1)} {'are' if strange > 1 else 'is'} "
                    "not in the text")  # fmt: skip
    return told


def _noted(diagnostics: Sequence[Diagnostic], index: int) -> list[str]:
    """Notes on this document, or on a few of which it is one."""
    about = [note for note in diagnostics if index in note.indexes and len(note.indexes) <= ABOUT_FEW]
    return [f"note: {one_line(note.message, NOTE_SHOWN)}" for note in about]
