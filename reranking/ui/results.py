"""The results of a comparison: the overview, and the columns below it."""

from __future__ import annotations

import streamlit as st

from reranking.documents import Document
from reranking.jobs import JobStatus
from reranking.strategies.catalogue import with_defaults
from reranking.ui import (
    card_view,
    columns_view,
    details,
    diff,
    example_grades,
    following,
    inspecting,
    overview,
    shelf,
    state,
    undo,
)
from reranking.ui.names import NAMING, with_parameters
from reranking.views.compared import Compared
from reranking.views.grades import Grades

BACK = "went back to what was run"


def show(status: JobStatus) -> None:
    """Everything about a comparison that is over."""
    found = Compared.of(status, NAMING)
    if not found.parts:
        return
    grades = Grades(state.grades(status.query, found.documents), example_grades.in_use(status.query, found.documents))
    with st.container(key="card-place"):
        card_view.show(found, grades)  # first, so that what is pressed while the rest is drawn is heard
    overview.show(found, grades)
    diff.show(found)
    details.show(found)
    columns_view.show(found, grades)
    following.follow(found)
    inspecting.opener(status, found.parts)


def outdated(status: JobStatus, entered: state.Draft) -> str:
    """What has changed since the results came, as a sentence; empty if they are for what is entered now."""
    changed = []
    if status.query != entered.query:
        changed.append(f"the query (they are for “{status.query}”)")
    if _documents(status) != entered.documents():
        changed.append(f"the documents (they are for {len(status.candidates)} as they were then)")
    ran = [part.strategy.spec() for part in status.parts]
    now = [with_defaults(strategy) for strategy in entered.strategies()]
    new = [with_parameters(strategy) for strategy in now if strategy.spec() not in ran]
    if new:
        changed.append(f"strategies not run as they are set now: {', '.join(new)}")
    wanted = [strategy.spec() for strategy in now]
    off = [with_parameters(part.strategy) for part in status.parts if part.strategy.spec() not in wanted]
    if off:
        changed.append(f"switched off since: {', '.join(off)}")
    return f"Changed since these results: {'; '.join(changed)}. Run again to update them." if changed else ""


def way_back(status: JobStatus, entered: state.Draft) -> None:
    """A button that enters query, documents and strategies of the results again, where others are entered now."""
    same = _documents(status) == entered.documents()
    asked = same and status.query == entered.query
    lines = shelf.as_ran(entered.shelf, status.parts)
    if asked and lines == entered.shelf:
        return
    if not st.button("Back to what was run", key="back-to-run", icon=":material/history:"):
        return
    if asked:
        undo.before("strategies", BACK)
    else:
        undo.before("documents", BACK, query=True, strategies=True)
        entered.query = status.query
    if not same:
        _enter(_documents(status), entered)
    entered.shelf = lines
    state.refresh_widgets()
    state.keep()
    st.rerun()


def _documents(status: JobStatus) -> tuple[Document, ...]:
    return tuple(item.document for item in status.candidates)


def _enter(documents: tuple[Document, ...], entered: state.Draft) -> None:
    """Make these the documents: the pasted text, which a file or an example leaves as it is, if they are its own."""
    pasted = state.Entered(text=entered.text, split=entered.split)
    if pasted.documents() == documents:
        entered.loaded, entered.source = None, ""
    else:
        entered.load(documents, "the last run")
