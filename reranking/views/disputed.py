"""The documents that the strategies disagree on most, as HTML built from escaped text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from reranking.analysis.agreement import most_disputed
from reranking.analysis.differences import Place, places, widest
from reranking.analysis.standings import voting
from reranking.charts.labels import fitted
from reranking.explain.evidence import because
from reranking.views import marks
from reranking.views.compared import Compared

SHOWN = 5
TITLE = 520
"""Pixels that a title may take in type of the charts' size: about two lines of the panel."""


@lru_cache(maxsize=16)
def panel(found: Compared, dark: bool | None, link: str = "") -> str:
    """The most disputed documents, the widest apart first.

    Failed strategies and those that tie everything do not count. A strategy's mark shows the
    document's rank from the first (left) to the last. Each title is a button that opens the
    document's card; with a `link`, the beginning of an address that its number ends, it leads there,
    and what the two strategies furthest apart tell of the document stands below. `dark` is None
    where the theme is not known.
    """
    title = "<h3 class='rl-panel-title'>Most disputed documents</h3>"
    counted = voting(found.rankings)
    if len(counted) < 2:
        return f"{title}<div class='rl-caption'>Fewer than two strategies give an order.</div>"
    rankings = [found.rankings[at] for at in counted]
    held = [_Held(found.names[at], at, dark, places(found.rankings[at])) for at in counted]
    disputes = [dispute for dispute in most_disputed(rankings)[:SHOWN] if dispute.spread]
    names = fitted([found.titles[dispute.index] for dispute in disputes], TITLE)
    blocks = [
        _block(found, dispute.index, name, held, widest(rankings, dispute.index), link)
        for dispute, name in zip(disputes, names, strict=True)
    ]
    if not blocks:
        return f"{title}<div class='rl-caption'>None: every document has one rank everywhere.</div>"
    note = f"Rank 1 is left, rank {len(found.documents)} right; a mark per strategy."
    note += "" if link else " Press a title to see why."
    return f"{title}{''.join(blocks)}<div class='rl-caption'>{note}</div>"


@dataclass(frozen=True, slots=True)
class _Held:
    """A strategy in the panel: its name, its place in the comparison, and the places that documents hold in it."""

    name: str
    position: int
    dark: bool | None
    places: Mapping[int, Place]


def why(found: Compared, index: int, strategies: Sequence[int]) -> str:
    """For each strategy (by number) what its ranking tells of the document's place."""
    rows = "".join(
        f"<li><b>{escape(found.names[at])}</b>: {escape(_ended('; '.join(because(found.rankings[at], index))))}</li>"
        for at in strategies
    )
    return f"<ul class='rl-why'>{rows}</ul>"


def _ended(sentence: str) -> str:
    return sentence if sentence.rstrip("”").endswith((".", "!", "?", "…")) else f"{sentence}."


def _block(
    found: Compared, index: int, name: str, held: Sequence[_Held], pair: tuple[int, int] | None, link: str
) -> str:
    apart = [held[at] for at in pair or ()]
    said = " · ".join(_said(each, index) for each in apart)
    dots = "".join(_dot(each, index) for each in held)
    words = f"title='{escape(found.titles[index], quote=True)}'>{escape(name)}"
    head = (
        f"<a class='rl-title' href='{escape(link, quote=True)}{index + 1}' {words}</a>"
        if link
        else f"<button type='button' class='rl-title rl-open' data-doc='{index}' {words}</button>"
    )
    told = why(found, index, [each.position for each in apart]) if link else ""
    return (
        f"<div class='rl-dispute'>{head}<div class='rl-dispute-said'>{said}</div>"
        f"<div class='rl-ranks' aria-hidden='true'>{dots}</div>{told}</div>"
    )


def _said(held: _Held, index: int) -> str:
    """A strategy and where it puts the document."""
    place = held.places[index]
    where = f"tied {place}" if place.tied else f"rank {place}"
    return f"{marks.mark(held.position, held.dark)}<b>{where}</b> {escape(held.name)}"


def _dot(held: _Held, index: int) -> str:
    place = held.places[index]
    share = 100 * (place.middle - 1) / (len(held.places) - 1)
    about = f"{escape(held.name, quote=True)}: {place}"
    colour = marks.colour(held.position, held.dark)
    return f"<i class='{marks.kind(held.position)}' style='left:{share:.1f}%;background:{colour}' title='{about}'></i>"
