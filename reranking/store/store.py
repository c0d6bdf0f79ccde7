"""The store: one SQLite file with everything a person does here."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from reranking.store.archive import StoreArchive
from reranking.store.cache import Cache
from reranking.store.calls import Calls
from reranking.store.connections import Connections
from reranking.store.database import Database
from reranking.store.jobs import Jobs
from reranking.store.judgments import Judgments
from reranking.store.sessions import Sessions
from reranking.store.strategy_sets import StrategySets

DEFAULT_PATH = Path("data/rerank-lens.db")
PATH_VARIABLE = "RERANK_LENS_DB"

_stores: dict[Path, Store] = {}
_lock = threading.Lock()


class Store:
    """What is kept in one SQLite file; safe to use from all threads. Get it from `open_store`.

    `clock` gives the time in seconds since the epoch.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.database = Database(path)
        self.archive = StoreArchive(self.database)
        self.cache = Cache(self.database, clock)
        self.sessions = Sessions(self.database, clock)
        self.jobs = Jobs(self.database, clock)
        self.calls = Calls(self.database)
        self.judgments = Judgments(self.database, clock)
        self.connections = Connections(self.database, clock)
        self.strategy_sets = StrategySets(self.database, clock)

    def close(self) -> None:
        """Write what is waiting, and close the file. The next `open_store` opens it again."""
        with _lock:
            if _stores.get(self.path) is self:
                del _stores[self.path]
        self.archive.close()
        self.database.close()


def store_path(path: str | os.PathLike[str] | None = None) -> Path:
    """The file that `open_store` would open for `path`; it need not be there."""
    chosen = path if path is not None else os.environ.get(PATH_VARIABLE) or DEFAULT_PATH
    return Path(chosen).expanduser().resolve()


def open_store(path: str | os.PathLike[str] | None = None) -> Store:
    """The store in the file at `path`; a new one is created. One object per file and process.

    Without `path` it is `$RERANK_LENS_DB`, or else `data/rerank-lens.db` in the working folder.
    Raises StoreError, which says what to do, if the file cannot be used.
    """
    resolved = store_path(path)
    with _lock:
        if resolved not in _stores:
            _stores[resolved] = Store(resolved)
        return _stores[resolved]


@atexit.register
def _close_all() -> None:
    for store in list(_stores.values()):
        store.close()
