"""Adding and editing a connection, and entering its key for this browser session."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import streamlit as st

from reranking.models import ModelError
from reranking.providers.saved import Kind, Prices, SavedConnection, checked, kind_of
from reranking.providers.settings import key_variable, url_variable
from reranking.store import StoreError
from reranking.ui import model_tests, notices, state
from reranking.ui.connection_facts import KINDS, Facts

_LISTED, _OWN = "The price list, where it knows the address", "Prices entered here"
_EXAMPLES = {
    "openai": "http://localhost:8000/v1",
    "anthropic": "https://api.anthropic.com",
    "rerank": "http://localhost:7997",
    "folder": "/home/me/models",
}


@st.dialog("Add connection")
def add() -> None:
    """Ask for all about a new connection."""
    kind: Kind = st.selectbox("Kind", get_args(Kind), format_func=KINDS.__getitem__, key="new-kind") or "openai"
    name = st.text_input(
        "Name", key="new-name", placeholder="my-box", help="Begins the names of its models, as in my-box:llama3."
    )
    label = "Folder" if kind == "folder" else "Base URL"
    place = st.text_input(label, key=f"new-place-{kind}", placeholder=_EXAMPLES[kind])
    typed = ""
    if kind != "folder":
        # Leaving a password's field with the Tab key goes to its eye button and does not hand its value over.
        typed = st.text_input(
            "Key, for this browser session only", type="password", key="new-key", autocomplete="off",
            live="0ms", on_change="ignore",
            help="Kept in memory, for this address only. To keep it, set two environment variables before the start: "
            f"NAME_API_KEY and, to this address, NAME_BASE_URL; such as {key_variable('my-box')} and "
            f"{url_variable('my-box')}.",
        ) or ""  # fmt: skip
    with st.expander("Limits and prices"):
        entered = _limits(SavedConnection(name or "", kind, place or ""), "new")
    if st.button("Add", key="add-now", type="primary") and _kept(entered, is_new=True):
        _use(entered.name.strip(), typed, checked(entered).place)
        state.say("info", f"Added '{entered.name.strip()}'. Test one of its models to find out what it can do.")
        st.rerun()


@st.dialog("Edit connection")
def edit(facts: Facts) -> None:
    """Change the address, limits and prices of a connection."""
    saved = facts.saved if facts.saved is not None else SavedConnection(facts.name, kind_of(facts.name))
    st.markdown(f"**{notices.label(facts.title)}**")
    if facts.is_named:
        label = "Folder" if saved.kind == "folder" else "Base URL"
        place = st.text_input(label, saved.place, key=f"edit-place-{facts.name}")
        saved = replace(saved, place=place or "")
        if facts.key_source == "session" and saved.place != (facts.saved.place if facts.saved else ""):
            st.caption("The key that was typed in is for the old address. Enter it again for the new one.")
    if facts.is_in_process:
        notices.caption("Models of a folder run in this process, one request at a time.")
        entered = saved
    else:
        entered = _limits(saved, f"edit-{facts.name}")
    with st.container(horizontal=True):
        if st.button("Keep changes", key=f"keep-{facts.name}", type="primary") and _kept(entered):
            st.rerun()
        if facts.saved is not None and not facts.is_named and st.button("Back to defaults", key=f"reset-{facts.name}"):
            with state.explained():
                state.store().connections.remove(facts.name)
            st.rerun()


@st.dialog("API key")
def key(facts: Facts) -> None:
    """Ask for a key, which is kept in memory; or forget the one that was entered."""
    st.markdown(f"**{notices.label(facts.title)}**")
    notices.caption(facts.key_now)
    with st.form(f"key-form-{facts.name}", clear_on_submit=True, border=False):
        typed = st.text_input("Key", type="password", key=f"key-{facts.name}", autocomplete="off")
        if st.form_submit_button("Use in this session", key=f"use-key-{facts.name}", type="primary"):
            _use(facts.name, typed or "", facts.place)
            st.rerun()
    if facts.key_source == "session" and st.button("Forget the key", key=f"forget-key-{facts.name}"):
        _use(facts.name, "", facts.place)
        st.rerun()
    address = f" and, to this address, {url_variable(facts.name)}" if facts.is_named else ""
    notices.caption(
        "It stays in the memory of this browser session, and is gone when the tab is closed. "
        f"To keep it, set {key_variable(facts.name)}{address} before the start, or in .streamlit/secrets.toml."
    )


def _use(name: str, key: str, place: str) -> None:
    """Take a key, or none: what failed with another one says nothing any more."""
    state.type_key(name, key, place)
    model_tests.forget(name)


def _kept(entered: SavedConnection, *, is_new: bool = False) -> bool:
    """Keep the connection; where that cannot be, say why."""
    known = state.store().connections
    try:
        known.add(entered) if is_new else known.change(entered)
    except (ModelError, StoreError) as error:
        notices.notice("error", str(error))
        return False
    return True


def _limits(saved: SavedConnection, key: str) -> SavedConnection:
    """Widgets for what may be asked and what it costs; the connection as entered."""
    at_once = st.number_input(
        "Requests at once", min_value=1, max_value=1000, value=saved.concurrency or 16, step=1, key=f"{key}-at-once",
        help="All strategies and users share them.",
    )  # fmt: skip
    per_minute = st.number_input(
        "Requests per minute", min_value=1, max_value=100_000, value=saved.per_minute, step=1,
        key=f"{key}-per-minute", placeholder="any number", help="The most that begin within any minute.",
    )  # fmt: skip
    temperature = st.number_input(
        "Temperature", min_value=0.0, max_value=2.0, value=saved.temperature, step=0.1, key=f"{key}-temperature",
        placeholder="not sent", help="Newer models refuse it; it is then left out.", disabled=saved.kind == "rerank",
    )  # fmt: skip
    source = st.radio("Prices", (_LISTED, _OWN), index=0 if saved.prices is None else 1, key=f"{key}-prices")
    prices = _prices(saved, key) if source == _OWN else None
    concurrency = None if at_once == 16 and saved.concurrency is None else at_once
    return replace(saved, concurrency=concurrency, per_minute=per_minute, temperature=temperature, prices=prices)


def _prices(saved: SavedConnection, key: str) -> Prices:
    before = saved.prices or Prices()
    named = (
        ("$ per million tokens read", before.input),
        ("$ per million tokens written", before.output),
        ("$ per thousand requests", before.requests),
    )
    values = [
        st.number_input(label, min_value=0.0, value=value, step=0.1, format="%.4g", key=f"{key}-price-{at}")
        for at, (label, value) in enumerate(named)
    ]
    return Prices(*(value or 0.0 for value in values))
