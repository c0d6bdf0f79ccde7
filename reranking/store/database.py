"""One SQLite file: its connection, its lock, and what can be wrong with it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reranking.store.schema import MIGRATIONS, applied, migrate

BUSY_SECONDS = 30.0
WAL_RETRY_SECONDS = 0.02
TRACES_SECONDS = 1.0
ELSEWHERE = "name another file with RERANK_LENS_DB"

# What SQLite's primary result codes mean to the user; any other code is a fault of ours and stays as it is.
_CAUSES = {
    "SQLITE_NOTADB": f"'{{path}}' is not a database. Move it away, or {ELSEWHERE}.",
    "SQLITE_CORRUPT": "The database '{path}' is damaged. Restore a backup, or move it away to start with an empty one.",
    "SQLITE_BUSY": "The database '{path}' was busy for {seconds:.0f} seconds. Close what else writes to it, try again.",
    "SQLITE_READONLY": f"Cannot write to '{{path}}'. Make it and its folder writable, or {ELSEWHERE}.",
    "SQLITE_CANTOPEN": f"Cannot open '{{path}}'. Make it and its folder readable and writable, or {ELSEWHERE}.",
    "SQLITE_PERM": f"Cannot open '{{path}}'. Make it and its folder readable and writable, or {ELSEWHERE}.",
    "SQLITE_FULL": "There is no room left for '{path}'. Free some disk space and try again.",
    "SQLITE_IOERR": "The disk failed while reading or writing '{path}'. Check the disk and try again.",
}


class StoreError(ValueError):
    """The store cannot do what was asked; the message names what is wrong and what to do."""


class Database:
    """One connection to one file, shared by all threads under one lock.

    Opening creates the folder and the file, and applies missing migrations. Raises StoreError
    if the path cannot be written, or holds anything but a database of this or an older version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"Cannot create the folder '{path.parent}' ({error.strerror}). Please {ELSEWHERE}."
            ) from error
        with self._explained():
            connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Hold the lock and give the connection, for reading."""
        with self._lock, self._explained():
            if self._connection is None:
                raise StoreError(f"The database '{self.path}' has been closed. Open it again.")
            yield self._connection

    @contextmanager
    def write(self, *, flush: bool = True) -> Iterator[sqlite3.Connection]:
        """Hold the lock and give the connection inside one transaction.

        Begins immediately, so that a second process waits its turn; commits at the end, and
        rolls back if anything raises. Does not nest. What is committed survives the end of the
        process, however it comes; with `flush`, it and all before it survive a power cut too.
        """
        with self.read() as connection:
            connection.execute("PRAGMA synchronous = FULL" if flush else "PRAGMA synchronous = NORMAL")
            with _immediate(connection):
                yield connection

    def erase_traces(self) -> None:
        """Empty the write-ahead log, where deleted rows may still stand.

        While another program is reading, the log is emptied later, by whoever closes the file last.
        """
        with self.read() as connection:
            connection.execute(f"PRAGMA busy_timeout = {TRACES_SECONDS * 1000:.0f}")
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")

    def shrink(self) -> None:
        """Give the space of deleted rows back to the disk."""
        with self.read() as connection:
            connection.execute("VACUUM")
        self.erase_traces()

    def close(self) -> None:
        """Close the connection; everything committed is in the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA recursive_triggers = ON")
        # Beginning immediately lets one of several processes that open a new file create its tables.
        with _immediate(connection):
            names = applied(connection)
            self._check(connection, names)
            if len(names) < len(MIGRATIONS):
                migrate(connection)
            connection.execute("DELETE FROM sessions WHERE FALSE")  # fails if the file cannot be written
        self._use_wal(connection)
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        connection.row_factory = sqlite3.Row

    def _check(self, connection: sqlite3.Connection, names: list[str]) -> None:
        """Refuse the database of another program or of a newer version."""
        unknown = [name for name in names if name not in MIGRATIONS]
        if unknown:
            raise StoreError(
                f"'{self.path}' was written by a newer version of Rerank Lens ({unknown[-1]}). "
                f"Update Rerank Lens, or {ELSEWHERE}."
            )
        if not names and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise StoreError(f"'{self.path}' is the database of another program. Please {ELSEWHERE}.")

    def _use_wal(self, connection: sqlite3.Connection) -> None:
        """Turn the write-ahead log on. SQLite does not wait for others here, so this does."""
        until = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
                return
            except sqlite3.OperationalError as error:
                if _cause(error) != "SQLITE_BUSY" or time.monotonic() > until:
                    raise
                time.sleep(WAL_RETRY_SECONDS)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            text = _CAUSES.get(_cause(error))
            if text is None:
                raise
            raise StoreError(text.format(path=self.path, seconds=BUSY_SECONDS)) from error


@contextmanager
def _immediate(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _cause(error: sqlite3.Error) -> str:
    """SQLite's primary result code, such as SQLITE_IOERR for SQLITE_IOERR_WRITE."""
    name: str = getattr(error, "sqlite_errorname", None) or ""
    return "_".join(name.split("_")[:2])
