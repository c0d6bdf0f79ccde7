"""What went wrong on the way to a hosted model, in one sentence that says what to do.

Messages of servers are passed on without keys: servers echo the key they were sent.
"""

from __future__ import annotations

import html
import json
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reranking.models import ModelError
from reranking.providers.refusals import Refusal, reach, share_that_fits, verdict, works_before_it_refuses
from reranking.providers.told import may_have_worked, status_told
from reranking.providers.waiting import retry_after
from reranking.replies import Receipt
from reranking.wording import RAISE_THE_LIMIT

if TYPE_CHECKING:
    from reranking.providers.connection import Connection

UNKNOWN = Receipt()
"""The receipt of a request that was sent and not answered: the server may charge for it."""

LONGEST_QUOTE = 300
"""Characters of a server's message that are shown."""

SECRET_LENGTH = 12
"""Shorter keys are placeholders (`EMPTY`, `ollama`) that may stand in any text."""

# Keys by their look, also half hidden by asterisks.
_KEYS = re.compile(r"\bsk-[\w*.-]{6,}|\b\w{2,12}\*{3,}\w*|(?<=Bearer )[\w*.~+/=-]{6,}")

_PLAIN = re.compile(r"[\w.~-]+", re.ASCII)
"""The parts of a key that no server escapes when it repeats them."""

_ECHO = re.compile(r"""['"]input['"]: """)
"""Before what some servers repeat of a request: not their own words."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A call that failed: the error to report, and what the server said (`words`, lower case)."""

    error: ModelError
    status: int | None = None
    words: str = ""
    seconds: float = 0.0

    def refuses(self, *features: str) -> bool:
        """Tell whether the server turned the request down and its message names one of `features`."""
        return self.status in {400, 403, 422} and any(feature in self.words for feature in features)


def scrub(text: str, key: str | None) -> str:
    """`text` without `key` and without anything that looks like a key."""
    if key and len(key) > 3:  # less is no secret, and would be found inside of words
        text = _without(key, text)
    return _KEYS.sub("[key]", text)


def scrub_reply(text: str, key: str | None) -> str:
    """A reply without `key`; the rest stays as received, for a document may hold what looks like a key."""
    return _without(key, text) if key and len(key) >= SECRET_LENGTH else text


def _without(key: str, text: str) -> str:
    """`text` without `key`, however a server escapes it in JSON, in an address or on a page."""
    plain = _PLAIN.findall(key)
    if max(plain, key=len, default="") not in text:
        return text
    return text.replace(key, "[key]") if plain == [key] else re.sub(_spellings(key), "[key]", text)


def _spellings(key: str) -> str:
    """A pattern for `key` with each of its characters as it is, or escaped."""
    found = []
    for character in key:
        literal, number = re.escape(character), ord(character)
        if not _PLAIN.fullmatch(character):
            page = rf"{re.escape(html.escape(character))}|&#0*{number};|(?i:&#x0*{number:x};)"
            literal = rf"(?:{page}|(?i:\\+u00{number:02x}|%{number:02x})|\\*{literal})"
        found.append(literal)
    return "".join(found)


def explain(error: Exception, connection: Connection, model: str) -> Problem:
    """The problem behind an exception of an SDK. `model` is the name that the server was asked for."""
    names = {cls.__name__ for cls in type(error).__mro__}
    if "APIStatusError" in names:
        return _status_problem(error, connection, model)
    causes = list(_causes(error))
    if "APITimeoutError" in names and not _is_among(causes, "ConnectTimeout"):
        message = (
            f"{connection.label} did not answer within {connection.timeout:g} seconds ({_counted(_tries(error))}). "
            "Try again later, or show fewer documents per request."
        )
        return Problem(ModelError("timeout", message, receipt=UNKNOWN))
    if "APIConnectionError" in names:
        return Problem(_unconnected(error, causes, connection))
    return Problem(ModelError("internal", f"The client for {connection.label} failed with {type(error).__name__}."))


def took_too_long(connection: Connection) -> ModelError:
    """The error for a call that was not over, with all its tries, when there was no time left for it."""
    message = (
        f"{connection.label} gave no complete reply within {connection.total:g} seconds, for all tries together. "
        "Try again later, or show fewer documents per request."
    )
    return ModelError("timeout", message, receipt=UNKNOWN)


def no_more_tries(connection: Connection) -> ModelError:
    """The error for a call that nothing came back from, and that must not be made again."""
    message = (
        f"{connection.label} gave no complete reply, and what is left of the spending limit is not enough to ask "
        f"again. {RAISE_THE_LIMIT}"
    )
    return ModelError("timeout", message, receipt=UNKNOWN)


