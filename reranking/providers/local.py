"""Models that run in this process: each has a worker thread that loads it and asks it one thing at a time."""

from __future__ import annotations

import asyncio
import atexit
import gc
import hashlib
import json
import logging
import os
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, lru_cache, partialmethod
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock, Thread
from typing import Any, Generic, TypeVar

from reranking.models import FREE, ModelError, Predicted
from reranking.replies import Reply
from reranking.requests import Request

Loaded = TypeVar("Loaded")
Result = TypeVar("Result")

Handler = Callable[[Any, Any, Event], Reply]
"""Answers one kind of request: (what was loaded, request, event that is set when nobody waits any more)."""

# One load at a time: the libraries' lazy imports are not safe to race.
_LOADING = Lock()

FREEZE_SECONDS = 0.2

logger = logging.getLogger(__name__)


class AbandonedError(Exception):
    """Nobody waits for the result any more."""


def go_on(unwanted: Event) -> None:
    """Raise AbandonedError if `unwanted` is set; long work calls this between its steps."""
    if unwanted.is_set():
        raise AbandonedError


class Worker(Generic[Loaded]):
    """A thread that calls `load` with the first piece of work, then does one piece after another.

    What `load` raises, everybody gets who asked before it failed; who asks later makes it try again.
    """

    def __init__(self, load: Callable[[], Loaded]) -> None:
        self._load = load
        self._pieces: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._started = False
        self._starting = Lock()
        self._loaded: Loaded | None = None
        self._failed: tuple[float, ModelError] | None = None
        self.loading_since: float | None = None  # seconds since the epoch, while it loads

    async def run(self, work: Callable[[Loaded, Event], Result]) -> Result:
        """Do `work` when its turn comes. When cancelled, its event is set; if it waits, it is dropped."""
        unwanted = Event()
        future: Future[Result] = Future()
        asked = time.monotonic()
        self._submit(lambda: _settle(future, lambda: self._do(work, unwanted, asked)))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            unwanted.set()
            raise

    def warm_up(self) -> None:
        """Load in the background. Returns at once; a failure is logged, and told to who asks next."""
        self._submit(self._warm)

    def _submit(self, piece: Callable[[], None]) -> None:
        self._pieces.put(piece)
        with self._starting:
            if not self._started:
                self._started = True
                # A daemon: a server that is stopped does not first answer all that is waiting.
                Thread(target=_work_on, args=(self._pieces,), name="model", daemon=True).start()
                # The thread does not refer to the worker, and ends when nothing does: the weights are freed.
                weakref.finalize(self, self._pieces.put, None).atexit = False

    def _do(self, work: Callable[[Loaded, Event], Result], unwanted: Event, asked: float) -> Result:
        go_on(unwanted)
        if self._failed is not None and asked <= self._failed[0]:
            error = self._failed[1]
            raise ModelError(error.code, error.message, error.raw)
        return work(self._get(), unwanted)

    def _warm(self) -> None:
        try:
            self._get()
        except ModelError as error:
            logger.warning("%s", error.message)

    def _get(self) -> Loaded:
        if self._loaded is None:
            self.loading_since = time.time()
            try:
                with _LOADING, _uncollected():
                    self._loaded = self._load()
            except ModelError as error:
                self._failed = (time.monotonic(), error)
                raise
            finally:
                self.loading_since = None
        return self._loaded


def _work_on(pieces: SimpleQueue[Callable[[], None] | None]) -> None:
    """Do one piece after another until there is a None."""
    while (piece := pieces.get()) is not None:
        piece()
        del piece


def _settle(future: Future[Result], work: Callable[[], Result]) -> None:
    """Do the work and put its result, or what it raised, into the future; nothing if it was cancelled."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits, and the thread must live on
        future.set_exception(error)
    else:
        future.set_result(result)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep what is made in the block out of the garbage collector's sight.

    A model is made of some 500,000 objects that stay: without this each full collection takes
    most of a second, with all threads waiting.
    """
    over = Event()

    def freeze() -> None:
        while not over.wait(FREEZE_SECONDS):
            gc.freeze()

    helper = Thread(target=freeze, name="freeze", daemon=True)
    helper.start()
    try:
        yield
    finally:
        over.set()
        helper.join()
        gc.freeze()
        _thaw_at_exit()


