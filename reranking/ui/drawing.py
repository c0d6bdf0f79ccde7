"""Figures on the page, all shown the same way."""

from __future__ import annotations

from typing import Any

import streamlit as st

_CONFIG = {"displaylogo": False, "toImageButtonOptions": {"scale": 2}}


def draw(figure: Any, key: str, alt: str) -> None:
    """Show a plotly figure. `alt` says what it holds to those who cannot see it."""
    st.plotly_chart(figure, key=key, theme=None, config=_CONFIG, alt=alt)
