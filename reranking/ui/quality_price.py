"""Quality against time or cost, once documents are judged."""

from __future__ import annotations

import streamlit as st

from reranking.charts.quality_cost import Price
from reranking.ui import notices, page
from reranking.ui.drawing import draw
from reranking.views.compared import Compared
from reranking.views.grades import Grades
from reranking.views.quality_price import LABELS, about, aloud, figure, points_of, usual_price


@st.fragment(key="quality-price")
def show(found: Compared, grades: Grades) -> None:
    """The plot with the choice of its price, and what is left out of it."""
    page.html("<h3 class='rl-panel-title'>Quality against time or cost</h3>")
    price: Price = st.segmented_control(
        "Price", list(LABELS), default=usual_price(found), format_func=LABELS.__getitem__, key="price-in",
        required=True, label_visibility="collapsed",
    )  # fmt: skip
    judged = tuple(sorted(grades.all.items()))
    points = points_of(found, judged, price)
    draw(figure(found, judged, price, page.is_dark()), "quality-price", aloud(points, price))
    notices.caption(about(found, points, price))
