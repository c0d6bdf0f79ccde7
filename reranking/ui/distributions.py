"""How the scores of each strategy lie, in a part of the page that can be opened."""

from __future__ import annotations

import streamlit as st

from reranking.ui import notices, page, selection
from reranking.ui.drawing import draw
from reranking.views.compared import Compared
from reranking.views.distributions import about, aloud, figure, margins


@st.fragment(key="distributions")
def show(found: Compared) -> None:
    """A part that can be opened; nothing where all strategies failed."""
    if all(ranking.outcome == "failed" for ranking in found.rankings):
        return
    box = st.expander("Scores and the cut", key="open-scores", on_change="rerun")
    if not box.open:
        return
    k = selection.selected_cut(len(found.documents))
    with box:
        notices.caption(about(k))
        draw(figure(found, k, page.is_dark()), "score-strips", aloud(k))
        page.html(margins(found, k))
