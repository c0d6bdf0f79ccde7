"""What went wrong on the way to a hosted model, in one sentence that says what to do.

Messages of servers are passed on without keys: servers echo the key they were sent.
"""

from __future__ import annotations

import json
import math
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reranking.models import ModelError
from reranking.providers.settings import key_variable, no_key, url_variable
from reranking.providers.waiting import LONGEST_WAIT, retry_after
from reranking.replies import Receipt

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

_TOO_LONG = re.compile(
    r"context_length_exceeded|context (length|window|size)|prompt is too long|input is too long|too many input tokens"
    r"|exceeds? the (maximum|model's) .{0,40}(length|tokens)|request_too_large",
    re.IGNORECASE,
)

_TOO_LARGE = re.compile(r"request too large|tokens must be reduced")

_LIMIT = re.compile(
    r"(?:maximum|limit(?:ed)?|allowed|available|only|n_ctx|context size|reads)[^\d>]{0,60}?(\d{2,9})\b"
    r"|>\s*(\d{2,9})\b",
    re.IGNORECASE,
)
_SIZE = re.compile(
    r"(?:resulted in|requested|requires|has|length|first|count|n_prompt_tokens|too long)\W{0,4}(\d{2,9})\b"
    r"|(\d{2,9})\s*(?:input |prompt |total )?tokens?\b",
    re.IGNORECASE,
)
"""How long a prompt may be, and how long it is, in the words of servers."""

_NO_MODEL = re.compile(r"model_not_found|invalid model name|unknown model")


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
        text = text.replace(key, "[key]")
    return _KEYS.sub("[key]", text)


def scrub_reply(text: str, key: str | None) -> str:
    """A reply without `key`; the rest stays as received, for a document may hold what looks like a key."""
    return text.replace(key, "[key]") if key and len(key) >= SECRET_LENGTH else text


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


def _unconnected(error: Exception, causes: list[BaseException], connection: Connection) -> ModelError:
    """The error for a connection that did not come about, or was broken off."""
    host = urlsplit(connection.base_url).hostname
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return _never_reached(f"There is no host '{host}', or no network to find it by. {_reach(connection)}")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        message = f"No secure connection to {connection.place}. Check its certificate, and whether it is https or http."
        return _never_reached(message)
    if _is_among(causes, "ConnectError", "ConnectTimeout"):
        return _never_reached(f"No connection to {connection.place}. {_reach(connection)}")
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
    status, body = int(error.status_code), error.body
    said = scrub(_said(body), connection.key)
    quote = _shortened(said)
    words = f"{_field(body, 'param')} {_field(body, 'code')} {said}".lower()
    code, message = _verdict(status, words, quote, error, connection, model)
    raw = scrub(error.response.text, connection.key)
    fits = share_that_fits(raw) if code == "context-too-long" else None
    return Problem(ModelError(code, message, raw, fits=fits), status, words)


def _verdict(status: int, words: str, quote: str, error: Any, connection: Connection, model: str) -> tuple[str, str]:
    label, variable = connection.label, key_variable(connection.provider)
    if status == 401 and connection.key is None:
        return "no-key", no_key(connection.provider, connection.base_url)
    if status == 401:
        return "bad-key", f"{label} refused the API key (401). Check {variable}."
    if status == 404 or (status == 400 and _NO_MODEL.search(words)):
        return "unknown-model", f"{label} does not know the model '{model}' ({status}). {_mend_name(connection, model)}"
    if status == 403:
        return "bad-key", f"{label} refused the API key (403): {quote} Check {variable} and what this key may use."
    if status == 429 and _TOO_LARGE.search(words):  # for the rate, however long one waits
        return "context-too-long", (
            f"The prompt is longer than {label} allows in a minute ({status}). Show fewer documents at once, "
            "or less of each."
        )
    if status == 429 and "insufficient_quota" in words:
        return "rate-limit", f"{label} says that the quota of this key is used up (429). Check its plan and billing."
    if status == 429:
        return "rate-limit", f"{label} limits the rate{_in_vain(error)} (429). {_wait(error)}"
    if status in {400, 413, 422} and (status == 413 or _TOO_LONG.search(words)):
        return "context-too-long", (
            f"The prompt is too long for '{model}' ({status}). Show fewer documents at once, or less of each."
        )
    if status == 408:
        return "timeout", f"{label} gave up waiting for the request (408). Try again later."
    if status >= 500:
        return "server", f"{label} failed ({status}): {quote} Try again later."
    return "bad-request", f"{label} turned the request down ({status}): {quote}"


def _mend_name(connection: Connection, model: str) -> str:
    if connection.provider == "ollama":
        return f"Run `ollama pull {model}`, or check the name."
    if connection.own:
        return "Check the name."
    return f"Check the name and the address {connection.base_url}."


def _reach(connection: Connection) -> str:
    if connection.is_named:
        return "Start the server, or change the address of the connection."
    if connection.provider in {"openai-compatible", "rerank"}:
        return "Start the server, or check the address in the model's name."
    if connection.own:
        return "Check the network."
    return f"Start the server, or set {url_variable(connection.provider)}."


def _tries(error: Any) -> int:
    taken = error.request.headers.get("x-stainless-retry-count", "0")
    return int(taken) + 1 if taken.isdigit() else 1


def _in_vain(error: Any) -> str:
    tries = _tries(error.response)
    return "" if tries == 1 else f"; {tries} tries were not enough"


def _wait(error: Any) -> str:
    seconds = retry_after(error.response.headers)
    if seconds is None:
        pause = "a minute"
    elif seconds <= LONGEST_WAIT:
        pause = "a second" if seconds <= 1 else f"{math.ceil(seconds)} seconds"
    else:
        pause = f"{math.ceil(seconds / 60)} minutes"
    return f"Wait {pause}, or run fewer strategies at once."


def share_that_fits(said: str) -> float | None:
    """The share of a prompt that a model reads, if the server's message tells its tokens and those of the model."""
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", said)
    limits = [int(number) for found in _LIMIT.findall(plain) for number in found if number]
    sizes = [int(number) for found in _SIZE.findall(plain) for number in found if number]
    if not limits or not sizes or not 0 < min(limits) < max(sizes):
        return None
    return min(limits) / max(sizes)


def _said(body: Any) -> str:
    """The message in an error's body, whose shape differs from server to server."""
    if isinstance(body, str):
        return body
    if isinstance(body, dict):
        for name in ("error", "message", "detail"):
            if body.get(name):
                return _said(body[name])
    return json.dumps(body, ensure_ascii=False) if body else ""


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
