"""The reply cache as people see it: how much there is, how old it is, and taking it away."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reranking.store.database import Database

LOST = (
    "What is cleared has to be asked and paid again. Rankings and records of spending stay; the replies of cleared "
    "calls can no longer be read, and the run that they belong to cannot be repeated without asking."
)
"""What clearing takes away, for the person who is about to do it."""

KEPT = "Replies that saved sessions and unfinished runs use are kept unless they are to be cleared too."
"""What clearing leaves alone by default."""


@dataclass(frozen=True, slots=True)
class CacheSize:
    """How much a cache, or the part of it that was asked about, holds.

    `needed` is how many of the `replies` saved sessions and unfinished runs use. `oldest` and
    `newest` are in seconds since the epoch, None if there are no replies.
    """

    replies: int = 0
    bytes: int = 0
    needed: int = 0
    oldest: float | None = None
    newest: float | None = None


class Cache:
    """The reply cache of a store, for looking at and for clearing."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def size(self, model: str | None = None, *, older_than: float | None = None) -> CacheSize:
        """What the cache holds: all of it, or the replies of `model`, or those older than so many seconds."""
        with self._database.read() as connection:
            row = connection.execute(_SIZE, self._chosen(model, older_than)).fetchone()
        return CacheSize(*row)

    def by_model(self) -> dict[str, CacheSize]:
        """What the cache holds of each model, by name."""
        with self._database.read() as connection:
            rows = connection.execute(_BY_MODEL).fetchall()
        return {model: CacheSize(*figures) for model, *figures in rows}

    def clear(self, model: str | None = None, *, older_than: float | None = None, keep_needed: bool = True) -> int:
        """Delete cached replies and return how many there were.

        All of them, or those of `model`, or those older than so many seconds. Replies that saved
        sessions and unfinished runs use are kept if `keep_needed` (`size` tells how many these
        are). Of what is deleted nothing can be read in the file any more: calls of no session
        lose their requests and raw replies too. `LOST` says what that means to people.
        """
        chosen = self._chosen(model, older_than)
        with self._database.write() as connection:
            removed = connection.execute(_CLEAR, {**chosen, "keep": keep_needed}).rowcount
            _forget_calls_of_no_session(connection, chosen)
        self._database.shrink()
        return removed

    def _chosen(self, model: str | None, older_than: float | None) -> dict[str, Any]:
        return {"model": model, "before": None if older_than is None else self._clock() - older_than}


def _forget_calls_of_no_session(connection: sqlite3.Connection, chosen: dict[str, Any]) -> None:
    connection.execute(
        "UPDATE calls SET request = NULL, raw = NULL WHERE job IS NULL AND request IS NOT NULL "
        "AND (:model IS NULL OR model = :model) AND (:before IS NULL OR started < :before)",
        chosen,
    )
    connection.execute("DELETE FROM requests WHERE NOT EXISTS (SELECT 1 FROM calls WHERE request = requests.id)")


_NEEDED = """(
    WITH wanted AS (
        SELECT calls.key, calls.parts FROM calls JOIN jobs ON jobs.id = calls.job
        JOIN sessions ON sessions.id = jobs.session WHERE sessions.saved IS NOT NULL OR jobs.state <> 'done'
    )
    SELECT key FROM wanted WHERE key IS NOT NULL
    UNION SELECT part.value FROM wanted, json_each(wanted.parts) AS part
)"""
_CHOSEN = "(:model IS NULL OR model = :model) AND (:before IS NULL OR created < :before)"
_FIGURES = f"count(*), ifnull(sum(bytes), 0), ifnull(sum(key IN {_NEEDED}), 0), min(created), max(created)"
_SIZE = f"SELECT {_FIGURES} FROM replies WHERE {_CHOSEN}"  # noqa: S608 - our own text
_BY_MODEL = f"SELECT model, {_FIGURES} FROM replies GROUP BY model ORDER BY model"  # noqa: S608 - our own text
_CLEAR = f"DELETE FROM replies WHERE {_CHOSEN} AND NOT (:keep AND key IN {_NEEDED})"  # noqa: S608 - our own text
