"""Sessions: what a person works on, from the first keystroke."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reranking.store.database import Database, StoreError
from reranking.store.values import from_text, legible, storable, to_text


class MissingSessionError(StoreError):
    """There is no session of that id (any more)."""


class ChangedElsewhereError(StoreError):
    """The draft in the store is not the one that was to be replaced."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session. `title` is None while it is a draft; times are seconds since the epoch."""

    id: str
    title: str | None
    draft: Mapping[str, Any]
    created: float
    updated: float
    saved: float | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session in a list.

    `query` and `strategies` (their number) are the draft's. `documents` are those of the newest
    job, `judged` how many of them have a grade by anyone on any scale. `cost_usd` is what the
    calls of the session cost, None if the price of any is unknown.
    """

    id: str
    title: str | None
    query: str
    strategies: int
    documents: int
    judged: int
    cost_usd: float | None
    created: float
    updated: float
    saved: float | None


_LIST = """
WITH newest AS (SELECT session, candidate_list, max(created) FROM jobs GROUP BY session),
paid AS (
    SELECT jobs.session, total(calls.cost_usd) AS known, count(*) - count(calls.cost_usd) AS unknown
    FROM calls JOIN jobs ON jobs.id = calls.job
    WHERE calls.source = 'sent' AND (calls.failed_code IS NULL OR calls.cost_usd IS NOT 0) GROUP BY jobs.session
)
SELECT sessions.id, title, query, strategies, created, updated, saved,
    iif(coalesce(paid.unknown, 0) = 0, coalesce(paid.known, 0.0), NULL) AS cost_usd,
    (SELECT count(*) FROM documents WHERE candidate_list = newest.candidate_list) AS documents,
    (
        SELECT count(*) FROM documents JOIN candidate_lists ON candidate_lists.id = documents.candidate_list
        WHERE documents.candidate_list = newest.candidate_list AND EXISTS (
            SELECT 1 FROM latest_judgments AS judgment WHERE judgment.query = candidate_lists.query_nfc
                AND judgment.fingerprint = documents.fingerprint AND judgment.grade IS NOT NULL
        )
    ) AS judged
