"""What went wrong on the way to a hosted model, in one sentence that says what to do.

Messages of servers are passed on without keys: servers echo the key they were sent.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reranking.models import ModelError
from reranking.providers.settings import key_variable, no_key, url_variable

if TYPE_CHECKING:
    from reranking.providers.connection import Connection

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
    if "APITimeoutError" in names and type(error.__cause__).__name__ != "ConnectTimeout":
        tries = _tries(error)
        message = (
            f"{connection.label} did not answer within {connection.timeout:g} seconds ({tries} "
            f"{'try' if tries == 1 else 'tries'}). Try again later, or show fewer documents per request."
        )
        return Problem(ModelError("timeout", message))
    if "APIConnectionError" in names:
        return Problem(ModelError("connection", f"No connection to {connection.place}. {_reach(connection)}"))
    return Problem(ModelError("internal", f"The client for {connection.label} failed with {type(error).__name__}."))


def _status_problem(error: Any, connection: Connection, model: str) -> Problem:
    status, body = int(error.status_code), error.body
    said = scrub(_said(body), connection.key)
    quote = _shortened(said)
    words = f"{_field(body, 'param')} {_field(body, 'code')} {said}".lower()
    code, message = _verdict(status, words, quote, error, connection, model)
    raw = scrub(error.response.text, connection.key)
    return Problem(ModelError(code, message, raw), status, words)


def _verdict(status: int, words: str, quote: str, error: Any, connection: Connection, model: str) -> tuple[str, str]:
    label, variable = connection.label, key_variable(connection.provider)
    if status == 401 and connection.key is None:
        return "no-key", no_key(connection.provider)
    if status == 401:
        return "bad-key", f"{label} refused the API key (401). Check {variable}."
    if status == 404 or (status == 400 and _NO_MODEL.search(words)):
        return "unknown-model", f"{label} does not know the model '{model}' ({status}). {_mend_name(connection, model)}"
    if status == 403:
        return "bad-key", f"{label} refused the API key (403): {quote} Check {variable} and what this key may use."
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
    seconds = error.response.headers.get("retry-after", "")
    pause = f"Wait {seconds} seconds" if seconds.isdigit() else "Wait a minute"
    return f"{pause}, or run fewer strategies at once."


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
