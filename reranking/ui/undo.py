"""Steps back and forth between what the documents and the strategy set were, kept for this browser tab."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import streamlit as st

from reranking.draft import Entered, Entry
from reranking.ui import notices, state

Part = Literal["documents", "strategies"]
STEPS = 20


@dataclass(frozen=True, slots=True)
class _Step:
    """A state to go to, and the words for the change that lies between. `of` is the number of its set of queries.

    For `whole`, `text`, `query` and `strategies` see `before`.
    """

    done: str
    entered: dict[str, Any]
    queries: tuple[list[Entered], int]
    of: int
    shelf: list[Entry]
    whole: bool
    text: bool
    query: bool
    strategies: bool


@dataclass(frozen=True, slots=True)
class _Steps:
    """The states before the last changes, and those that were gone back from, the nearest last in both."""

    back: list[_Step] = field(default_factory=list)
    forth: list[_Step] = field(default_factory=list)


def before(
    part: Part, done: str, *, whole: bool = False, text: bool = False, query: bool = False, strategies: bool = False
) -> None:
    """Remember what is there, ahead of a change that the words `done` tell.

    `whole` says that the change takes other queries too, and shows the first of them; `text` that
    it writes over pasted text, `query` that it changes the query that is on the screen, `strategies`
    that it changes the strategy set along with the documents. What was gone back from is then out of
    reach.
    """
    step = _now(done, whole=whole, text=text, query=query, strategies=strategies)
    if whole:
        st.session_state.sets_of_queries = st.session_state.query_set = st.session_state.get("sets_of_queries", 0) + 1
    steps = _steps(part, at=0 if whole else None)
    steps.back.append(step)
    del steps.back[:-STEPS]
    steps.forth.clear()


def offer(part: Part) -> None:
    """Buttons that go one step back and one step forth, as far as there are any."""
    steps = _steps(part)
    if steps.back and st.button(
        notices.label(f"Undo: {steps.back[-1].done}"), key=f"undo-{part}", icon=":material/undo:"
    ):
        _go(part, steps.back, to="forth")
    if steps.forth and st.button(
        notices.label(f"Redo: {steps.forth[-1].done}"), key=f"redo-{part}", icon=":material/redo:"
    ):
        _go(part, steps.forth, to="back")


def _go(part: Part, steps: list[_Step], to: Literal["back", "forth"]) -> None:
    """Go to the nearest of the steps, and remember the way from there."""
    step = steps.pop()
    here = _now(step.done, whole=step.whole, text=step.text, query=step.query, strategies=step.strategies)
    _restore(part, step)
    getattr(_steps(part), to).append(here)
    state.keep()
    st.rerun()


def _now(done: str, *, whole: bool, text: bool, query: bool, strategies: bool) -> _Step:
    entered = state.draft()
    shelf = [Entry(**entry.to_json()) for entry in entered.shelf]
    queries = (list(entered.others), entered.at)
    return _Step(done, entered.of_one_query(), queries, _query_set(), shelf, whole, text, query, strategies)


def _query_set() -> int:
    """The number of the set of queries that is there: another one has steps of its own."""
    found: int = st.session_state.get("query_set", 0)
    return found


def _steps(part: Part, at: int | None = None) -> _Steps:
    """The steps of this session's query at that place (that on the screen, if None), or of its strategy set."""
    place = (_query_set(), state.draft().at if at is None else at) if part == "documents" else ()
    key = (part, st.session_state.get("drafts", 0), *place)
    steps: _Steps = st.session_state.setdefault("undo", {}).setdefault(key, _Steps())
    return steps


def _restore(part: Part, step: _Step) -> None:
    entered = state.draft()
    if part == "strategies" or step.strategies:
        entered.shelf = step.shelf
    if part == "strategies":
        return
    if step.whole:
        entered.others, entered.at = step.queries
        st.session_state.query_set = step.of
    if step.whole or step.query:
        entered.query = step.entered["query"]
    entered.loaded, entered.source = step.entered["loaded"], step.entered["source"]
    if step.text:
        entered.text, entered.split = step.entered["text"], step.entered["split"]
    state.refresh_widgets()
