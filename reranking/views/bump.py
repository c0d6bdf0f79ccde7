"""The columns of the bump chart, and the chart in words."""

from __future__ import annotations

from reranking.charts.bump import BumpColumn
from reranking.ranking import by_order
from reranking.views.compared import Compared


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
