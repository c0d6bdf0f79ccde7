"""The dialog that adds a strategy: what there is, by family, what each asks, and which models here can answer."""

from __future__ import annotations

from collections import Counter
from html import escape
from itertools import groupby
from typing import Any

import streamlit as st

from reranking.strategies.base import AsksModel, Strategy
from reranking.strategies.catalogue import each, kind_of, strategies
from reranking.ui import forms, notices, page, state, undo
from reranking.ui.ready_sets import SIMULATED, asks_an_llm

NAMED = 2


def open_button(entered: state.Draft) -> None:
    """A button that opens the dialog."""
    if st.button("Add strategy", key="add-strategy", width="stretch", icon=":material/add:"):
        _dialog(entered)


@st.dialog("Add a strategy", width="large")
def _dialog(entered: state.Draft) -> None:
    wanted = st.text_input(
        "Search", key="search-strategies", placeholder="Search: a name, a family, a word of what it does",
        label_visibility="collapsed", live=True,
    )  # fmt: skip
    words = (wanted or "").casefold().split()
    found = [cls for cls in strategies().values() if all(word in _searched(cls) for word in words)]
    if not found:
        notices.caption("No strategy has all of these words.")
    with st.container(key="offers"):
        for family, members in groupby(found, key=lambda cls: cls.family):
            page.html(f"<div class='rl-family'>{escape(family)}</div>")
            for cls in members:
                _offer(entered, cls)


def _offer(entered: state.Draft, cls: type[Strategy]) -> None:
    name, facts = st.columns([1, 3], gap="small", vertical_alignment="center")
    with facts:
        page.html(f"<div class='rl-offer'>{escape(summary(cls))}<br><span>{escape(what_it_asks(cls))}</span></div>")
    if name.button(notices.label(cls.title), key=f"add-{kind_of(cls)}", width="stretch"):
        undo.before("strategies", f"added {cls.title}")
        entered.shelf.append(state.Entry(first_spec(cls, entered)))
        state.keep()
        st.rerun()


def summary(cls: type[Strategy]) -> str:
    """What a strategy does, in the first sentence of its description."""
    return " ".join((cls.__doc__ or "").split("\n\n")[0].split())


def what_it_asks(cls: type[Strategy]) -> str:
    """Its requests for n documents, what they ask, and which models here can answer."""
    parts = [part for part in each(cls()) if isinstance(part, AsksModel)]
    kinds = list(dict.fromkeys(kind.kind for part in parts for kind in part.asks))
    if not parts:
        return "Asks no model."
    answering = [_answering(part) for part in parts]
    real = list(dict.fromkeys(name for names in answering for name in names if not name.startswith(SIMULATED)))
    if not all(answering):
        here = "not all that it asks can be answered; see Connections"
    elif not all(any(name in real for name in names) for names in answering):
        here = "only simulated models"
    else:
        here = ", ".join(real[:NAMED]) + (f" and {len(real) - NAMED} more" if len(real) > NAMED else "")
    return f"Requests: {cls.requests}. Asks: {' or '.join(kinds)}. Here: {here}."


def _answering(part: Strategy) -> list[str]:
    """The models that can be used here for what a strategy asks of its own model."""
    wanted = {kind.kind for kind in part.wants()}
    return [row.name for row in state.models() if row.available and wanted <= set(row.answers)]


def first_spec(cls: type[Strategy], entered: state.Draft) -> dict[str, Any]:
    """A new line's parameters: the defaults, and the model that the other LLM strategies use, or an embedded one."""
    strategy = cls()
    spec = strategy.spec()
    if "model" in spec and spec["model"] is None:
        options = forms.model_options(strategy.wants())
        used = [name for name in models_in_use(entered) if name in options] if asks_an_llm(strategy) else []
        embedded = [name for name in options if name.startswith("embedded:")]
        spec["model"] = cls.default_model or next(iter([*used, *embedded]), None)
    return spec


def models_in_use(entered: state.Draft) -> list[str]:
    """The models of the LLM strategies in the set, the most used first."""
    parts = [part for entry in entered.shelf if (made := entry.strategy()) is not None for part in each(made)]
    names = [part.model for part in parts if isinstance(part, AsksModel) and part.family.startswith("LLM")]
    return [name for name, _ in Counter(name for name in names if isinstance(name, str)).most_common()]


def _searched(cls: type[Strategy]) -> str:
    return f"{cls.title} {cls.family} {kind_of(cls)} {summary(cls)} {what_it_asks(cls)}".casefold()
