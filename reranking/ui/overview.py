"""The overview of a comparison: the finding, the bump chart, agreement, price, disputes."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import Any

import streamlit as st

from reranking.analysis.agreement import summary
from reranking.charts.bump import BumpColumn, bump_chart
from reranking.ranking import by_order
from reranking.strategies.input_order import InputOrder
from reranking.ui import example_grades, notices, page, prices, selection
from reranking.ui.compared import Compared, Grades


def show(found: Compared, grades: Grades) -> None:
    """Everything above the columns."""
    finding = summary(found.rankings, found.names)
    if finding:
        page.html(f"<p class='rl-finding'>{escape(finding)}</p>")
    _bump(found)
    page.html(prices.table(found, grades.all))
    if grades.all:
        notices.caption(prices.about_quality(len(found.documents), grades))
    example_grades.control(found.job.query, found.documents)


def _bump(found: Compared) -> None:
    """The bump chart, with the input order as its first column."""
    if len(found.documents) < 2:
        return
    figure = _bump_figure(found, page.is_dark(), selection.selected_document(len(found.documents)))
    st.plotly_chart(
        figure, key="bump", theme=None, config={"displaylogo": False}, alt=f"Ranks by {', '.join(found.names)}"
    )


@lru_cache(maxsize=8)
def _bump_figure(found: Compared, dark: bool, selected: int | None) -> Any:
    drawn = [BumpColumn(name, ranking) for name, ranking in zip(found.names, found.rankings, strict=True)]
    if not any(isinstance(part.strategy, InputOrder) for part in found.parts):
        came_in = by_order(found.job.candidates, range(len(found.documents)))
        drawn.insert(0, BumpColumn("Input order", came_in))
    return bump_chart(drawn, found.titles, dark, selected)
