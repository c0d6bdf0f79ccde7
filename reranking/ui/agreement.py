"""The agreement matrix with the choice of its measure."""

from __future__ import annotations

from typing import get_args

import streamlit as st

from reranking.ui import notices, page, selection
from reranking.ui.drawing import draw
from reranking.views.agreement import Measure, aloud, figure, left_out, meaning
from reranking.views.compared import Compared


@st.fragment(key="agreement")
def show(found: Compared) -> None:
    """The matrix of the chosen measure; nothing without two strategies and two documents."""
    n = len(found.documents)
    k = selection.selected_cut(n)
    page.html("<h3 class='rl-panel-title'>How far every two strategies agree</h3>")
    labels = {"tau": "tau", "rbo": "RBO", "overlap": f"top {k}"}
    measure: Measure = st.segmented_control(
        "Measure of agreement", get_args(Measure), default="tau", format_func=labels.__getitem__, key="agreement-by",
        required=True, label_visibility="collapsed",
    )  # fmt: skip
    draw(figure(found, measure, k, page.is_dark()), "agreement-matrix", aloud(found, measure, k))
    notices.caption(f"{meaning(measure, n, k)} {left_out(found)}".strip())
