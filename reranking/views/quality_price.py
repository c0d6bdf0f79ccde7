"""Quality against time or cost, once documents are judged: the plot, and what belongs beside it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from reranking.analysis.metrics import quality_range
from reranking.charts.quality_cost import Price, Priced, quality_cost
from reranking.ranking import Usage
from reranking.views.compared import Compared
from reranking.views.grades import GRADES

LABELS: dict[Price, str] = {"seconds": "time", "dollars": "cost"}

Judged = tuple[tuple[int, int], ...]
"""Grades as pairs of original position and grade, by position."""


def usual_price(found: Compared) -> Price:
    """What quality is set against unless something else is chosen: cost, if anything cost anything."""
    return "dollars" if any(each.usage.cost_usd for each in found.rankings) else "seconds"


def seconds_asked(usage: Usage) -> float | None:
    """What a ranking takes where nothing is cached: the clock, or the model's time where answers were cached.

    None where they were and the model's time is not known.
    """
    if not usage.cached:
        return usage.seconds
    return None if usage.model_seconds is None else max(usage.seconds, usage.model_seconds)


@lru_cache(maxsize=16)
def points_of(found: Compared, grades: Judged, price: Price) -> tuple[Priced, ...]:
    """The strategies whose quality and price are known."""
    points = []
    for at, (ranking, name) in enumerate(zip(found.rankings, found.names, strict=True)):
        quality = quality_range(ranking, dict(grades), max(GRADES))
        spent = seconds_asked(ranking.usage) if price == "seconds" else ranking.usage.cost_usd
        if quality is not None and spent is not None:
            low, high = quality.ndcg_at_10.low, quality.ndcg_at_10.high
            points.append(Priced(name, at, spent, low, low if high - low < 0.0005 else high))
    return tuple(points)


@lru_cache(maxsize=16)
def figure(found: Compared, grades: Judged, price: Price, dark: bool) -> Any:
    """The plot."""
    return quality_cost(points_of(found, grades, price), price, "nDCG@10", dark)


def about(found: Compared, points: tuple[Priced, ...], price: Price) -> str:
    """How the plot is read, and which strategies are not in it."""
    cheaper = "faster" if price == "seconds" else "cheaper"
    said = [f"Filled: no other is {cheaper} and at least as good."]
    if any(point.low != point.high for point in points):
        said.append("A line spans what nDCG@10 can still become while documents are unjudged.")
    if price == "dollars" and points and not any(point.price for point in points):
        said.append("All of them are free.")
    shown = {point.position for point in points}
    if price == "seconds" and any(found.rankings[at].usage.cached for at in shown):
        said.append("Where answers came from the cache, the time is what the model took for all of them, one by one.")
    missing = [name for at, name in enumerate(found.names) if at not in shown]
    if missing:
        said.append(f"Not shown, failed or without a known {LABELS[price]}: {', '.join(missing)}.")
    return " ".join(said)


def aloud(points: tuple[Priced, ...], price: Price) -> str:
    """The plot in words."""
    unit = "seconds" if price == "seconds" else "dollars"
    said = [
        f"{point.name}: nDCG@10 {point.low:.2f}{'' if point.low == point.high else f' to {point.high:.2f}'}, "
        f"{point.price:.3g} {unit}"
        for point in points
    ]
    return f"Quality against {LABELS[price]}. {'; '.join(said)}"
