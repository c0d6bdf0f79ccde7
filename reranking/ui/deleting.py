"""Sessions that are taken out of the list, and the way back."""

from __future__ import annotations

import streamlit as st

from reranking.store import SessionRow
from reranking.ui import notices, selection, state


def discard(row: SessionRow) -> None:
    """Take a session out of the list; it can be brought back."""
    state.jobs().cancel_session(row.id)
    with state.explained():
        state.store().sessions.discard(row.id)
        if st.session_state.session == row.id:
            state.start_new()
            selection.clear()
    st.rerun()


def offer_back(row: SessionRow) -> None:
    """What was deleted lately, with a way back and a way to be rid of it now."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"deleted-{row.id}"):
        name = row.title or row.query or "a draft without a query"
        notices.notice("info", f"Deleted: {name}. Judgments stay, since they belong to query and document.")
        if st.button("Undo", key=f"restore-{row.id}", icon=":material/undo:"):
            with state.explained():
                state.store().sessions.restore(row.id)
            st.rerun()
        if st.button("Erase now", key=f"erase-{row.id}", help="Otherwise it is erased after a day."):
            state.jobs().cancel_session(row.id)
            with state.explained():
                state.store().sessions.delete(row.id)
            st.rerun()
