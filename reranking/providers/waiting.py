"""How long is waited before a hosted model is asked again, and when all tries must be over.

The SDKs try again by themselves and keep to the server's `Retry-After`. A request that waits
keeps its seat in the line of its connection: a server that says "later" says so to all, and
fewer at once is what it asks for. For a pause that nobody would sit through, or that would end
after the time for all tries, it is not waited at all.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from email.utils import mktime_tz, parsedate_tz
from typing import Any

LONGEST_WAIT = 120.0
"""Seconds. A server that asks for a longer pause is not asked again."""

_end: ContextVar[float | None] = ContextVar("end of all tries", default=None)


@contextmanager
def tries_until(end: float) -> Iterator[None]:
    """Within the block no pause begins that ends after `end` (on `time.monotonic`)."""
    token = _end.set(end)
    try:
        yield
    finally:
        _end.reset(token)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The pause in seconds that a server asks for, as a number or as a date; None if it names none."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers[name]) / unit
        except (KeyError, ValueError):
            continue
        return max(0.0, seconds) if math.isfinite(seconds) else None
    date = parsedate_tz(headers.get("retry-after", ""))
    if date is None:
        return None
    try:
        return max(0.0, mktime_tz(date) - time.time())
    except (OverflowError, ValueError):
        return None


def listen(client: Any) -> Any:
    """`client`, an HTTP client for an SDK, which from now on tells the SDK not to wait for too long pauses."""
    client.event_hooks = {**client.event_hooks, "response": [*client.event_hooks.get("response", ()), _judge]}
    return client


async def _judge(response: Any) -> None:
    if response.status_code < 400:
        return
    wait, end = retry_after(response.headers) or 0.0, _end.get()
    if wait > LONGEST_WAIT or (end is not None and time.monotonic() + wait >= end):
        response.headers["x-should-retry"] = "false"
