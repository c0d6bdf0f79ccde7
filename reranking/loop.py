"""The one event loop of the process, on a thread of its own.

Model clients, locks and flights belong to a loop; with one loop they are shared by every
screen, script and notebook of the process.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def background() -> asyncio.AbstractEventLoop:
    """The loop, started on first use."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="rerank-lens-loop", daemon=True).start()
        return _loop


def submit(work: Coroutine[Any, Any, Result]) -> Future[Result]:
    """Start `work` on the loop. Cancelling the future cancels the work."""
    return asyncio.run_coroutine_threadsafe(work, background())


def wait_for(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work` on the loop and return its result. Not to be called on the loop itself.

    An interruption (Ctrl+C) cancels the work.
    """
    future = submit(work)
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise
