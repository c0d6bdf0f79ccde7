"""The documents that the strategies disagree on most, as HTML built from escaped text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from reranking.analysis.agreement import most_disputed
from reranking.analysis.differences import Place, places, widest
from reranking.analysis.standings import voting
from reranking.charts import palette
from reranking.charts.labels import fitted
from reranking.views import marks
from reranking.views.compared import Compared

SHOWN = 5
TITLE = 520
"""Pixels that a title may take in type of the charts' size: about two lines of the panel."""


@lru_cache(maxsize=16)
def panel(found: Compared, dark: bool) -> str:
    """The most disputed documents, the widest apart first; each can be pressed to select it.

    Failed strategies and those that tie everything do not count. A strategy's mark shows the
    document's rank from the first (left) to the last.
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
        _block(dispute.index, name, found.titles[dispute.index], held, widest(rankings, dispute.index))
        for dispute, name in zip(disputes, names, strict=True)
    ]
    if not blocks:
        return f"{title}<div class='rl-caption'>None: every document has one rank everywhere.</div>"
    note = f"Rank 1 is left, rank {len(found.documents)} right; a mark per strategy. Press a title to see why."
    return f"{title}{''.join(blocks)}<div class='rl-caption'>{note}</div>"


@dataclass(frozen=True, slots=True)
class _Held:
    """A strategy in the panel: its name, its place in the comparison, and the places that documents hold in it."""

    name: str
    position: int
    dark: bool
    places: Mapping[int, Place]


def _block(index: int, name: str, title: str, held: Sequence[_Held], pair: tuple[int, int] | None) -> str:
    said = " · ".join(_said(held[at], index) for at in pair or ())
    dots = "".join(_dot(each, index) for each in held)
    return (
        f"<div class='rl-dispute'><button type='button' class='rl-title rl-open' data-doc='{index}' "
        f"title='{escape(title, quote=True)}'>{escape(name)}</button>"
        f"<div class='rl-dispute-said'>{said}</div><div class='rl-ranks' aria-hidden='true'>{dots}</div></div>"
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
    colour = palette.colour(held.position, held.dark)
    return f"<i class='{marks.kind(held.position)}' style='left:{share:.1f}%;background:{colour}' title='{about}'></i>"
