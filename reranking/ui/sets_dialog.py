"""The dialog of strategy sets: ready-made ones filled with the models here, and the user's own by name."""

from __future__ import annotations

from html import escape

import streamlit as st

from reranking.store.strategy_sets import StrategySet
from reranking.strategies.catalogue import UnknownStrategyError, make
from reranking.ui import names, notices, page, state, undo
from reranking.ui.add_strategy import models_in_use
from reranking.ui.ready_sets import SIMULATED, chat_models, filled, ready_sets

MOST_BY_DEFAULT = 3


def open_button(entered: state.Draft) -> None:
    """A button that opens the dialog."""
    if st.button("Sets", key="open-sets", type="tertiary", icon=":material/folder_open:"):
        _dialog(entered)


@st.dialog("Strategy sets", width="large")
def _dialog(entered: state.Draft) -> None:
    _own(entered)
    page.html("<div class='rl-part'>Ready-made</div>")
    rows = state.models()
    offered = chat_models(rows)
    real = [name for name in offered if not name.startswith(SIMULATED)]
    used = [name for name in models_in_use(entered) if name in offered]
    chats = st.multiselect(
        "Chat models to fill them with", offered, default=list(dict.fromkeys([*used, *real]))[:MOST_BY_DEFAULT],
        key="sets-chats", help="The first one where a set takes one model. Add more under Connections.",
    )  # fmt: skip
    for ready in ready_sets():
        found = filled(ready, rows, chats)
        strategies = [make(spec) for spec in found.specs]
        with st.container(border=True, key=f"ready-{ready.name}"):
            text, button = st.columns([5, 1], vertical_alignment="center")
            holds = ", ".join(names.short_names(strategies))
            lines = [ready.about, f"Needs {ready.needs}." if not found.missing else "", *found.missing]
            with text:
                _about(ready.name, lines, holds)
            if button.button("Use", key=f"use-{ready.name}", disabled=not strategies, width="stretch"):
                _use(entered, ready.name, [state.Entry(spec) for spec in found.specs])


def _own(entered: state.Draft) -> None:
    """Save the set as it is, and use or delete those that were saved."""
    with st.form("save-set", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input("Save the current set as", key="set-name", placeholder="A name", width=320)
        pressed = st.form_submit_button("Save set", key="save-set-button", disabled=not entered.shelf)
    if pressed and not (name or "").strip():
        notices.notice("error", "Give the set a name.")
    elif pressed:
        with state.explained():
            state.store().strategy_sets.save(name or "", [entry.to_json() for entry in entered.shelf])
    saved = state.store().strategy_sets.all()
    if not saved:
        return
    page.html("<div class='rl-part'>Yours</div>")
    for one in saved:
        _saved(entered, one)


def _saved(entered: state.Draft, one: StrategySet) -> None:
    entries = [state.Entry(**entry).copy() for entry in one.entries]
    with st.container(border=True, key=f"saved-{one.name}"):
        text, use, delete = st.columns([4, 1, 1], vertical_alignment="center")
        with text:
            _about(one.name, [], ", ".join(_title(entry) for entry in entries))
        if use.button("Use", key=f"use-saved-{one.name}", width="stretch"):
            _use(entered, one.name, entries)
        # A callback, since the list above is on the screen already when a button says that it was pressed.
        delete.button("Delete", key=f"delete-saved-{one.name}", width="stretch", on_click=_delete, args=(one.name,))


def _delete(name: str) -> None:
    with state.explained():
        state.store().strategy_sets.delete(name)


def _title(entry: state.Entry) -> str:
    try:
        return entry.label or names.full_name(make(entry.spec))
    except UnknownStrategyError:
        return f"{entry.spec.get('kind', '?')} (not installed)"


def _about(name: str, lines: list[str], holds: str) -> None:
    told = [f"<b>{escape(name)}</b>", *(escape(line) for line in lines if line)]
    if holds:
        told.append(f"<span>{escape(holds)}</span>")
    page.html(f"<div class='rl-offer'>{'<br>'.join(told)}</div>")


def _use(entered: state.Draft, name: str, entries: list[state.Entry]) -> None:
    undo.before("strategies", f"used “{name}”")
    entered.shelf = entries
    state.keep()
    st.rerun()
