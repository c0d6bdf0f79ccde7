"""The results of a comparison: the overview, and the columns below it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from reranking.jobs import JobStatus, Part
from reranking.strategies.catalogue import each, with_defaults
from reranking.ui import columns, example_grades, inspecting, overview, page, state
from reranking.ui.compared import Compared, Grades
from reranking.ui.names import with_parameters

LISTED = (10, 25, 50, 100, 500)


def show(status: JobStatus) -> None:
    """Everything about a comparison that is over."""
    found = Compared.of(status)
    if not found.parts:
        return
    grades = Grades(state.grades(status.query, found.documents), example_grades.in_use(status.query, found.documents))
    overview.show(found, grades)
    _columns(found, grades)
    inspecting.opener(status, found.parts)


def _columns(found: Compared, grades: Grades) -> None:
    """The rankings side by side."""
    count = len(found.documents)
    top = count
    if count > LISTED[0]:
        options = [number for number in LISTED if number < count] + [count]
        top = st.segmented_control(
            "Documents listed per strategy", options, default=min(count, 25) if min(count, 25) in options else count,
            key="listed", format_func=lambda number: "all" if number == count else str(number), required=True,
        ) or count  # fmt: skip
    notes = tuple(_note(part) for part in found.parts)
    page.html(columns.LEGEND)
    page.html(_columns_html(found, top, tuple(sorted(grades.words.items())), notes))


@lru_cache(maxsize=8)
def _columns_html(found: Compared, top: int, grades: tuple[tuple[int, str], ...], notes: tuple[str, ...]) -> str:
    return columns.columns(found.parts, found.job.query, top, dict(grades), notes, with_calls=True)


class Finished:
    """The columns of the strategies that are over while others still run; each is built once."""

    def __init__(self) -> None:
        self._built: dict[int, str] = {}

    def __call__(self, parts: Sequence[Part], query: str) -> None:
        """Show the columns that are there by now."""
        for part in parts:
            if part.ranking is not None and part.position not in self._built:
                self._built[part.position] = columns.column(part, query, LISTED[1], {}, _note(part))
        if self._built:
            page.html(columns.side_by_side([self._built[position] for position in sorted(self._built)]))


def _note(part: Part) -> str:
    """What must be known of the models that a strategy asks, such as `embedded (weak)`."""
    models = {model for nested in each(part.strategy) if (model := state.part_model(nested))}
    return ", ".join(sorted({note for model in models if (note := state.model_note(model))}))


def outdated(status: JobStatus, entered: state.Draft) -> str:
    """What has changed since the results came, as a sentence; empty if they are for what is entered now."""
    changed = []
    if status.query != entered.query:
        changed.append(f"the query (they are for “{status.query}”)")
    if tuple(item.document for item in status.candidates) != entered.documents():
        changed.append(f"the documents (they are for {len(status.candidates)} as they were then)")
    ran = [part.strategy.spec() for part in status.parts]
    now = [with_defaults(strategy) for strategy in entered.strategies()]
    new = [with_parameters(strategy) for strategy in now if strategy.spec() not in ran]
    if new:
        changed.append(f"strategies not run as they are set now: {', '.join(new)}")
    return f"Changed since these results: {'; '.join(changed)}. Run again to update them." if changed else ""