@cache
def _thaw_at_exit() -> None:
    """Let the interpreter clear up at its end; else libraries complain of what is left."""
    atexit.register(gc.unfreeze)


class LocalModel:
    """A model in this process. `handlers` say how it answers each kind of request.

    `fingerprint` names the weights and all else that changes its numbers, `note` what must be known
    before it is trusted.
    """

    concurrency = 16
    deterministic = True

    def __init__(
        self,
        name: str,
        fingerprint: str,
        worker: Worker[Any],
        handlers: Mapping[type[Request], Handler],
        note: str = "",
    ) -> None:
        self.name = name
        self.note = note
        self.fingerprint = fingerprint
        self.worker = worker
        self.answers = frozenset(handlers)
        self._handlers = dict(handlers)

    async def answer(self, request: Request) -> Reply:
        """Answer `request` in the worker thread; the first answer waits for the weights."""
        handler = self._handlers.get(type(request))
        if handler is None:
            raise cannot_answer(self.name, request, self.answers)

        def work(loaded: Any, unwanted: Event) -> Reply:
            clock = time.perf_counter()
            reply = handler(loaded, request, unwanted)
            seconds = time.perf_counter() - clock
            return replace(reply, receipt=replace(reply.receipt, model=self.name, cost_usd=0.0, seconds=seconds))

        return await self.worker.run(work)

    def predicted(self, request: Request) -> Predicted:
        """Nothing: it runs on this machine."""
        return FREE

    def warm_up(self) -> None:
        """Load the weights in the background. Returns at once."""
        self.worker.warm_up()

    @property
    def loading_since(self) -> float | None:
        """When it began to load its weights, in seconds since the epoch; None unless it does so now."""
        return self.worker.loading_since


def cannot_answer(name: str, request: Request, answers: frozenset[type[Request]]) -> ModelError:
    """The error for a kind of request that a model does not answer."""
    able = ", ".join(sorted(kind.__name__ for kind in answers))
    return ModelError("cannot-answer", f"{name} cannot answer {type(request).__name__}; it answers {able}.")


def spare_a_core() -> None:
    """Let torch use all cores but one from this thread, unless OMP_NUM_THREADS says how many.

    The threads of one computation wait for each other. When the server or a browser takes one of
    their cores, they are several times slower than one thread less is.
    """
    import torch

    torch.set_num_threads(_threads())


@cache
def _threads() -> int:
    import torch

    default = torch.get_num_threads()
    return default if "OMP_NUM_THREADS" in os.environ else max(1, default - 1)


@contextmanager
def loading(name: str) -> Iterator[None]:
    """Turn what the libraries raise over weights that they cannot load into a ModelError with their words."""
    from safetensors import SafetensorError

    try:
        with _without_bars():
            yield
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        short = words if len(words) <= 300 else f"{words[:299]}…"
        raise ModelError("internal", f"{name} cannot be loaded: {short}", raw=str(error)) from error


@contextmanager
def _without_bars() -> Iterator[None]:
    """Keep progress bars of libraries that do not ask whether they are wanted from stderr.

    Those of downloads stay: the hub's client asks, and a download is worth a bar. Only one model
    is loaded at a time, so that the blocks of this do not overlap.
    """
    from tqdm import tqdm  # type: ignore[import-untyped]

    usual = tqdm.__init__
    tqdm.__init__ = partialmethod(usual, disable=True)
    try:
        yield
    finally:
        tqdm.__init__ = usual


def folder_fingerprint(folder: Path) -> str:
    """SHA-256 over the names and bytes of what is loaded from `folder`: its own files and its modules' folders.

    A file is read again only if its size or time of change differs.
    """
    listing = folder / "modules.json"
    modules = json.loads(listing.read_text(encoding="utf-8")) if listing.is_file() else []
    folders = {folder, *(folder / module["path"] for module in modules if module.get("path"))}
    digest = hashlib.sha256()
    for path in sorted(path for each in folders if each.is_dir() for path in each.iterdir() if path.is_file()):
        if path.suffix == ".md" or path.name.startswith("."):
            continue
        state = path.stat()
        content = _file_digest(str(path), state.st_size, state.st_mtime_ns)
        digest.update(f"{path.relative_to(folder).as_posix()}\x00{content}\n".encode())
    return f"sha256:{digest.hexdigest()}"


@lru_cache(maxsize=4096)
def _file_digest(path: str, size: int, changed: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
