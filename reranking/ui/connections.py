"""The connections as cards: where they are, what they can do, what they may be asked, what they cost."""

from __future__ import annotations

import streamlit as st

from reranking.ui import state

HOSTED = {"openai": "OpenAI", "anthropic": "Anthropic", "cohere": "Cohere", "voyage": "Voyage", "jina": "Jina"}


def show() -> None:
    """All connections, and what can be done with them."""
    for name, title in HOSTED.items():
        with st.form(f"key-form-{name}", clear_on_submit=True):
            typed = st.text_input(f"{title} key", type="password", key=f"key-{name}", autocomplete="off")
            if st.form_submit_button("Use in this session", key=f"use-key-{name}"):
                state.type_key(name, typed or "")
                st.rerun()
