"""Errors that servers report in the body of a reply with a status of success.

Routers do so when the server behind them fails. Such a reply states a status of its own.
"""

from __future__ import annotations

import json
from typing import Any

from reranking.models import tries

_REPLIES = ("choices", "content", "results", "data", "usage", "meta")
"""What the body of a reply holds, or says that it took; one that has any of it is read as a reply."""

_TYPES = {"rate_limit_error": 429, "api_error": 500, "timeout_error": 504, "overloaded_error": 529}
"""The statuses of Anthropic's types of errors that may pass."""

_WORKED = "rerank_lens_worked"
"""Marks a response, in its extensions."""

_LONGEST = 65_536
"""Bytes. What is longer is no error alone, and would take long to read twice."""

_PASSING = {408, 429, *range(500, 600)}
"""What another try may mend."""


def status_told(inner: Any) -> int | None:
    """The HTTP status that an error states for itself; None if it states none."""
    if not isinstance(inner, dict):
        return None
    for name in ("code", "status"):
        value = str(inner.get(name))
        if len(value) == 3 and value.isdecimal() and 400 <= int(value) < 600:
            return int(value)
    return _TYPES.get(str(inner.get("type")))


async def take_at_its_word(response: Any) -> None:
    """Give a response whose body reports a failure that may pass the status that it reports.

    An SDK then tries again. What a server failed at after it had said that it would go well may
    have been worked for, and be charged for: each such try counts like one that nothing came back from.
    """
    if response.status_code != 200:
        return
    await response.aread()
    status = _passing(response.content)
    if status is None:
        return
    response.status_code = status
    if status == 429:
        return
    response.extensions[_WORKED] = True
    now = tries.get()
    if now is not None:
        now.is_open = True


def may_have_worked(response: Any) -> bool:
    """Whether a response that reports a failure had a status of success at first."""
    return _WORKED in response.extensions


def _passing(content: bytes) -> int | None:
    """The status of a failure that may pass, if a body reports one instead of a reply."""
    if len(content) > _LONGEST or b'"error"' not in content:  # within a text the quotes would be escaped
        return None
    try:
        body = json.loads(content)
    except ValueError:
        return None
    if not isinstance(body, dict) or any(body.get(name) for name in _REPLIES):
        return None
    status = status_told(body.get("error"))
    return status if status in _PASSING else None
