"""Bias: does the order of the input change the outcome?"""

import streamlit as st

from reranking.ui import page
from reranking.ui.bias_lab import foreign, screen

entered = page.begin()
chosen = screen.earlier_tests()
if chosen is not None:
    screen.test(chosen)
screen.new_test(entered, is_first=chosen is None)
with st.expander("Rankings from elsewhere", key="bias-elsewhere"):
    foreign.foreign()
