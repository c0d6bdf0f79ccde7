"""What models answer: one frozen value per kind of request, and its form as JSON.

Replies travel unchanged from provider to cache to strategy, so that a saved session is
its replies. Vectors are float32 arrays and keep their exact bits through JSON.
"""

from __future__ import annotations

import base64
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

Vector = NDArray[np.float32]

Finish = Literal["stop", "length", "refusal", "other"]
"""Why a text ended: `length` means cut off, `refusal` declined."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one call took. None means unknown, never zero.

    `model` is the model that answered, `sent` the parameters really sent, `raw` the reply as
    received, `cost_usd` the price of the call.
    """

    model: str = ""
    sent: Mapping[str, Any] = field(default_factory=dict)
    raw: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost_usd: float | None = None
    seconds: float | None = None
    retries: int = 0


NO_RECEIPT = Receipt()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, with the receipt of the call that gave it."""

    kind: ClassVar[str]
    receipt: Receipt = NO_RECEIPT


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Reply):
    """Answer to `Generate`."""

    kind: ClassVar[str] = "text"
    text: str
    finish: Finish = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices(Reply):
    """Answer to `Choose`: natural-log probability per choice, None where the model returned none.

    `by` is `generated` where the model has no log-probabilities and wrote its choice instead
    (then the chosen one has 0.0 and the others None). Where nothing was chosen, `finish` tells why
    the answer ended and `text` what it says instead; None if that is not known.
    """

    kind: ClassVar[str] = "choices"
    logprobs: tuple[float | None, ...]
    by: Literal["logprobs", "generated"] = "logprobs"
    finish: Finish = "stop"
    text: str | None = None

    @property
    def known(self) -> tuple[float | None, ...]:
        """The log-probabilities that can be reckoned with: minus infinity is None, as if not returned.

        A reply that holds anything else that is no finite number has none at all.
        """
        if any(value is not None and (math.isnan(value) or value == math.inf) for value in self.logprobs):
            return (None,) * len(self.logprobs)
        return tuple(None if value == -math.inf else value for value in self.logprobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLikelihood(Reply):
    """Answer to `Likelihood`: natural-log likelihood of the continuation, and its tokens."""

    kind: ClassVar[str] = "log-likelihood"
    logprob: float
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention(Reply):
    """Answer to `Attend`: per passage an array (heads, passage tokens) of mean query attention.

    `heads` names the rows, as (layer, head).
    """

    kind: ClassVar[str] = "attention"
    passages: tuple[Vector, ...]
    heads: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartedReply(Reply, ABC):
    """A reply with one part per text of the request."""

    @abstractmethod
    def part(self, position: int) -> Self:
        """The reply that one text alone would have got."""

    @abstractmethod
    def size(self) -> int:
        """How many texts the reply answers."""

    @classmethod
    @abstractmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """The reply to all texts, from the replies to each. `parts` must not be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores(PartedReply):
    """Answer to `Score`. `score_kind` says what the numbers are; `cut` which texts were truncated."""

    kind: ClassVar[str] = "scores"
    scores: tuple[float, ...]
    score_kind: str
    cut: tuple[bool, ...]

    @override
    def part(self, position: int) -> Scores:
        return replace(self, scores=(self.scores[position],), cut=(self.cut[position],))

    @override
    def size(self) -> int:
        return len(self.scores)

    @classmethod
    @override
    def joined(cls, parts: Sequence[Scores]) -> Scores:
        return replace(
            parts[0],
            scores=tuple(part.scores[0] for part in parts),
            cut=tuple(part.cut[0] for part in parts),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vectors(PartedReply):
    """Answer to `Embed`: one float32 vector (dimensions,) per text; `cut` marks truncated texts."""

    kind: ClassVar[str] = "vectors"
    vectors: tuple[Vector, ...]
    cut: tuple[bool, ...]

    @override
    def part(self, position: int) -> Vectors:
        return replace(self, vectors=(self.vectors[position],), cut=(self.cut[position],))

    @override
    def size(self) -> int:
        return len(self.vectors)

    @classmethod
    @override
    def joined(cls, parts: Sequence[Vectors]) -> Vectors:
        return replace(
            parts[0],
            vectors=tuple(part.vectors[0] for part in parts),
            cut=tuple(part.cut[0] for part in parts),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenVectors(PartedReply):
    """Answer to `EmbedTokens`: per text its tokens and an array (tokens, dimensions), L2-normalised."""

    kind: ClassVar[str] = "token-vectors"
    tokens: tuple[tuple[str, ...], ...]
    vectors: tuple[Vector, ...]
    cut: tuple[bool, ...]
    fallback: bool = False  # the token vectors of a bi-encoder, not of a late-interaction model

    @override
    def part(self, position: int) -> TokenVectors:
        return replace(
            self,
            tokens=(self.tokens[position],),
            vectors=(self.vectors[position],),
            cut=(self.cut[position],),
        )

    @override
    def size(self) -> int:
        return len(self.vectors)

    @classmethod
    @override
    def joined(cls, parts: Sequence[TokenVectors]) -> TokenVectors:
        return replace(
            parts[0],
            tokens=tuple(part.tokens[0] for part in parts),
            vectors=tuple(part.vectors[0] for part in parts),
            cut=tuple(part.cut[0] for part in parts),
        )


@dataclass(frozen=True, slots=True)
class Failed:
    """What a strategy receives in place of a reply when a request failed for good.

    `receipt` is there if a reply was received, and paid, that could not be used. `fits` is the
    share of a prompt that would not have been too long (`context-too-long`), if that is known.
    """

    code: str
    message: str
    raw: str = ""
    receipt: Receipt | None = None
    fits: float | None = None


REPLY_KINDS: dict[str, type[Reply]] = {
    cls.kind: cls for cls in (Text, Choices, LogLikelihood, Attention, Scores, Vectors, TokenVectors)
}


def reply_to_json(reply: Reply) -> dict[str, Any]:
    """A reply as JSON-able values; `reply_from_json` gives an equal reply back."""
    values = {item.name: _pack(getattr(reply, item.name)) for item in fields(reply) if item.name != "receipt"}
    receipt = {item.name: getattr(reply.receipt, item.name) for item in fields(Receipt)}
    return {"kind": reply.kind, **values, "receipt": receipt}


def reply_from_json(value: Mapping[str, Any]) -> Reply:
    """The reply that `reply_to_json` wrote. Raises KeyError for an unknown kind."""
    cls = REPLY_KINDS[value["kind"]]
    values = {key: _unpack(item) for key, item in value.items() if key not in {"kind", "receipt"}}
    return cls(**values, receipt=Receipt(**value["receipt"]))


def _pack(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value, dtype="<f4")
        return {"shape": list(array.shape), "f4": base64.b64encode(array.tobytes()).decode("ascii")}
    if isinstance(value, tuple):
        return [_pack(item) for item in value]
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, dict) and "f4" in value:
        return np.frombuffer(base64.b64decode(value["f4"]), dtype="<f4").reshape(value["shape"])
    if isinstance(value, list):
        return tuple(_unpack(item) for item in value)
    return value
