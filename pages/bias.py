"""Bias: does the order of the input change the outcome?"""

import streamlit as st

from reranking.ui import page
from reranking.ui.bias_lab import foreign, screen

entered = page.begin()
screen.style()
chosen = screen.earlier_tests()
if chosen is not None:
    screen.test(chosen)
if screen.has_input(entered):
    screen.new_test(entered, is_first=chosen is None)
elif chosen is None:
    page.html(
        "<p class='rl-hint'>A bias test needs a query and at least two documents. Enter them on Compare, "
        "or open an example there.</p>"
    )
    st.page_link("pages/compare.py", label="Go to Compare")
with st.expander("Rankings from elsewhere", key="bias-elsewhere"):
    foreign.foreign()
