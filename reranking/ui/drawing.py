"""Figures on the page, all shown the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

_CONFIG = {"displaylogo": False, "toImageButtonOptions": {"scale": 2}}


def draw(figure: Any, key: str, alt: str, clicked: Callable[[], None] | None = None) -> None:
    """Show a plotly figure. `alt` says what it holds to those who cannot see it.

    `clicked` is called, before the page is run again, where a point was chosen or left; which
    one is in the session state under `key`.
    """
    if clicked is None:
        st.plotly_chart(figure, key=key, theme=None, config=_CONFIG, alt=alt)
    else:
        st.plotly_chart(
            figure, key=key, theme=None, config=_CONFIG, alt=alt, on_select=clicked, selection_mode="points"
        )
