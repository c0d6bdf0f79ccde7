"""The sidebar of Compare: which strategies run, on which models, with which parameters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from reranking.documents import Document, as_candidates, has_content
from reranking.engine import Estimate
from reranking.gateway import Resolve
from reranking.jobs import predict
from reranking.models import ModelError
from reranking.strategies.catalogue import UnknownStrategyError, each, make, without_model
from reranking.ui import add_strategy, asking_again, forms, notices, page, sets_dialog, spending, state, undo
from reranking.ui.ready_sets import asks_an_llm, chat_models, with_model
from reranking.views import naming


def strategy_set(entered: state.Draft, documents: Sequence[Document]) -> None:
    """All lines of the set, and what can be added."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", key="set-head"):
        page.html("<div class='rl-part'>Strategies</div>")
        sets_dialog.open_button(entered)
    if not entered.shelf:
        page.html("<p class='rl-hint'>None yet. Add one, or take a set.</p>")
    for entry in list(entered.shelf):
        _line(entered, entry, documents)
    add_strategy.open_button(entered)
    undo.offer("strategies")
    _model_for_all(entered)
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
    """What a strategy will ask and cost for these documents. Remembers what it found, not the documents."""
    known = state.registry()
    prices = sorted((name, repr(saved.prices)) for name, saved in known.settings.connections.items())
    named = json.dumps([spec, query, [item.fingerprint for item in documents], prices], sort_keys=True)
    found: Estimate = _predicted(hashlib.sha256(named.encode()).hexdigest(), spec, query, documents, known.resolve)
    return found


@st.cache_data(max_entries=64, show_spinner=False)
def _predicted(
    digest: str, _spec: Mapping[str, Any], _query: str, _documents: Sequence[Document], _resolve: Resolve
) -> Estimate:
    return predict(make(_spec), _query, as_candidates(_documents), _resolve)


def predictions(entered: state.Draft, documents: Sequence[Document]) -> list[Estimate]:
    """What each strategy that is on and can run will ask and cost."""
    if not documents or not has_content(entered.query):
        return []
    ready = [entry for entry in entered.shelf if entry.on and not needs(entry)]
    return [prediction(entry.spec, entered.query, documents) for entry in ready]


def _line(entered: state.Draft, entry: state.Entry, documents: Sequence[Document]) -> None:
    strategy = entry.strategy()
    name = str(entry.spec.get("kind", "?")) if strategy is None else entry.label or strategy.title
    with st.container(horizontal=True, vertical_alignment="center", key=f"line-{entry.key}", gap="xsmall"):
        key = f"on-{entry.key}"
        st.session_state.setdefault(key, entry.on)
        entry.on = st.checkbox(notices.label(name), key=key, width="stretch")
        with st.popover("Edit", key=f"edit-{entry.key}", type="tertiary", on_change="rerun") as box:
            # A form that holds an error stays, since what was typed would go with its widgets.
            if box.open or entry.problem:
                _editor(entered, entry)
    missing = needs(entry)
    note = missing or _asks(entry, entered.query, documents)
    lines = [part for part in (escape(_about(entry)), note) if part]
    if lines:
        page.html(f"<div class='rl-sub'>{'<br>'.join(lines)}</div>")


def _about(entry: state.Entry) -> str:
    """What stands below a line's name: changed parameters, model, and the title where the user's name stands above."""
    strategy = entry.strategy()
    if strategy is None:
        model = entry.spec.get("model")
        return model if isinstance(model, str) else ""
    return naming.told(strategy, with_title=bool(entry.label))


def _asks(entry: state.Entry, query: str, documents: Sequence[Document]) -> str:
    if not entry.on or not documents or not has_content(query):
        return ""
    found = prediction(entry.spec, query, documents)
    return "<br>".join(part for part in (spending.asked(found), spending.expected(found)) if part)


def _editor(entered: state.Draft, entry: state.Entry) -> None:
    strategy = entry.strategy()
    if strategy is not None:
        notices.caption(add_strategy.summary(type(strategy)))
        _name(entry, naming.generated(strategy))
    asking_again.control(entered, entry)
    _actions(entered, entry)
    if strategy is not None:
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


def _name(entry: state.Entry, generated: str) -> None:
    key = f"label-{entry.key}"
    st.session_state.setdefault(key, entry.label)
    label = (st.text_input("Name", key=key, placeholder=generated, max_chars=60) or "").strip()
    if label != entry.label:
        entry.label = label
        state.keep()
        st.rerun()


def _actions(entered: state.Draft, entry: state.Entry) -> None:
    """Move, duplicate and remove the line."""
    at, last = entered.shelf.index(entry), len(entered.shelf) - 1
    with st.container(horizontal=True, gap="xsmall"):
        up = st.button("Up", key=f"up-{entry.key}", disabled=at == 0)
        down = st.button("Down", key=f"down-{entry.key}", disabled=at == last)
        copied = st.button("Duplicate", key=f"copy-{entry.key}")
        removed = st.button("Remove", key=f"remove-{entry.key}")
    if not (up or down or copied or removed):
        return
    name = entry.label or str(getattr(entry.strategy(), "title", entry.spec.get("kind")))
    if removed:
        undo.before("strategies", f"removed {name}")
        del entered.shelf[at]
    elif copied:
        undo.before("strategies", f"duplicated {name}")
        entered.shelf.insert(at + 1, entry.copy())
    else:
        other = at - 1 if up else at + 1
        entered.shelf[at], entered.shelf[other] = entered.shelf[other], entered.shelf[at]
    state.keep()
    st.rerun()


def _model_for_all(entered: state.Draft) -> None:
    """One chat model for all LLM strategies of the set that it can serve."""
    asking = [entry for entry in entered.shelf if (made := entry.strategy()) is not None and asks_an_llm(made)]
    if not asking:
        return
    with st.popover("Model for all LLM strategies", key="model-for-all", type="tertiary", on_change="rerun") as box:
        if not box.open:
            return
        used = add_strategy.models_in_use(entered)
        options = list(dict.fromkeys([*chat_models(state.models()), *used]))
        chosen = st.selectbox(
            "Model", options, index=options.index(used[0]) if used else None, key="model-of-all",
            accept_new_options=True, placeholder=forms.NO_MODEL,
        )  # fmt: skip
        if st.button("Set", key="set-model-of-all", disabled=chosen is None) and chosen is not None:
            try:
                _set_model(entered, {entry.key for entry in asking}, chosen)
            except ModelError as error:
                notices.notice("error", str(error))


def _set_model(entered: state.Draft, keys: Collection[str], model: str) -> None:
    """Give the lines of those keys the model, and say which of them it cannot serve. Raises ModelError."""
    answers = state.registry().answers(model)
    undo.before("strategies", f"set {model} for all")
    unable = []
    for at, entry in enumerate(entered.shelf):
        if entry.key not in keys:
            continue
        # A line of its own, since the form of the one before may still hold its model.
        changed = entry.copy()
        changed.spec = with_model(entry.spec, model, answers)
        entered.shelf[at] = changed
        made = changed.strategy()
        if made is not None and all(state.part_model(part) != model for part in each(made)):
            unable.append(changed.label or made.title)
    if unable:
        state.say("info", f"{model} cannot answer what {', '.join(unable)} ask: these keep their models.")
    state.keep()
    st.rerun()
