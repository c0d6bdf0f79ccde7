"""Jobs: comparisons and bias tests, how far they are, and the rankings they gave."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reranking.documents import Document
from reranking.ranking import Ranking
from reranking.store.calls import RECORDED_USD
from reranking.store.candidates import keep_candidates, load_documents
from reranking.store.database import Database, StoreError
from reranking.store.sessions import new_id
from reranking.store.values import from_text, legible, plain_text, to_text

JobKind = Literal["comparison", "bias"]
JobState = Literal["running", "done", "cancelled", "failed", "interrupted"]

SILENT_SECONDS = 5.0
"""A running job of another process that has not been heard of for longer was interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job in a list. `spec` is what it was started with; times are seconds since the epoch.

    `problem` says why a job that `failed` could not go on.
    """

    id: str
    session: str
    kind: JobKind
    query: str
    spec: Mapping[str, Any]
    seed: int
    state: JobState
    created: float
    finished: float | None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(JobRow):
    """A job with its documents, by original position."""

    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class KeptRanking:
    """One ranking of a job: by which strategy, in which repetition, from which input order."""

    position: int
    repetition: int
    input_order: tuple[int, ...]
    ranking: Ranking


_SELECT = "SELECT jobs.*, candidate_lists.query FROM jobs JOIN candidate_lists ON candidate_lists.id = candidate_list "


class Jobs:
    """The jobs of a store, and their rankings.

    `own` names the jobs that the caller itself is running: those are running however old
    their heartbeat is.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        session: str,
        kind: JobKind,
        query: str,
        documents: Sequence[Document],
        spec: Mapping[str, Any],
        seed: int,
    ) -> str:
        """Add a running job and return its id.

        Raises StoreError if there is no such session, or for text that is not valid Unicode.
        """
        id, now, text = new_id(), self._clock(), to_text(spec)
        with self._database.write() as connection:
            touched = connection.execute("UPDATE sessions SET updated = ? WHERE id = ?", (now, session))
            if touched.rowcount == 0:
                raise StoreError(f"There is no session '{session}'. It may have been deleted: start a new one.")
            candidate_list = keep_candidates(connection, query, documents)
            connection.execute(
                "INSERT INTO jobs (id, session, kind, candidate_list, spec, seed, state, created, heartbeat) "
                "VALUES (?, ?, ?, ?, ?, ?, 'running', ?, ?)",
                (id, session, kind, candidate_list, text, seed, now, now),
            )
        return id

    def beat(self, id: str, at_most_usd: float | None = None) -> None:
        """Say that a job is still at work; needed more often than every 5 seconds.

        `at_most_usd` is what it may have spent by now, for one with a spending limit.
        """
        with self._database.write() as connection:
            connection.execute(
                "UPDATE jobs SET heartbeat = ?, at_most_usd = ifnull(?, at_most_usd) "
                "WHERE id = ? AND state = 'running'",
                (self._clock(), at_most_usd, id),
            )

    def end(
        self,
        id: str,
        state: Literal["done", "cancelled", "failed"],
        problem: str = "",
        at_most_usd: float | None = None,
    ) -> None:
        """Say that a job is over, and why if it could not go on; `at_most_usd` as for `beat`.

        Raises StoreError if there is no such job.
        """
        with self._database.write() as connection:
            ended = connection.execute(
                "UPDATE jobs SET state = ?, problem = ?, finished = ?, at_most_usd = ifnull(?, at_most_usd) "
                "WHERE id = ?",
                (state, legible(problem), self._clock(), at_most_usd, id),
            )
            if ended.rowcount == 0:
                raise _no_job(id)

    def resume(self, id: str) -> bool:
        """Make a job that was cancelled, failed or interrupted run again.

        False if it is done, running elsewhere or gone: of two that resume it at once, one may. What it
        may have spent by its last heartbeat and no recorded call accounts for counts from now on.
        """
        now = self._clock()
        with self._database.write() as connection:
            resumed = connection.execute(
                "UPDATE jobs SET state = 'running', problem = '', finished = NULL, heartbeat = :now, "  # noqa: S608
                f"unrecorded_usd = max(unrecorded_usd, at_most_usd - ({RECORDED_USD})) WHERE id = :job "
                "AND (state IN ('cancelled', 'failed') OR (state = 'running' AND heartbeat < :silent))",
                {"now": now, "job": id, "silent": now - SILENT_SECONDS},
            )
        return resumed.rowcount == 1

    def state(self, id: str, own: Container[str] = ()) -> JobState | None:
        """How far the job is; None if there is no such job."""
        with self._database.read() as connection:
            row = connection.execute("SELECT id, state, heartbeat FROM jobs WHERE id = ?", (id,)).fetchone()
        return None if row is None else self._state(row, own)

    def get(self, id: str, own: Container[str] = ()) -> Job | None:
        """The job with its documents; None if there is no such job."""
        with self._database.read() as connection:
            row = connection.execute(_SELECT + "WHERE jobs.id = ?", (id,)).fetchone()
            documents = () if row is None else load_documents(connection, row["candidate_list"])
        return None if row is None else Job(**self._values(row, own), documents=documents)

    def of(self, session: str, kind: JobKind | None = None, own: Container[str] = ()) -> list[JobRow]:
        """The jobs of a session, newest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                _SELECT + "WHERE session = ? AND kind = ifnull(?, kind) ORDER BY created DESC, jobs.rowid DESC",
                (session, kind),
            ).fetchall()
        return [JobRow(**self._values(row, own)) for row in rows]

    def keep_ranking(
        self, job: str, position: int, repetition: int, input_order: Sequence[int], ranking: Ranking
    ) -> None:
        """Keep the ranking that the strategy at `position` gave for `input_order` (original positions).

        Replaces one of the same position and repetition. Raises StoreError if there is no such job.
        """
        with self._database.read() as connection:
            documents = _documents_of(connection, job)
        strategy, order = to_text(ranking.strategy), plain_text(list(input_order))
        text = to_text(ranking, documents)
        with self._database.write() as connection:
            if connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job,)).fetchone() is None:
                raise _no_job(job)
            connection.execute(
                "INSERT OR REPLACE INTO rankings VALUES (?, ?, ?, ?, ?, ?, ?)",
                (job, position, repetition, order, strategy, text, ranking.outcome),
            )

    def rankings(self, job: str) -> list[KeptRanking]:
        """The rankings of a job so far, by position and repetition; each equal to the one kept.

        Raises StoreError if there is no such job.
        """
        with self._database.read() as connection:
            documents = _documents_of(connection, job)
            rows = connection.execute(
                "SELECT position, repetition, input_order, ranking FROM rankings WHERE job = ? "
                "ORDER BY position, repetition",
                (job,),
            ).fetchall()
        return [
            KeptRanking(position, repetition, tuple(from_text(order)), from_text(text, documents))
            for position, repetition, order, text in rows
        ]

    def _values(self, row: sqlite3.Row, own: Container[str]) -> dict[str, Any]:
        names = ("id", "session", "kind", "query", "seed", "created", "finished", "problem")
        return {
            **{name: row[name] for name in names},
            "spec": from_text(row["spec"]),
            "state": self._state(row, own),
        }

    def _state(self, row: sqlite3.Row, own: Container[str]) -> JobState:
        silent = row["heartbeat"] < self._clock() - SILENT_SECONDS
        if row["state"] == "running" and silent and row["id"] not in own:
            return "interrupted"
        state: JobState = row["state"]
        return state


def _documents_of(connection: sqlite3.Connection, job: str) -> tuple[Document, ...]:
    row = connection.execute("SELECT candidate_list FROM jobs WHERE id = ?", (job,)).fetchone()
    if row is None:
        raise _no_job(job)
    return load_documents(connection, row["candidate_list"])


def _no_job(id: str) -> StoreError:
    return StoreError(f"There is no job '{id}'. Its session may have been deleted.")
