"""Widgets for examples that an LLM strategy shows its model: taken from the user's own judgments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from reranking.strategies.aspects import Example, examples_from
from reranking.ui import notices, state

_SHOWN = 90
_NONE = "None. Grade some documents good (2 or 3) and as many bad (0 or 1) on Judge; then take them here."


def examples_form(label: str, value: Sequence[Example], key: str) -> list[dict[str, Any]]:
    """The examples, each with a button to remove it, and one that takes the clearest from the judgments."""
    chosen = [item.model_dump() for item in value]
    offered = [item.model_dump() for item in examples_from(state.judged_texts())]
    st.markdown(f"**{label}**")
    for at, item in enumerate(value):
        with st.container(horizontal=True, vertical_alignment="center"):
            text = " ".join(item.passage.split())
            notices.caption(f"{item.rating}: {text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}")
            if st.button("Remove", key=f"{key}-remove-{at}-of-{len(value)}", type="tertiary"):
                del chosen[at]
                return chosen
    if offered and offered != chosen:
        if st.button("Take from your judgments", key=f"{key}-take"):
            return offered
    elif not chosen:
        notices.caption(_NONE)
    return chosen
