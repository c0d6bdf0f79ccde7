"""The results of a comparison: the overview, and the columns below it."""

from __future__ import annotations

from reranking.jobs import JobStatus
from reranking.strategies.catalogue import with_defaults
from reranking.ui import card_view, columns_view, details, diff, example_grades, inspecting, overview, state
from reranking.ui.names import NAMING, with_parameters
from reranking.views.compared import Compared
from reranking.views.grades import Grades


def show(status: JobStatus) -> None:
    """Everything about a comparison that is over."""
    found = Compared.of(status, NAMING)
    if not found.parts:
        return
    grades = Grades(state.grades(status.query, found.documents), example_grades.in_use(status.query, found.documents))
    overview.show(found, grades)
    diff.show(found)
    details.show(found)
    columns_view.show(found, grades)
    card_view.show(found, grades)
    inspecting.opener(status, found.parts)


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
