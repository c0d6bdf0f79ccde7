"""The archive that the gateway keeps calls and replies in.

Calls wait in a queue for one writer thread, which commits all that are waiting in one
transaction; `keep` returns when its call is committed. From then on nothing that happens to
the process loses it. A power cut can take what came after the last flush: the last heartbeat
of a running job, or any other change to the store.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from reranking.archive import Call
from reranking.replies import Reply
from reranking.store.calls import insert, written
from reranking.store.database import Database, StoreError
from reranking.store.values import plain_text, reply_from_text

KEYS_AT_ONCE = 500
CALLS_AT_ONCE = 1000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A call to be kept, and the event loop in which somebody waits for it."""

    call: Call
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]


class StoreArchive:
    """The gateway's archive in a store. Takes calls from any number of event loops."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._writer: threading.Thread | None = None
        self._closed = False

    async def find(self, keys: Sequence[str]) -> dict[str, Reply]:
        """The replies that are there, by key. Reads in a thread."""
        return await asyncio.to_thread(self._find, list(keys))

    def keep(self, call: Call) -> Coroutine[Any, Any, None]:
        """Keep the call and the replies it brought; what is returned waits until both are safe.

        The call is handed over at once, awaited or not. Awaiting raises StoreError if it could
        not be written.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self._closed:
                raise StoreError(f"The database '{self._database.path}' has been closed. Open it again.")
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="store-writer", daemon=True)
                self._writer.start()
            self._queue.put(_Waiting(call, loop, done))
        return _until(done)

    def close(self) -> None:
        """Write what is waiting and take no more."""
        with self._lock:
            self._closed = True
            writer = self._writer
            if writer is not None:
                self._queue.put(None)
        if writer is not None:
            writer.join()

    def _find(self, keys: list[str]) -> dict[str, Reply]:
        found: dict[str, Reply] = {}
        for start in range(0, len(keys), KEYS_AT_ONCE):
            wanted = plain_text(keys[start : start + KEYS_AT_ONCE])
            with self._database.read() as connection:
                rows = connection.execute(
                    "SELECT key, reply FROM replies WHERE key IN (SELECT value FROM json_each(?))", (wanted,)
                ).fetchall()
            found.update((key, reply_from_text(text)) for key, text in rows)
        return found

    def _write(self) -> None:
        while True:
            batch, last = self._next()
            if batch:
                self._commit(batch)
            if last:
                return

    def _next(self) -> tuple[list[_Waiting], bool]:
        """Wait for a call and take all that are waiting by then; tell whether they are the last."""
        item = self._queue.get()
        batch: list[_Waiting] = []
        while item is not None:
            batch.append(item)
            if len(batch) == CALLS_AT_ONCE:
                return batch, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _commit(self, batch: list[_Waiting]) -> None:
        try:
            rows = [written(waiting.call) for waiting in batch]
            # Flushing each batch to the disk takes longer than many models; the heartbeat of a
            # job, which flushes, is never far behind.
            with self._database.write(flush=False) as connection:
                insert(connection, rows)
        except StoreError as error:
            self._give_up(batch, error)
        except Exception as error:
            logger.exception("a batch of %d calls could not be kept", len(batch))
            self._give_up(batch, error)
        else:
            _tell(batch, None)

    def _give_up(self, batch: list[_Waiting], error: Exception) -> None:
        """Tell those who wait, but first try each call of a batch alone: one may spoil the others'."""
        if len(batch) == 1 or isinstance(error.__cause__, sqlite3.Error):
            _tell(batch, error)
        else:
            for waiting in batch:
                self._commit([waiting])


async def _until(done: asyncio.Future[None]) -> None:
    await done


def _tell(batch: list[_Waiting], error: Exception | None) -> None:
    """Let go of those who wait, with one wake-up for each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for waiting in batch:
        by_loop.setdefault(waiting.loop, []).append(waiting.done)
    for loop, futures in by_loop.items():
        try:
            loop.call_soon_threadsafe(_release, futures, error)
        except RuntimeError:  # the loop is closed: nobody waits there any more
            continue


def _release(futures: list[asyncio.Future[None]], error: Exception | None) -> None:
    for done in futures:
        if done.done():  # the one who waited was cancelled
            continue
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(StoreError(f"A model's reply could not be kept: {error}"))
