"""The columns of the bump chart, and the chart in words."""

from __future__ import annotations

from collections.abc import Sequence

from reranking.analysis.agreement import most_disputed, ties_everything
from reranking.analysis.differences import places
from reranking.analysis.standings import voting
from reranking.charts.bump import BumpColumn
from reranking.ranking import Ranking, by_order
from reranking.views.compared import Compared

TOLD = 3
"""How many documents are told of each strategy."""


def bump_columns(found: Compared) -> list[BumpColumn]:
    """A column for each strategy, after one for the order of the input unless a strategy keeps it."""
    drawn = [
        BumpColumn(name, ranking, at)
        for at, (name, ranking) in enumerate(zip(found.names, found.rankings, strict=True))
    ]
    if not any(part.strategy.keeps_order for part in found.parts):
        came_in = by_order(found.job.candidates, range(len(found.documents)))
        drawn.insert(0, BumpColumn("Input order", came_in))
    return drawn


def aloud(found: Compared) -> str:
    """Who is on top of each column, and which documents move most."""
    columns = [column for column in bump_columns(found) if column.ranking.outcome != "failed"]
    tops = "; ".join(f"{column.name}: {_top(column.ranking, found.titles)}" for column in columns)
    disputes = most_disputed([found.rankings[at] for at in voting(found.rankings)])[:TOLD]
    moved = "; ".join(
        f"“{found.titles[one.index]}” between {one.best:g} and {one.worst:g}" for one in disputes if one.spread
    )
    first = f"First {min(TOLD, len(found.documents))} by {tops}."
    return f"{first} Ranked most differently: {moved}." if moved else first


def _top(ranking: Ranking, titles: Sequence[str]) -> str:
    """The first documents of a ranking, tied ones with the places that they share."""
    if ties_everything(ranking):
        return "all tied"
    held = places(ranking)
    return ", ".join(
        f"“{titles[index]}”" + (f" (tied {held[index]})" if held[index].tied else "") for index in ranking.order[:TOLD]
    )
