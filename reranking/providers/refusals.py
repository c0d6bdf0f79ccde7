"""What a server means when it turns a request down: a code, and one sentence that says what to do."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reranking.providers.settings import key_variable, no_key, url_variable
from reranking.providers.waiting import LONGEST_WAIT, NO_CREDIT

if TYPE_CHECKING:
    from reranking.providers.connection import Connection

_TOO_LONG = re.compile(
    r"context_length_exceeded|context (length|window|size|limit)|prompt is too long|input is too long"
    r"|too many (input )?tokens|inputs\W* (tokens \+|must have less than)"
    r"|exceeds? the (maximum|model's) .{0,40}(length|tokens)|request_too_large",
    re.IGNORECASE,
)

_TOO_LARGE = re.compile(r"request too large|tokens must be reduced")

_LIMIT = re.compile(
    r"(?:maximum|limit(?:ed)?|allowed|available|only|n_ctx|context size|reads)[^\d>]{0,60}?(\d{2,9})\b"
    r"|(?:>|cannot exceed|must have less than)\s*(\d{2,9})\b",
    re.IGNORECASE,
)
_SIZE = re.compile(
    r"(?:resulted in|requested|requires|has|length|first|count|n_prompt_tokens|too long|received)\W{0,4}(\d{2,9})\b"
    r"|(\d{2,9})\s*(?:input |prompt |total )?tokens?\b|given: (\d{2,9})\b",
    re.IGNORECASE,
)
"""How long a prompt may be, and how long it is, in the words of servers."""

_WITH_THE_REPLY = (
    re.compile(r"(?P<size>\d{1,9}) \+ (?P<reply>\d{1,9}) > (?P<limit>\d{1,9})"),
    re.compile(
        r"must be <= (?P<limit>\d{1,9})\. Given: (?P<size>\d{1,9}) \W?inputs\W? tokens and (?P<reply>\d{1,9})",
        re.IGNORECASE,
    ),
)
"""Where a server counts what it may write as well."""

_NO_MODEL = re.compile(r"model_not_found|invalid model name|unknown model")

_KEY_REFUSED = re.compile(
    r"api[ _]key (is |has |was )?(not valid|invalid|expired|revoked)|api_key_invalid"
    r"|(invalid|incorrect|expired|revoked) (x-)?api[ _-]key"
)

_OF_THE_KEY = re.compile(r"\bkey\b|api.?key|permi(ssion|tted)|auth|credential|access token|have access|forbidden")
"""What a 403 speaks of that is about who asks, not about what is asked."""

_REFUSED = re.compile(
    r"content[ _]?filter|content[ _]?policy|content management policy|content exists risk|data_inspection_failed"
    r"|inappropriate content|requires moderation|moderation_blocked|guardrail"
    r"|(input|prompt|request|content) was flagged|flagged (as|for)\b"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a server said: its status, all its words in lower case, and those to show.

    `tries` is how often it was asked, `pause` the seconds that it asks to wait for.
    """

    status: int
    words: str
    quote: str
    tries: int = 1
    pause: float | None = None