FROM sessions LEFT JOIN newest ON newest.session = sessions.id LEFT JOIN paid ON paid.session = sessions.id
WHERE (sessions.deleted IS NOT NULL) = :deleted
ORDER BY updated DESC, sessions.rowid DESC
"""


RESTORABLE_SECONDS = 24 * 3600.0
"""For how long a deleted session can be restored."""


class Sessions:
    """The sessions of a store."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def new(self, draft: Mapping[str, Any] | None = None) -> str:
        """Add a draft session and return its id, which fits into a URL.

        `draft` is the screens' own; lists show its `query` (text) and count its `strategies`.
        """
        draft, now, id = draft or {}, self._clock(), new_id()
        values = (id, *_shown(draft), now, now, to_text(draft))
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO sessions (id, query, strategies, created, updated, draft) VALUES (?, ?, ?, ?, ?, ?)",
                values,
            )
        return id

    def save_draft(self, id: str, draft: Mapping[str, Any], *, was: Mapping[str, Any] | None = None) -> None:
        """Replace the draft of a session.

        Raises MissingSessionError if there is no such session. With `was`, the draft as it was
        last read or written, raises ChangedElsewhereError if the store holds neither that nor
        `draft`; nothing is changed then.
        """
        new = to_text(draft)
        values = (*_shown(draft), new, self._clock(), id)
        with self._database.write() as connection:
            if was is not None:
                row = connection.execute("SELECT draft FROM sessions WHERE id = ?", (id,)).fetchone()
                if row is not None and row["draft"] not in {to_text(was), new}:
                    raise ChangedElsewhereError("This session was changed in another place. Open it again to see how.")
            cursor = connection.execute(
                "UPDATE sessions SET query = ?, strategies = ?, draft = ?, updated = ? "
                "WHERE id = ? AND deleted IS NULL",
                values,
            )
            _must_exist(cursor, id)

    def exists(self, id: str) -> bool:
        """Whether there is a session of that id."""
        with self._database.read() as connection:
            row = connection.execute("SELECT 1 FROM sessions WHERE id = ? AND deleted IS NULL", (id,)).fetchone()
        return row is not None

    def save(self, id: str, title: str) -> None:
        """Give a session a title, so that it is no draft any more, and note the time.

        Raises StoreError if there is no such session or the title is blank.
        """
        if not title.strip():
            raise StoreError("A session needs a title to be saved. Give it one.")
        now = self._clock()
        with self._database.write() as connection:
            cursor = connection.execute(
                "UPDATE sessions SET title = ?, saved = ?, updated = ? WHERE id = ? AND deleted IS NULL",
                (storable(title.strip(), "The title"), now, now, id),
            )
            _must_exist(cursor, id)

    def get(self, id: str) -> Session | None:
        """The session, or None if there is none of that id."""
        with self._database.read() as connection:
            row = connection.execute("SELECT * FROM sessions WHERE id = ? AND deleted IS NULL", (id,)).fetchone()
        if row is None:
            return None
        return Session(id, row["title"], from_text(row["draft"]), row["created"], row["updated"], row["saved"])

    def all(self, search: str = "") -> list[SessionRow]:
        """Sessions whose title or query contains `search`, in any case; last changed first."""
        with self._database.read() as connection:
            rows = [SessionRow(**row) for row in connection.execute(_LIST, {"deleted": 0})]
        wanted = search.strip().casefold()
        return [row for row in rows if wanted in f"{row.title or ''}\n{row.query}".casefold()]

    def discard(self, id: str) -> None:
        """Take a session out of all lists; it can be restored until `erase_old` finds it. An unknown id is no error."""
        with self._database.write() as connection:
            connection.execute("UPDATE sessions SET deleted = ? WHERE id = ?", (self._clock(), id))

    def restore(self, id: str) -> None:
        """Bring a discarded session back as it was. An unknown id is no error."""
        with self._database.write() as connection:
            connection.execute("UPDATE sessions SET deleted = NULL WHERE id = ?", (id,))

    def discarded(self) -> list[SessionRow]:
        """The sessions that were discarded and can still be restored; last changed first."""
        with self._database.read() as connection:
            return [SessionRow(**row) for row in connection.execute(_LIST, {"deleted": 1})]

    def erase_old(self) -> None:
        """Delete the sessions that were discarded a day ago or earlier."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT id FROM sessions WHERE deleted <= ?", (self._clock() - RESTORABLE_SECONDS,)
            ).fetchall()
        for row in rows:
            self.delete(row["id"])

    def delete(self, id: str) -> None:
        """Delete a session for good, with its jobs, rankings and candidates.

        Its calls stay as a record of spending, without their requests and replies. Judgments
        stay, and so do cached replies that other sessions or the command line used too. What is
        deleted is overwritten in the file. An unknown id is no error.
        """
        with self._database.write() as connection:
            _forget_replies(connection, id)
            _forget_calls(connection, id)
            lists = connection.execute("SELECT DISTINCT candidate_list FROM jobs WHERE session = ?", (id,)).fetchall()
            connection.execute("DELETE FROM sessions WHERE id = ?", (id,))
            connection.executemany(
                "DELETE FROM candidate_lists WHERE id = ? "
                "AND NOT EXISTS (SELECT 1 FROM jobs WHERE candidate_list = candidate_lists.id)",
                lists,
            )
        self._database.erase_traces()


def new_id() -> str:
    """A short random id, safe in URLs and on the command line (48 bits)."""
    return secrets.token_hex(6)


def _shown(draft: Mapping[str, Any]) -> tuple[str, int]:
    query, strategies = draft.get("query"), draft.get("strategies")
    return (
        legible(query) if isinstance(query, str) else "",
        len(strategies) if isinstance(strategies, list | tuple) else 0,
    )


def _must_exist(cursor: sqlite3.Cursor, id: str) -> None:
    if cursor.rowcount == 0:
        raise MissingSessionError(f"There is no session '{id}'. It may have been deleted: start a new one.")


_KEYS = """
SELECT key FROM calls WHERE key IS NOT NULL AND {whose}
UNION SELECT part.value FROM calls, json_each(calls.parts) AS part WHERE {whose}
"""
_OWN = "job IN (SELECT id FROM jobs WHERE session = :session)"
_OTHERS = "(job NOT IN (SELECT id FROM jobs WHERE session = :session) OR (job IS NULL AND label IS NOT NULL))"
_FORGET_REPLIES = (
    f"DELETE FROM replies WHERE replies.key IN ({_KEYS.format(whose=_OWN)}) "  # noqa: S608 - our own names
    f"AND replies.key NOT IN ({_KEYS.format(whose=_OTHERS)})"
)


def _forget_replies(connection: sqlite3.Connection, session: str) -> None:
    """Delete the cached replies that only the calls of this session used."""
    connection.execute(_FORGET_REPLIES, {"session": session})


def _forget_calls(connection: sqlite3.Connection, session: str) -> None:
    """Take from the calls of a session what they asked, and what they received word for word."""
    asked = connection.execute(
        "SELECT DISTINCT request FROM calls WHERE job IN (SELECT id FROM jobs WHERE session = ?)", (session,)
    ).fetchall()
    connection.execute(
        "UPDATE calls SET request = NULL, raw = NULL WHERE job IN (SELECT id FROM jobs WHERE session = ?)", (session,)
    )
    connection.executemany(
        "DELETE FROM requests WHERE id = ? AND NOT EXISTS (SELECT 1 FROM calls WHERE request = requests.id)", asked
    )
