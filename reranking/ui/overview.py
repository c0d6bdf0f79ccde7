"""The overview of a comparison: the finding, the bump chart, agreement, price, disputes, and what lies behind them."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from importlib import import_module
from threading import Thread

import streamlit as st

from reranking.analysis.agreement import summary
from reranking.analysis.standings import voting
from reranking.ui import (
    agreement,
    consensus,
    distributions,
    example_grades,
    following,
    notices,
    page,
    quality_price,
)
from reranking.views import disputed, prices
from reranking.views.amounts import saved
from reranking.views.compared import Compared
from reranking.views.grades import Grades


def show(found: Compared, grades: Grades) -> None:
    """Everything above the columns."""
    finding = summary(found.rankings, found.names)
    if finding:
        page.html(f"<p class='rl-finding'>{escape(finding)}</p>")
    following.show(found)
    _panels(found, grades)
    page.html(prices.table(found, grades.all))
    if said := saved(found.rankings):
        notices.caption(said)
    if grades.all:
        notices.caption(prices.about_quality(len(found.documents), grades))
    example_grades.control(found.job.query, found.documents)
    consensus.show(found)
    distributions.show(found)


@lru_cache(maxsize=1)
def prepare() -> None:
    """Load what agreement is computed with away from the screen, once: it takes most of a second."""
    Thread(target=lambda: [import_module(name) for name in ("scipy.stats", "scipy.cluster.hierarchy")]).start()


def preload() -> None:
    """Let the browser load what draws charts while strategies run: the first chart of a page else waits for it."""
    with st.container(key="chart-preload"):
        st.plotly_chart({"data": [{"type": "scatter"}], "layout": {"height": 10}}, key="preloaded", theme=None)


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
