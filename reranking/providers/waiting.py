"""How long is waited before a hosted model is asked again, and when all tries must be over.

The SDKs try again by themselves and keep to the server's `Retry-After`. Each try counts as a
request of its minute, and waits where the connection's rate is used up. A request that waits
keeps its seat in the line of its connection: a server that says "later" says so to all, and
fewer at once is what it asks for. For a pause that nobody would sit through, or that would end
after the time for all tries, it is not waited at all, nor for an account to be topped up.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from email.utils import mktime_tz, parsedate_tz
from typing import Any

from reranking.models import pauses, tries
from reranking.providers.told import take_at_its_word

LONGEST_WAIT = 120.0
"""Seconds. A server that asks for a longer pause is not asked again."""

NO_CREDIT = re.compile(
    r"insufficient_quota|exceeded_current_quota_error|insufficient (credits?|balance|funds|quota)"
    r"|credit balance is too low|api usage limits|used all available credits|not have any credits"
    r"|budget has been exceeded"
)
"""How servers say, in lower case, that an account has nothing left to pay with. Some say it with a 429.

"Exceeded your current quota" alone is no sign of it: it is also said of the quota of a minute.
"""

_within: ContextVar[asyncio.Timeout | None] = ContextVar("time for all tries", default=None)


@contextmanager
def tries_within(limit: asyncio.Timeout) -> Iterator[None]:
    """Within the block no pause begins that a server asks for and that ends after `limit`.

    What a try waits for the connection's rate is added to `limit`: the server is not to blame for it.
    """
    token = _within.set(limit)
    try:
        yield
    finally:
        _within.reset(token)


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
    """`client`, an HTTP client for an SDK, which from now on keeps each try to the connection's rate.

    It also tells the SDK to ask again after a failure that a reply reports, and not where that is in vain,
    and notes what the failure was.
    """
    hooks = client.event_hooks
    client.event_hooks = {
        **hooks,
        "request": [*hooks.get("request", ()), _keep_to_the_rate],
        "response": [*hooks.get("response", ()), take_at_its_word, _judge],
    }
    return client


async def _keep_to_the_rate(_: Any) -> None:
    pause_of_next_try = pauses.get()
    seconds = 0.0 if pause_of_next_try is None else pause_of_next_try()
    if seconds:
        limit = _within.get()
        end = None if limit is None else limit.when()
        if limit is not None and end is not None:
            limit.reschedule(end + seconds)
        await asyncio.sleep(seconds)


async def _judge(response: Any) -> None:
    if response.status_code < 400:
        return
    now = tries.get()
    if now is not None:
        now.meet("rate limit" if response.status_code == 429 else f"error {response.status_code}")
    limit = _within.get()
    wait, end = retry_after(response.headers) or 0.0, None if limit is None else limit.when()
    if wait > LONGEST_WAIT or (end is not None and asyncio.get_running_loop().time() + wait >= end):
        response.headers["x-should-retry"] = "false"
    elif response.status_code == 429:
        await response.aread()
        if NO_CREDIT.search(response.text.lower()):
            response.headers["x-should-retry"] = "false"
