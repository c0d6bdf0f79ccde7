"""What a test found out about a model: which questions it answers, and which parameters it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

SchemaUse = Literal["enforced", "accepted", "refused", "unknown"]
"""A JSON schema: it binds the reply; it is taken and passed over; it is turned down."""

ParameterUse = Literal["accepted", "refused", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a model did when it was tested.

    `place` is where it was asked, `at` when, in seconds since the epoch. `answers` holds kinds of
    request (`generate`, `choose`, ...), `empty` those to which nothing but empty replies came.
    `answered_by` is what the server calls the model. `logprobs` is how many alternatives of a token it
    tells, 0 for none, and `fewest` the fewest tokens that a reply may be limited to for that. `limit` is
    the name of the parameter that bounds the reply, `context` the longest prompt and reply in tokens,
    None where nobody says. `dialect` and `path` are those of a rerank endpoint. `problem` says why it
    did not answer. `requests` is how many were sent to it, refused ones included where that is known.
    """

    place: str
    at: float
    answers: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    answered_by: str = ""
    schema: SchemaUse = "unknown"
    logprobs: int | None = None
    prompt_logprobs: bool | None = None
    temperature: ParameterUse = "unknown"
    limit: str = ""
    fewest: int | None = None
    context: int | None = None
    dialect: str = ""
    path: str = ""
    problem: str = ""
    requests: int = 0

    def to_json(self) -> dict[str, Any]:
        """The findings as JSON-able values."""
        return asdict(self)


def abilities_from_json(value: Mapping[str, Any]) -> Abilities:
    """What `Abilities.to_json` gave. What a newer version added is left out."""
    known = {name: value[name] for name in Abilities.__dataclass_fields__ if name in value}
    kinds = {name: tuple(known.get(name, ())) for name in ("answers", "empty")}
    return Abilities(**{**known, **kinds})
