"""Quality against time or cost, once documents are judged."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import streamlit as st

from reranking.analysis.metrics import quality_range
from reranking.charts.quality_cost import Price, Priced, quality_cost
from reranking.ui import notices, page, state
from reranking.ui.compared import Compared, Grades
from reranking.ui.drawing import draw

LABELS: dict[Price, str] = {"seconds": "time", "dollars": "cost"}


@st.fragment(key="quality-price")
def show(found: Compared, grades: Grades) -> None:
    """The plot with the choice of its price, and what is left out of it."""
    page.html("<h3 class='rl-panel-title'>Quality against time or cost</h3>")
    usual: Price = "dollars" if any(each.usage.cost_usd for each in found.rankings) else "seconds"
    price: Price = st.segmented_control(
        "Price", list(LABELS), default=usual, format_func=LABELS.__getitem__, key="price-in", required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    judged = tuple(sorted(grades.all.items()))
    points = _points(found, judged, price)
    draw(_figure(found, judged, price, page.is_dark()), "quality-price", _aloud(points, price))
    notices.caption(_about(found, points, price))


@lru_cache(maxsize=16)
def _points(found: Compared, grades: tuple[tuple[int, int], ...], price: Price) -> tuple[Priced, ...]:
    points = []
    for at, (ranking, name) in enumerate(zip(found.rankings, found.names, strict=True)):
        quality = quality_range(ranking, dict(grades), max(state.GRADES))
        spent = ranking.usage.seconds if price == "seconds" else ranking.usage.cost_usd
        if quality is not None and spent is not None:
            low, high = quality.ndcg_at_10.low, quality.ndcg_at_10.high
            points.append(Priced(name, at, spent, low, low if high - low < 0.0005 else high))
    return tuple(points)


@lru_cache(maxsize=16)
def _figure(found: Compared, grades: tuple[tuple[int, int], ...], price: Price, dark: bool) -> Any:
    return quality_cost(_points(found, grades, price), price, "nDCG@10", dark)


def _about(found: Compared, points: tuple[Priced, ...], price: Price) -> str:
    """How the plot is read, and which strategies are not in it."""
    cheaper = "faster" if price == "seconds" else "cheaper"
    said = [f"Filled: no other is {cheaper} and at least as good."]
    if any(point.low != point.high for point in points):
        said.append("A line spans what nDCG@10 can still become while documents are unjudged.")
    if price == "dollars" and points and not any(point.price for point in points):
        said.append("All of them are free.")
    if price == "seconds" and any(ranking.usage.cached for ranking in found.rankings):
        said.append("Answers from the cache make a run shorter than it would be without.")
    missing = [name for at, name in enumerate(found.names) if at not in {point.position for point in points}]
    if missing:
        said.append(f"Not shown, failed or without a known {LABELS[price]}: {', '.join(missing)}.")
    return " ".join(said)


def _aloud(points: tuple[Priced, ...], price: Price) -> str:
    unit = "seconds" if price == "seconds" else "dollars"
    said = [
        f"{point.name}: nDCG@10 {point.low:.2f}{'' if point.low == point.high else f' to {point.high:.2f}'}, "
        f"{point.price:.3g} {unit}"
        for point in points
    ]
    return f"Quality against {LABELS[price]}. {'; '.join(said)}"
