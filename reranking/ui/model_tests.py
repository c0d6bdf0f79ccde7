"""Testing a model from its connection's card: what it costs, the test itself, and its end."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future

import streamlit as st

from reranking.api import try_out_through
from reranking.gateway import Gateway
from reranking.loop import submit
from reranking.models import ModelError
from reranking.providers.abilities import Abilities
from reranking.providers.findings import cost_of_test, in_short
from reranking.providers.probing import Probe
from reranking.providers.settings import Settings
from reranking.store import Store, StoreError
from reranking.ui import notices, state
from reranking.ui.connection_facts import Facts, connection_of, full_name

POLL_SECONDS = 0.5


@st.dialog("Test a model")
def ask(facts: Facts) -> None:
    """Let a model be chosen, say what the test costs, and start it."""
    names = list(dict.fromkeys([*facts.tested, *(row.name for row in facts.models)]))
    chosen = st.selectbox(
        "Model", names, index=0 if names else None, key=f"test-model-{facts.name}", accept_new_options=True,
        placeholder=full_name(facts.name, "NAME"), help="Choose one, or write a name.",
    )  # fmt: skip
    if not chosen:
        return
    name = full_name(facts.name, chosen)
    settings = state.registry().settings
    try:
        plan = Probe(name, settings, 0.0).plan()
    except ModelError as error:
        notices.notice("error", error.message)
        return
    notices.caption(f"{cost_of_test(plan)} What it finds is kept, and used by all strategies.")
    if st.button("Test", key=f"start-test-{facts.name}", type="primary"):
        _running()[name] = (submit(_tested(state.store(), state.jobs().gateway, name, settings)), time.time())
        st.rerun()


def watch() -> None:
    """Say which tests of this browser session are under way, and show what they found once they are over."""
    if _running():
        _watched()


@st.fragment(run_every=POLL_SECONDS)
def _watched() -> None:
    running = _running()
    for name, (future, _) in list(running.items()):
        if future.done():
            del running[name]
            _say(name, future)
    if not running:
        st.rerun()
    for name, (future, since) in running.items():
        with st.container(horizontal=True, vertical_alignment="center"):
            notices.notice("info", f"Testing {name}: {time.time() - since:.0f} s")
            if st.button("Stop", key=f"stop-test-{name}"):
                future.cancel()


def _say(name: str, future: Future[Abilities]) -> None:
    if future.cancelled():
        state.say("warning", f"The test of {name} was stopped.")
        return
    error = future.exception()
    if error is None:
        found = future.result()
        _note(name, found)
        state.say("warning" if found.problem else "info", f"{name}: {in_short(found)}")
    elif isinstance(error, ModelError | StoreError):
        state.say("error", f"{name}: {error}")
    else:
        raise error


def failed() -> dict[str, Abilities]:
    """The tests of this browser session that came to nothing, by the full name of the model.

    They are kept for nobody else: another key, or another time, may fare better.
    """
    found: dict[str, Abilities] = st.session_state.setdefault("failed_tests", {})
    return found


def forget(connection: str) -> None:
    """Let go of the failed tests of a connection."""
    for name in [name for name in failed() if connection_of(name) == connection]:
        del failed()[name]


def _note(name: str, found: Abilities) -> None:
    failed().pop(name, None)
    if found.problem:
        failed()[name] = found


async def _tested(store: Store, gateway: Gateway, name: str, settings: Settings) -> Abilities:
    """Test, and keep what was found even if nobody waits for it any more."""
    found = await try_out_through(gateway, name, settings)
    await asyncio.to_thread(store.connections.remember, name, found)
    return found


def _running() -> dict[str, tuple[Future[Abilities], float]]:
    found: dict[str, tuple[Future[Abilities], float]] = st.session_state.setdefault("tests", {})
    return found
