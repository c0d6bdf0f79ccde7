"""The app: page settings and navigation."""

from pathlib import Path

import streamlit as st

import reranking.ui
from reranking.store import StoreError
from reranking.ui.notices import notice
from reranking.ui.page import logo

st.set_page_config(
    page_title="Rerank Lens",
    page_icon=str(Path(reranking.ui.__file__).with_name("icon.png")),
    layout="wide",
)

st.logo(logo(), size="large")
screen = st.navigation(
    [
        st.Page("pages/compare.py", title="Compare", default=True),
        st.Page("pages/bias.py", title="Bias"),
        st.Page("pages/judge.py", title="Judge"),
        st.Page("pages/sessions.py", title="Sessions"),
        st.Page("pages/connections.py", title="Connections"),
    ],
    position="top",
)
try:
    screen.run()
except StoreError as error:
    notice("error", str(error))
