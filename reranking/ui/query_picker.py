"""Walking through the queries of a session: previous, next, or one by name."""

from __future__ import annotations

import hashlib

import streamlit as st

from reranking.ui import state
from reranking.wording import one_line

SHOWN = 70


def query_picker(entered: state.Draft) -> None:
    """The queries of a session that holds more than one; the one that is chosen comes onto the screen."""
    if not entered.others:
        return
    every = entered.queries()
    titles = [f"{number}. {one_line(one.query, SHOWN) or 'no query yet'}" for number, one in enumerate(every, start=1)]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall", key="query-picker"):
        back = st.button("Previous", key="previous-query", icon=":material/chevron_left:", disabled=entered.at == 0)
        # A choice is kept by its words, so other words are another list.
        words = hashlib.sha256("\n".join(titles).encode()).hexdigest()[:8]
        picked = st.selectbox(
            f"Query {entered.at + 1} of {len(every)}", range(len(every)), index=entered.at, width=420,
            key=state.widget_key(f"picked-query-{words}"), format_func=titles.__getitem__,
        )  # fmt: skip
        last = entered.at == len(every) - 1
        on = st.button("Next", key="next-query", icon=":material/chevron_right:", icon_position="right", disabled=last)
    wanted = entered.at - 1 if back else entered.at + 1 if on else picked
    if wanted is not None and wanted != entered.at:
        entered.choose(wanted)
        state.refresh_widgets()
        state.keep()
        st.rerun()