def verdict(refusal: Refusal, connection: Connection, model: str) -> tuple[str, str]:
    """The code and the sentence for what a server said. `model` is the name that it was asked for."""
    status, words, quote, label = refusal.status, refusal.words, refusal.quote, connection.label
    if status == 401 or (status in {400, 403} and _KEY_REFUSED.search(words)):
        return _key_refused(connection, f"({status}).")
    if status == 402 or (status in {400, 403, 429} and NO_CREDIT.search(words)):
        return "no-credit", (
            f"{label} says that this account has no credit left ({status}). "
            "Check its plan and billing, or use another key."
        )
    if status == 404 or (status in {400, 403} and _NO_MODEL.search(words)):
        return "unknown-model", f"{label} does not know the model '{model}' ({status}). {_mend_name(connection, model)}"
    if status in {400, 403, 422, 451} and _REFUSED.search(words):
        return "refused", (
            f"{label} refused what it was shown ({status}): {quote} "
            "Check the query and the documents, or choose another model."
        )
    if status == 403 and (not words.strip() or _OF_THE_KEY.search(words)):
        return _key_refused(connection, f"({status}): {quote}", may_lack_rights=True)
    if status == 429 and _TOO_LARGE.search(words):  # for the rate, however long one waits
        return "context-too-long", (
            f"The prompt is longer than {label} allows in a minute ({status}). Show fewer documents at once, "
            "or less of each."
        )
    if status == 429:
        in_vain = "" if refusal.tries == 1 else f"; {refusal.tries} tries were not enough"
        return "rate-limit", f"{label} limits the rate{in_vain} ({status}). {_wait(refusal.pause)}"
    if status in {400, 413, 422} and (status == 413 or _TOO_LONG.search(words)):
        return "context-too-long", (
            f"The prompt is too long for '{model}' ({status}). Show fewer documents at once, or less of each."
        )
    if status == 408:
        return "timeout", f"{label} gave up waiting for the request (408). Try again later."
    if status >= 500:
        return "server", f"{label} failed ({status}): {quote} Try again later."
    fix = " Check what this connection may be used for." if status == 403 else ""
    return "bad-request", f"{label} turned the request down ({status}): {quote}{fix}"


def works_before_it_refuses(words: str) -> bool:
    """Whether a content filter refused, which looks at what a model is at work on: that may be charged for."""
    return re.search(r"content[ _]?(filter|management)", words) is not None


def share_that_fits(said: str) -> float | None:
    """The share of a prompt that a model reads, if the server's message tells its tokens and those of the model."""
    plain = re.sub(r"(?<=\d),(?=\d{3}\b)", "", said)
    for pattern in _WITH_THE_REPLY:
        found = pattern.search(plain)
        if found is not None:
            size, reply, limit = (int(found[name]) for name in ("size", "reply", "limit"))
            return (limit - reply) / size if 0 < limit - reply < size else None
    limits = [int(number) for found in _LIMIT.findall(plain) for number in found if number]
    sizes = [int(number) for found in _SIZE.findall(plain) for number in found if number]
    if not limits or not sizes or not 0 < min(limits) < max(sizes):
        return None
    return min(limits) / max(sizes)


def reach(connection: Connection) -> str:
    """What to do about a server that cannot be reached."""
    if connection.is_named:
        return "Start the server, or change the address of the connection."
    if connection.provider in {"openai-compatible", "rerank"}:
        return "Start the server, or check the address in the model's name."
    if connection.own:
        return "Check the network."
    return f"Start the server, or set {url_variable(connection.provider)}."


def _key_refused(connection: Connection, said: str, *, may_lack_rights: bool = False) -> tuple[str, str]:
    if connection.key is None:
        return "no-key", no_key(connection.provider, connection.base_url)
    if connection.key_source == "session":
        fix = "Enter it again under Key on Connections"
        also = ", or check what this key may use"
    else:
        where = " in .streamlit/secrets.toml" if connection.key_source == "secrets" else ""
        fix = f"Check {key_variable(connection.provider)}{where}"
        also = " and what this key may use"
    return "bad-key", f"{connection.label} refused the API key {said} {fix}{also if may_lack_rights else ''}."


def _mend_name(connection: Connection, model: str) -> str:
    if connection.provider == "ollama":
        return f"Run `ollama pull {model}`, or check the name."
    if connection.own:
        return "Check the name."
    return f"Check the name and the address {connection.base_url}."


def _wait(seconds: float | None) -> str:
    if seconds is None:
        pause = "a minute"
    elif seconds <= LONGEST_WAIT:
        pause = "a second" if seconds <= 1 else f"{math.ceil(seconds)} seconds"
    else:
        pause = f"{math.ceil(seconds / 60)} minutes"
    return f"Wait {pause}, or run fewer strategies at once."
