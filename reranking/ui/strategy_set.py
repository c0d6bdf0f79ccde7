"""The sidebar of Compare: which strategies run, on which models, with which parameters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

import streamlit as st

from reranking.documents import Document, as_candidates
from reranking.engine import Estimate
from reranking.jobs import predict
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import UnknownStrategyError, kind_of, make, strategies, without_model
from reranking.ui import forms, names, notices, page, state


def strategy_set(entered: state.Draft, documents: Sequence[Document]) -> None:
    """All lines of the set, and what can be added."""
    page.html("<div class='rl-part'>Strategies</div>")
    for entry in list(entered.shelf):
        _line(entered, entry, documents)
    _add(entered)
    st.page_link("pages/connections.py", label="Keys and connections")


def needs(entry: state.Entry) -> str:
    """What a line lacks before it can run, as a sentence; empty if nothing."""
    strategy = entry.strategy()
    if strategy is None:
        return "This installation does not know this strategy."
    if without_model(strategy):
        return "Choose a model first."
    return ""


def prediction(spec: Mapping[str, Any], query: str, documents: Sequence[Document]) -> Estimate:
    """What a strategy will ask for these documents. Remembers what it found, not the documents."""
    named = json.dumps([spec, query, [item.fingerprint for item in documents]], sort_keys=True)
    found: Estimate = _predicted(hashlib.sha256(named.encode()).hexdigest(), spec, query, documents)
    return found


@st.cache_data(max_entries=64, show_spinner=False)
def _predicted(digest: str, _spec: Mapping[str, Any], _query: str, _documents: Sequence[Document]) -> Estimate:
    return predict(make(_spec), _query, as_candidates(_documents))


def _line(entered: state.Draft, entry: state.Entry, documents: Sequence[Document]) -> None:
    strategy = entry.strategy()
    name = str(entry.spec.get("kind", "?")) if strategy is None else names.with_parameters(strategy)
    with st.container(horizontal=True, vertical_alignment="center", key=f"line-{entry.key}", gap="xsmall"):
        key = f"on-{entry.key}"
        st.session_state.setdefault(key, entry.on)
        entry.on = st.checkbox(notices.label(name), key=key, width="stretch")
        with st.popover("Edit", key=f"edit-{entry.key}", type="tertiary"):
            _editor(entered, entry)
    missing = needs(entry)
    note = missing or _asks(entry, entered.query, documents)
    model = entry.spec.get("model")
    lines = [part for part in (escape(model) if isinstance(model, str) else "", note) if part]
    if lines:
        page.html(f"<div class='rl-sub'>{'<br>'.join(lines)}</div>")


def _asks(entry: state.Entry, query: str, documents: Sequence[Document]) -> str:
    if not entry.on or not documents or not query.strip():
        return ""
    found = prediction(entry.spec, query, documents)
    if not found.requests:
        return "no requests"
    about = "" if found.exact else "about "
    tokens = f", ~{_thousands(found.input_tokens)} tokens" if found.input_tokens else ""
    return f"{about}{found.requests:,} request{'' if found.requests == 1 else 's'}{tokens}"


def _thousands(number: int) -> str:
    return f"{number / 1000:.1f}k".replace(".0k", "k") if number >= 1000 else str(number)


def _editor(entered: state.Draft, entry: state.Entry) -> None:
    strategy = entry.strategy()
    if strategy is not None:
        about = (type(strategy).__doc__ or "").split("\n\n")[0]
        notices.caption(" ".join(about.split()))
        try:
            edited = make(forms.strategy_form(entry.spec, f"form-{entry.key}")).spec()
        except UnknownStrategyError as error:
            entry.problem = str(error)
            notices.notice("error", entry.problem)
        else:
            entry.problem = ""
            if edited != strategy.spec():
                entry.spec = edited
                state.keep()
                st.rerun()
    with st.container(horizontal=True):
        if st.button("Duplicate", key=f"copy-{entry.key}"):
            entered.shelf.insert(entered.shelf.index(entry) + 1, state.Entry(dict(entry.spec), entry.on))
            state.keep()
            st.rerun()
        if st.button("Remove", key=f"remove-{entry.key}"):
            entered.shelf.remove(entry)
            state.keep()
            st.rerun()


def _add(entered: state.Draft) -> None:
    with st.popover("Add strategy", key="add-strategy", width="stretch"), st.container(gap=None):
        for family, members in groupby(strategies().values(), key=lambda cls: cls.family):
            page.html(f"<div class='rl-family'>{escape(family)}</div>")
            for cls in members:
                kinds = " or ".join(kind.kind for kind in cls.asks) or "no model of its own"
                asks = f"Requests: {cls.requests}. Asks: {kinds}."
                if st.button(
                    notices.label(cls.title), key=f"add-{kind_of(cls)}", help=notices.label(asks), type="tertiary"
                ):
                    entered.shelf.append(state.Entry(_first_spec(cls)))
                    state.keep()
                    st.rerun()


def _first_spec(cls: type[Strategy]) -> dict[str, Any]:
    """A new line's parameters: the defaults, and an embedded model where one can answer."""
    strategy = cls()
    spec = strategy.spec()
    if "model" in spec and spec["model"] is None:
        options = [name for name in forms.model_options(strategy.wants()) if name.startswith("embedded:")]
        spec["model"] = cls.default_model or (options[0] if options else None)
    return spec
