"""How a ranking came about, one strategy at a time, in a part of the page that can be opened."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from reranking.ui import page
from reranking.ui.drawing import draw
from reranking.views.compared import Compared
from reranking.views.details import figure, matrices, tables, words


def show(found: Compared) -> None:
    """A part that can be opened, with one strategy at a time; nothing where none keeps anything."""
    telling = [at for at, ranking in enumerate(found.rankings) if ranking.details]
    if not telling:
        return
    _part(found, telling)


@st.fragment(key="details")
def _part(found: Compared, telling: Sequence[int]) -> None:
    box = st.expander("How a ranking came about", key="open-details", on_change="rerun")
    if not box.open:
        return
    with box:
        at = st.selectbox(
            "Strategy", telling, format_func=lambda at: found.names[at], key="details-of", width=360,
            bind="query-params",
        )  # fmt: skip
        for matrix in matrices(found.rankings[at].details):
            drawn = figure(found, at, matrix.name, page.is_dark())
            draw(drawn, f"details-{matrix.name}", f"{words(matrix.name)} of {found.names[at]} as a table of shares")
        page.html(tables(found, at))
