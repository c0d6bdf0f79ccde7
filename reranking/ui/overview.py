"""The overview of a comparison: the finding, the bump chart, agreement, price, disputes, and what lies behind them."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import streamlit as st

from reranking.analysis.agreement import summary
from reranking.analysis.standings import voting
from reranking.charts.bump import BumpColumn, bump_chart
from reranking.ranking import by_order
from reranking.strategies.input_order import InputOrder
from reranking.ui import (
    agreement,
    consensus,
    disputed,
    distributions,
    example_grades,
    notices,
    page,
    prices,
    quality_price,
    selection,
)
from reranking.ui.compared import Compared, Grades
from reranking.ui.drawing import draw

_STYLE = Path(__file__).with_name("overview.css")


def show(found: Compared, grades: Grades) -> None:
    """Everything above the columns."""
    st.html(_STYLE)
    finding = summary(found.rankings, found.names)
    if finding:
        page.html(f"<p class='rl-finding'>{escape(finding)}</p>")
    _bump(found)
    _panels(found, grades)
    page.html(prices.table(found, grades.all))
    if grades.all:
        notices.caption(prices.about_quality(len(found.documents), grades))
    example_grades.control(found.job.query, found.documents)
    consensus.show(found)
    distributions.show(found)


@lru_cache(maxsize=1)
def prepare() -> None:
    """Load what agreement is computed with away from the screen, once: it takes most of a second."""
    Thread(target=lambda: [import_module(name) for name in ("scipy.stats", "scipy.cluster.hierarchy")]).start()


def _panels(found: Compared, grades: Grades) -> None:
    """Agreement, price once there are judgments, and disputes: beside each other where there is room."""
    if len(found.documents) < 2 or len(found.parts) < 2:
        return
    agreeing, *middle, disputes = st.columns([6, 5, 5] if grades.all else [6, 5], gap="medium")
    if len(voting(found.rankings)) > 1:
        with agreeing:
            agreement.show(found)
    for column in middle:
        with column:
            quality_price.show(found, grades)
    with disputes:
        page.html(disputed.panel(found, page.is_dark()))


def _bump(found: Compared) -> None:
    """The bump chart, with the input order as its first column."""
    if len(found.documents) < 2:
        return
    figure = _bump_figure(found, page.is_dark(), selection.selected_document(len(found.documents)))
    draw(figure, "bump", f"Ranks by {', '.join(found.names)}")


@lru_cache(maxsize=8)
def _bump_figure(found: Compared, dark: bool, selected: int | None) -> Any:
    drawn = [BumpColumn(name, ranking) for name, ranking in zip(found.names, found.rankings, strict=True)]
    if not any(isinstance(part.strategy, InputOrder) for part in found.parts):
        came_in = by_order(found.job.candidates, range(len(found.documents)))
        drawn.insert(0, BumpColumn("Input order", came_in))
    return bump_chart(drawn, found.titles, dark, selected)
