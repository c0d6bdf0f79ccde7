"""The documents that the strategies disagree on most, as HTML built from escaped text."""

from __future__ import annotations

from functools import lru_cache
from html import escape

from reranking.analysis.agreement import most_disputed
from reranking.analysis.differences import places, widest
from reranking.analysis.standings import voting
from reranking.charts import palette
from reranking.charts.frame import cut
from reranking.ui.compared import Compared

SHOWN = 5
TITLE = 70


@lru_cache(maxsize=16)
def panel(found: Compared, dark: bool) -> str:
    """The most disputed documents, the widest apart first; each can be pressed to select it.

    Failed strategies and those that tie everything do not count. A dot per strategy, in its
    colour, shows the document's rank from the first (left) to the last.
    """
    counted = voting(found.rankings)
    rankings = [found.rankings[at] for at in counted]
    disputes = [dispute for dispute in most_disputed(rankings) if dispute.spread] if len(rankings) > 1 else []
    title = "<h3 class='rl-panel-title'>Most disputed documents</h3>"
    if not disputes:
        none = "Fewer than two strategies give an order." if len(rankings) < 2 else "None: every rank is the same."
        return f"{title}<div class='rl-caption'>{none}</div>"
    held = [places(ranking) for ranking in rankings]
    blocks = []
    for dispute in disputes[:SHOWN]:
        pair = widest(rankings, dispute.index)
        said = " · ".join(
            f"<b>{_where(str(held[at][dispute.index]), tied=held[at][dispute.index].tied)}</b> "
            f"{escape(found.names[counted[at]])}"
            for at in pair or ()
        )
        dots = "".join(
            _dot(held[at][dispute.index].middle, len(found.documents), found.names[counted[at]],
                 palette.colour(counted[at], dark))
            for at in range(len(rankings))
        )  # fmt: skip
        name = escape(cut(found.titles[dispute.index], TITLE))
        blocks.append(
            f"<div class='rl-dispute'><button type='button' class='rl-title rl-open' data-doc='{dispute.index}'>{name}"
            f"</button><div class='rl-dispute-said'>{said}</div>"
            f"<div class='rl-ranks' aria-hidden='true'>{dots}</div></div>"
        )
    note = f"Rank 1 is left, rank {len(found.documents)} right; a dot per strategy. Press a title to see why."
    return f"{title}{''.join(blocks)}<div class='rl-caption'>{note}</div>"


def _where(place: str, *, tied: bool) -> str:
    return f"tied {place}" if tied else f"rank {place}"


def _dot(rank: float, documents: int, name: str, colour: str) -> str:
    share = 100 * (rank - 1) / max(documents - 1, 1)
    return f"<i style='left:{share:.1f}%;background:{colour}' title='{escape(name, quote=True)}: {rank:g}'></i>"
