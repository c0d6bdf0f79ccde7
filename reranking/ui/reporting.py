"""The button that gives a session as a report, which is made when it is pressed."""

from __future__ import annotations

import streamlit as st

from reranking.report import file_name, session_report
from reranking.ui import state


def button(session: str, title: str, key: str) -> None:
    """A download of the report of a session; `title` names the file."""
    store, resolve = state.store(), state.registry().resolve  # what is pressed later runs apart from the page
    st.download_button(
        "Report", lambda: session_report(store, session, resolve), file_name(title), "text/html", key=key,
        on_click="ignore", width="stretch",
        help="One HTML file with comparisons, charts, explanations, costs and bias tests, to send to a colleague",
    )  # fmt: skip
