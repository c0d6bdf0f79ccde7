"""Judge: grade the documents of the current session blind."""

import streamlit as st

from reranking.documents import has_content
from reranking.ui import judging, page

entered = page.begin()
documents = entered.documents()

if not has_content(entered.query) or not documents:
    page.html(
        "<p class='rl-hint'>Nothing to judge yet. Enter a query and documents on Compare, or open an example.</p>"
    )
    st.page_link("pages/compare.py", label="Go to Compare")
else:
    judging.judge(entered.query, documents)
