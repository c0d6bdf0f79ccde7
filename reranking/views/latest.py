"""Which of a session's jobs belongs to what is entered for a query."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reranking.draft import Entered
from reranking.jobs import JobStatus
from reranking.store import JobRow


def latest_job(
    rows: Sequence[JobRow],
    status_of: Callable[[str], JobStatus | None],
    entered: Entered,
    others: Sequence[Entered],
) -> JobStatus | None:
    """The newest job for a query and its documents as entered; else the newest for an earlier state of them.

    One that is still running comes first. Jobs of the session's `others` are left out. `rows` are
    the session's jobs of one kind, newest first.
    """
    documents = entered.documents()
    elsewhere = {other.query for other in others} - {entered.query}
    mine: list[JobStatus] = []
    for row in rows:
        if row.query in elsewhere or (mine and row.query != entered.query and row.state != "running"):
            continue
        status = status_of(row.id)
        if status is None:
            continue
        same = tuple(item.document for item in status.candidates) == documents
        if status.state == "running" or (same and row.query == entered.query):
            return status
        if same or row.query == entered.query or not others:
            mine.append(status)
    return mine[0] if mine else None