def _unconnected(error: Exception, causes: list[BaseException], connection: Connection) -> ModelError:
    """The error for a connection that did not come about, or was broken off."""
    host = urlsplit(connection.base_url).hostname
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return _never_reached(f"There is no host '{host}', or no network to find it by. {reach(connection)}")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        message = f"No secure connection to {connection.place}. Check its certificate, and whether it is https or http."
        return _never_reached(message)
    if _is_among(causes, "ConnectError", "ConnectTimeout"):
        return _never_reached(f"No connection to {connection.place}. {reach(connection)}")
    tries = _counted(_tries(error))
    message = f"{connection.label} broke off the connection before its reply was complete ({tries}). Try again later."
    return ModelError("connection", message, receipt=UNKNOWN)


def _never_reached(message: str) -> ModelError:
    """The error for a server that no request got to, so that it cannot charge for one."""
    return ModelError("connection", message)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what led to it."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _is_among(causes: list[BaseException], *names: str) -> bool:
    return any(type(cause).__name__ in names for cause in causes)


def _counted(tries: int) -> str:
    return f"{tries} {'try' if tries == 1 else 'tries'}"


def _status_problem(error: Any, connection: Connection, model: str) -> Problem:
    pause = retry_after(error.response.headers)
    found = _refusal(int(error.status_code), error.body, connection, _tries(error.response), pause)
    raw = scrub(error.response.text, connection.key)
    judged = _judged(found, raw, connection, model)
    if may_have_worked(error.response):
        judged.receipt = UNKNOWN
    return Problem(judged, found.status, found.words)


def _refusal(status: int, body: Any, connection: Connection, tries: int = 1, pause: float | None = None) -> Refusal:
    said = scrub(_said(body), connection.key)
    fields = " ".join(_field(body, name) for name in ("param", "code", "type"))
    words = f"{fields} {_ECHO.split(said)[0]}".lower()
    return Refusal(status, words, _shortened(said), tries, pause)


def _judged(found: Refusal, raw: str, connection: Connection, model: str) -> ModelError:
    code, message = verdict(found, connection, model)
    fits = share_that_fits(raw) if code == "context-too-long" else None
    receipt = UNKNOWN if code == "refused" and works_before_it_refuses(found.words) else None
    return ModelError(code, message, raw, receipt, fits)


def unreadable(text: str, connection: Connection, model: str, receipt: Receipt) -> ModelError:
    """The error for what came with a status of success and is no reply; what the server says in it is passed on."""
    try:
        told = told_in_reply(json.loads(text), text, connection, model, receipt)
    except ValueError:
        told = None
    if told is not None:
        return told
    message = f"{connection.label} sent something that is not a reply. Check the address {connection.base_url}."
    return ModelError("bad-reply", message, text, receipt)


def told_in_reply(body: Any, text: str, connection: Connection, model: str, receipt: Receipt) -> ModelError | None:
    """The error that a body reports under `error` in spite of a status of success; None if it reports none."""
    inner = body.get("error") if isinstance(body, dict) else None
    if not inner:
        return None
    status = status_told(inner)
    found = _refusal(400 if status is None else status, body, connection)
    error = _judged(found, text, connection, model)
    if error.code == "bad-request" and status is None:
        message = f"{connection.label} sent an error: {found.quote} Check the address {connection.base_url}."
        error = ModelError("bad-reply", message, text)
    error.receipt = receipt
    return error


def _tries(error: Any) -> int:
    taken = error.request.headers.get("x-stainless-retry-count", "0")
    return int(taken) + 1 if taken.isdigit() else 1


def _said(body: Any) -> str:
    """The message in an error's body, whose shape differs from server to server."""
    if isinstance(body, str):
        return body
    if isinstance(body, dict):
        for name in ("error", "message", "detail"):
            if body.get(name):
                return _said(body[name])
    if isinstance(body, list):
        if len(body) == 1 and isinstance(body[0], dict) and "error" in body[0]:
            return _said(body[0])
        body = [_without_echo(entry) for entry in body]
    return json.dumps(body, ensure_ascii=False) if body else ""


def _without_echo(entry: Any) -> Any:
    """`entry` of a list of what is wrong with a request, without what it repeats of the request."""
    return {name: entry[name] for name in entry if name != "input"} if isinstance(entry, dict) else entry


def _field(body: Any, name: str) -> str:
    inner = body.get("error", body) if isinstance(body, dict) else None
    value = inner.get(name) if isinstance(inner, dict) else None
    return value if isinstance(value, str) else ""


def _shortened(text: str) -> str:
    line = " ".join(re.sub(r"<[^>]*>", " ", text).split())
    if not line:
        return "no reason given."
    if len(line) > LONGEST_QUOTE:
        line = line[:LONGEST_QUOTE].rstrip() + "…"
    return line if line[-1] in ".!?…" else f"{line}."
