"""Steps back: what the documents and the strategy set were before the last changes, kept for this browser tab."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from reranking.draft import Entered, Entry
from reranking.ui import notices, state

Part = Literal["documents", "strategies"]
STEPS = 20


@dataclass(frozen=True, slots=True)
class _Step:
    """A state to go back to, and the words for what was done since."""

    done: str
    entered: dict[str, Any]
    queries: tuple[list[Entered], int]
    shelf: list[Entry]
    whole: bool
    text: bool


def before(part: Part, done: str, *, whole: bool = False, text: bool = False) -> None:
    """Remember what is there, ahead of a change that the words `done` tell.

    `whole` says that the change takes other queries too, `text` that it writes over pasted text.
    """
    entered = state.draft()
    queries = (list(entered.others), entered.at)
    shelf = [Entry(**entry.to_json()) for entry in entered.shelf]
    steps = _steps(part)
    steps.append(_Step(done, entered.of_one_query(), queries, shelf, whole, text))
    del steps[:-STEPS]


def offer(part: Part) -> None:
    """A button that goes one step back, if there is one."""
    steps = _steps(part)
    if steps and st.button(notices.label(f"Undo: {steps[-1].done}"), key=f"undo-{part}", icon=":material/undo:"):
        _back(part, steps.pop())
        state.keep()
        st.rerun()


def _steps(part: Part) -> list[_Step]:
    """The steps of this session's current query, or of its strategy set."""
    entered = state.draft()
    place = (st.session_state.get("drafts", 0), entered.at if part == "documents" else 0)
    steps: list[_Step] = st.session_state.setdefault("undo", {}).setdefault((part, *place), [])
    return steps


def _back(part: Part, step: _Step) -> None:
    entered = state.draft()
    if part == "strategies":
        entered.shelf = step.shelf
        return
    if step.whole:
        entered.others, entered.at = step.queries
        entered.query = step.entered["query"]
    entered.loaded, entered.source = step.entered["loaded"], step.entered["source"]
    if step.text:
        entered.text, entered.split = step.entered["text"], step.entered["split"]
    state.refresh_widgets()
