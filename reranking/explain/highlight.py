"""Texts as HTML with marked passages. Document text is data: all of it is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby

from reranking.explain.folding import Folded

Span = tuple[int, int, str]
"""Start and end (code points, end exclusive) of a passage, and the kind of mark it gets."""

KINDS: tuple[str, ...] = ("term", "quote", "up-1", "up-2", "up-3", "down-1", "down-2", "down-3")
"""All kinds of marks. "up" and "down" speak for and against the document, from weak (1) to strong (3)."""


def marked(text: str, spans: Sequence[Span]) -> str:
    """The text as HTML with `<mark class="...">` around the spans, and no other tag.

    Where spans overlap, the mark carries the classes of all of them; marks do not nest. The
    classes are the spans' kinds. Spans are cut to the text. White space is kept as it is: show
    it with `white-space: pre-wrap`. Raises ValueError for a kind that is not one of KINDS.
    """
    unknown = {kind for _, _, kind in spans}.difference(KINDS)
    if unknown:
        raise ValueError(f"unknown kind of mark {min(unknown)!r}: use one of {', '.join(KINDS)}")
    inside = [(max(start, 0), min(end, len(text)), kind) for start, end, kind in spans]
    changes = [change for start, end, kind in inside if start < end for change in ((start, kind, 1), (end, kind, -1))]
    changes.sort()
    open_spans = dict.fromkeys(KINDS, 0)
    pieces: list[tuple[str, str]] = []  # classes, text
    at = 0
    for place, kind, change in changes:
        if place > at:
            pieces.append((_classes(open_spans), text[at:place]))
            at = place
        open_spans[kind] += change
    pieces.append(("", text[at:]))
    return "".join(
        f'<mark class="{classes}">{body}</mark>' if classes else body
        for classes, group in groupby(pieces, key=lambda piece: piece[0])
        if (body := "".join(escape(part) for _, part in group))
    )


def term_spans(text: str, terms: Iterable[str], kind: str = "term") -> tuple[Span, ...]:
    """Where the terms stand in the text as whole words, in any letter case, by position.

    In Chinese, Japanese, Korean and other scripts that do not set words apart by spaces, a
    term is found anywhere. Spans of different terms may overlap.
    """
    folded = Folded(text)
    found = {span for term in set(terms) for span in folded.find(term, words=True)}
    return tuple((start, end, kind) for start, end in sorted(found))


def weight_kind(weight: float, largest: float) -> str | None:
    """The kind of mark for a contribution, given the `largest` absolute one; None for no contribution."""
    if not weight or not largest:
        return None
    strength = min(3, 1 + int(3 * abs(weight) / abs(largest)))
    return f"{'up' if weight > 0 else 'down'}-{strength}"


def _classes(open_spans: dict[str, int]) -> str:
    return " ".join(kind for kind, count in open_spans.items() if count > 0)
