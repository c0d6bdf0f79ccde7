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
from reranking.charts.frame import cut
from reranking.views.compared import Compared

SHOWN = 5
TITLE = 70


@lru_cache(maxsize=16)
def panel(found: Compared, dark: bool) -> str:
    """The most disputed documents, the widest apart first; each can be pressed to select it.

    Failed strategies and those that tie everything do not count. A dot per strategy, in its
    colour, shows the document's rank from the first (left) to the last.
    """
    title = "<h3 class='rl-panel-title'>Most disputed documents</h3>"
    counted = voting(found.rankings)
    if len(counted) < 2:
        return f"{title}<div class='rl-caption'>Fewer than two strategies give an order.</div>"
    rankings = [found.rankings[at] for at in counted]
    marks = [_Mark(found.names[at], palette.colour(at, dark), places(found.rankings[at])) for at in counted]
    blocks = [
        _block(dispute.index, found.titles[dispute.index], marks, widest(rankings, dispute.index))
        for dispute in most_disputed(rankings)[:SHOWN]
        if dispute.spread
    ]
    if not blocks:
        return f"{title}<div class='rl-caption'>None: every document has one rank everywhere.</div>"
    note = f"Rank 1 is left, rank {len(found.documents)} right; a dot per strategy. Press a title to see why."
    return f"{title}{''.join(blocks)}<div class='rl-caption'>{note}</div>"


@dataclass(frozen=True, slots=True)
class _Mark:
    """A strategy in the panel: its name, its colour, and the places that documents hold in it."""

    name: str
    colour: str
    held: Mapping[int, Place]


def _block(index: int, title: str, marks: Sequence[_Mark], pair: tuple[int, int] | None) -> str:
    said = " · ".join(_said(marks[at], index) for at in pair or ())
    dots = "".join(_dot(mark, index) for mark in marks)
    return (
        f"<div class='rl-dispute'><button type='button' class='rl-title rl-open' data-doc='{index}'>"
        f"{escape(cut(title, TITLE))}</button><div class='rl-dispute-said'>{said}</div>"
        f"<div class='rl-ranks' aria-hidden='true'>{dots}</div></div>"
    )


def _said(mark: _Mark, index: int) -> str:
    """A strategy and where it puts the document."""
    place = mark.held[index]
    where = f"tied {place}" if place.tied else f"rank {place}"
    return f"<i class='rl-key' style='background:{mark.colour}'></i><b>{where}</b> {escape(mark.name)}"


def _dot(mark: _Mark, index: int) -> str:
    place = mark.held[index]
    share = 100 * (place.middle - 1) / (len(mark.held) - 1)
    about = f"{escape(mark.name, quote=True)}: {place}"
    return f"<i style='left:{share:.1f}%;background:{mark.colour}' title='{about}'></i>"
