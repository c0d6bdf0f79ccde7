"""The connections as cards: where they are, what they can do, what they may be asked, what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from reranking.models import ModelError
from reranking.providers import findings
from reranking.providers.abilities import Abilities
from reranking.store import StoreError
from reranking.ui import connection_cache, connection_forms, model_tests, notices, page, state
from reranking.ui.connection_facts import HOSTED, IN_PROCESS, LOCAL_SERVERS, Facts, cache_words, gather, when
from reranking.views.amounts import money
from reranking.wording import listed

_STYLE = Path(__file__).with_name("connections.css")
_MOST_NAMES = 5
"""Names of models that a card shows."""


def show() -> None:
    """All connections, and what can be done with them."""
    st.html(_STYLE)
    known = state.registry().settings
    store = state.store()
    facts = gather(
        known, state.models(), store.calls.spending(), store.cache.by_model(), model_tests.failed(),
        state.keys_for_elsewhere(),
    )  # fmt: skip
    _summary(facts)
    _undo()
    model_tests.watch()
    ready = [one for one in facts if one.name not in IN_PROCESS and (one.is_ready or one.is_used)]
    rest = [one for one in facts if one.name not in IN_PROCESS and one not in ready]
    if ready:
        _cards("Connections", ready)
    else:
        _to_set_up("Connect a model", rest)
    _cards("In this process", [one for one in facts if one.name in IN_PROCESS], beside=3)
    if ready:
        _to_set_up("Not set up", rest)
    connection_cache.show(facts)


def _summary(facts: Sequence[Facts]) -> None:
    """The answer in one sentence, what was found running, and the button that adds one."""
    set_up = [one for one in facts if one.is_ready and one.name not in IN_PROCESS]
    ready = [one.title for one in set_up if one.can_be_used]
    failed = [one.title for one in set_up if one.has_failed]
    spent = sum(one.cost_usd for one in facts)
    unknown = sum(one.calls_of_unknown_cost for one in facts)
    if ready:
        said = f"{len(ready)} connection{'' if len(ready) == 1 else 's'} can be used now: {', '.join(ready)}."
    elif failed:
        said = "No connection is known to work now."
    elif any(one.saved is not None for one in facts):
        said = "No connection answers now: only models in this process can be asked."
    else:
        said = "No connection yet: only models in this process can be asked."
    said += f" The last test{'' if len(failed) == 1 else 's'} of {listed(failed)} failed." if failed else ""
    bill = [money(spent)] if spent else []
    bill += [f"{_count(unknown, 'request')} of unknown cost"] if unknown else []
    total = f" Spent so far: {' and '.join(bill)}." if bill else ""
    page.html(f"<div class='rl-finding'>{escape(said + total)}</div>")
    running = [one for one in facts if one.name in LOCAL_SERVERS and one.is_ready]
    if running:
        told = ", ".join(f"{one.title} ({_count(len(one.models), 'model')})" for one in running)
        notices.caption(f"Found running on this machine: {told}. Choose their models in any strategy.")
    with st.container(horizontal=True):
        if st.button("Add connection", key="add-connection", type="primary"):
            connection_forms.add()
        if st.button("Look again", key="look-again", help="Ask local servers again for their models."):
            st.session_state.pop("models", None)
            st.rerun()


def _undo() -> None:
    removed = st.session_state.get("removed_connection")
    if removed is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        notices.notice("info", f"The connection '{removed.connection.name}' was removed.")
        if st.button("Undo", key="undo-remove"):
            del st.session_state["removed_connection"]
            try:
                state.store().connections.put_back(removed)
            except (ModelError, StoreError) as error:
                state.say("error", str(error))
            st.rerun()


def _cards(title: str, facts: Sequence[Facts], beside: int = 2) -> None:
    page.html(f"<div class='rl-part'>{escape(title)}</div>")
    for at in range(0, len(facts), beside):
        for column, one in zip(st.columns(beside), facts[at : at + beside], strict=False):
            with column, st.container(border=True, key=f"connection-{one.name}"):
                _card(one)


def _card(facts: Facts) -> None:
    page.html(f"<div class='rl-conn'>{_head(facts)}{_lines(facts)}</div>")
    with st.container(horizontal=True, gap="small"):
        if st.button("Test", key=f"test-{facts.name}"):
            model_tests.ask(facts)
        if facts.takes_key and st.button("Key", key=f"key-of-{facts.name}"):
            connection_forms.key(facts)
        if facts.name not in IN_PROCESS and st.button("Edit", key=f"edit-connection-{facts.name}"):
            connection_forms.edit(facts)
        if facts.is_named and st.button("Remove", key=f"remove-connection-{facts.name}"):
            with state.explained():
                st.session_state["removed_connection"] = state.store().connections.remove(facts.name)
            state.type_key(facts.name, "")
            st.rerun()
        if facts.cache.replies and st.button("Clear cache", key=f"clear-{facts.name}"):
            connection_cache.clear(facts)


def _head(facts: Facts) -> str:
    off = "" if facts.can_be_used else " rl-conn-off"
    kind = " · ".join(part for part in (facts.kind, facts.place) if part)
    about = f"<p class='rl-conn-about'>{escape(facts.about)}</p>" if facts.about else ""
    todo = f"<p class='rl-conn-todo'>{escape(facts.todo)}</p>" if facts.todo else ""
    return (
        f"<h3>{escape(facts.title)}<span class='rl-conn-word{off}'>{escape(facts.word)}</span></h3>"
        f"<div class='rl-conn-kind'>{escape(kind)}</div>{about}{todo}"
    )


def _lines(facts: Facts) -> str:
    rows = [("models", escape(_names(facts)))]
    if facts.key:
        rows.append(("key", escape(facts.key)))
    rows += [("tested", _tested(model, found)) for model, found in facts.tested.items()]
    since = {model: found for model, found in facts.failed.items() if facts.tested[model] is not found}
    rows += [("last test", _tested(model, found)) for model, found in since.items()]
    if not facts.tested and facts.name not in IN_PROCESS:
        rows.append(("tested", "not yet; what a server refuses is found out on the way"))
    rows += [("note", escape(note)) for note in dict.fromkeys(row.note for row in facts.models) if _is_news(note)]
    if not facts.is_in_process:
        prices = facts.saved.prices if facts.saved is not None else None
        rows.append(("limits", escape(findings.limits(facts.saved))))
        rows.append(("prices", escape(findings.price_source(prices, facts.has_list_price))))
        rows.append(("spent", escape(_spent(facts))))
    rows.append(("cache", escape(cache_words(facts.cache))))
    return "<dl>" + "".join(f"<dt>{label}</dt><dd>{text}</dd>" for label, text in rows) + "</dl>"


def _is_news(note: str) -> bool:
    return note not in {"", "from the price list", "a suggestion", "downloaded", "simulated: no model"}


def _names(facts: Facts) -> str:
    """The models in a line, without what all their names begin with."""
    names = [row.name.partition(":")[2] for row in facts.models]
    if not names:
        return f"any, named {facts.name}:NAME" if facts.is_ready else "none found"
    more = len(names) - _MOST_NAMES
    listed = ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
    return f"any; suggested: {listed}" if facts.name in HOSTED else listed


def _tested(model: str, found: Abilities) -> str:
    rows = "".join(
        f"<tr><td>{escape(label)}</td><td>{escape(text)}</td></tr>" for label, text in findings.findings(found)
    )
    return (
        f"<details><summary><b>{escape(model)}</b>: {escape(findings.in_short(found))}</summary>"
        f"<table class='rl-table rl-pairs'>{rows}<tr><td>tested</td><td>{when(found.at)}, "
        f"{_count(found.requests, 'request')}</td></tr></table></details>"
    )


def _spent(facts: Facts) -> str:
    if not facts.calls:
        return "nothing yet"
    known = f"{money(facts.cost_usd)} in {_count(facts.calls, 'request')}"
    if not facts.calls_of_unknown_cost:
        return known
    if facts.calls_of_unknown_cost == facts.calls:
        return f"unknown, in {_count(facts.calls, 'request')}"
    return f"{known}, {facts.calls_of_unknown_cost:,} of them of unknown cost"


def _to_set_up(title: str, facts: Sequence[Facts]) -> None:
    """One line each: what to do."""
    if not facts:
        return
    page.html(f"<div class='rl-part'>{escape(title)}</div>")
    with st.container(border=True, gap="small"):
        for one in facts:
            with st.container(horizontal=True, vertical_alignment="center", key=f"setup-{one.name}"):
                page.html(f"<div class='rl-conn-todo'><b>{escape(one.title)}</b>: {escape(one.todo)}</div>")
                if one.word == "no key" and st.button("Enter key", key=f"key-of-{one.name}"):
                    connection_forms.key(one)
        notices.caption("For any other server, press “Add connection” and give its address.")


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"
