"""The reply cache on the connections' screen: its size and age, and clearing it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape

import streamlit as st

from reranking.store.cache import KEPT, LOST, Cache
from reranking.ui import notices, page, state
from reranking.ui.connection_facts import Facts, ages, cache_words

_AGES = {"All": None, "Older than a week": 7 * 86_400.0, "Older than a month": 30 * 86_400.0}


def show(facts: Sequence[Facts]) -> None:
    """How much is kept, how old it is, and a button that clears it."""
    size = state.store().cache.size()
    page.html("<div class='rl-part'>Reply cache</div>")
    if not size.replies or size.oldest is None or size.newest is None:
        notices.caption("Empty. Every reply is kept here, so that the same question is never paid for twice.")
        return
    now = time.time()
    said = (
        f"{cache_words(size)}, {ages(now - size.oldest, now - size.newest)}. "
        f"Saved sessions and unfinished runs use {f'{size.needed:,}' if size.needed else 'none'} of them."
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        page.html(f"<div class='rl-conn-todo'>{escape(said)}</div>")
        if st.button("Clear", key="clear-cache"):
            clear(None)


@st.dialog("Clear the reply cache?")
def clear(facts: Facts | None) -> None:
    """Ask what to clear, of one connection or of all, and clear it."""
    cache = state.store().cache
    models = None if facts is None else facts.cached_models
    notices.caption("All connections" if facts is None else facts.title)
    which = st.radio("Replies", tuple(_AGES), key="clear-which")
    too = st.toggle("Those of saved sessions and unfinished runs too", key="clear-needed")
    older = _AGES[which or "All"]
    replies, needed = _counted(cache, models, older)
    going = replies if too else replies - needed
    notices.caption(LOST if too else f"{LOST} {KEPT}")
    with st.container(horizontal=True):
        if st.button(
            f"Clear {going:,} repl{'y' if going == 1 else 'ies'}", key="clear-now", type="primary", disabled=not going
        ):
            with state.explained():
                for model in [None] if models is None else models:
                    cache.clear(model, older_than=older, keep_needed=not too)
            st.rerun()
        if st.button("Keep them", key="keep-cache"):
            st.rerun()


def _counted(cache: Cache, models: Sequence[str] | None, older: float | None) -> tuple[int, int]:
    """How many replies there are, and how many of them are needed."""
    sizes = [cache.size(model, older_than=older) for model in ([None] if models is None else models)]
    return sum(size.replies for size in sizes), sum(size.needed for size in sizes)
