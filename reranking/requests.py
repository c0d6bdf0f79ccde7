"""What may be asked of a model: one small frozen value per kind of question.

A request names its model, says what it is for (`task`) and which candidates it shows
(`shown`, original positions in the order of the prompt). Its `content()` is everything that
decides the answer; two requests with equal content to the same model are the same request.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from typing_extensions import override

if TYPE_CHECKING:
    from reranking.models import ModelRef

Role = Literal["system", "user"]


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message. Document text is only ever part of a `user` message's text."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(ABC):
    """A question to a model.

    `task` is what the question is for: `grade`, `order`, `pick`, `yes-no`, `score`, `embed`, ...
    `shown` holds the original positions of the candidates in the order the prompt shows them.
    Neither is part of the content. `nonce`, set by the gateway, keeps repetitions apart.
    """

    kind: ClassVar[str]
    model: ModelRef
    task: str
    shown: tuple[int, ...] = ()
    nonce: str | None = None

    @abstractmethod
    def content(self) -> Any:
        """Everything that decides the answer besides the model: JSON-able."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generate(Request):
    """Write a text. Reply: `Text`.

    `schema` is a JSON schema as canonical JSON text (see `schema_text`) or None for free text.
    """

    kind: ClassVar[str] = "generate"
    messages: tuple[Message, ...]
    schema: str | None = None
    max_output_tokens: int = 1024

    @override
    def content(self) -> Any:
        return [_pairs(self.messages), self.schema, self.max_output_tokens]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choose(Request):
    """Give the log-probability that the answer begins with each of `choices`. Reply: `Choices`."""

    kind: ClassVar[str] = "choose"
    messages: tuple[Message, ...]
    choices: tuple[str, ...]

    @override
    def content(self) -> Any:
        return [_pairs(self.messages), self.choices]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood(Request):
    """Give the log-likelihood of `continuation` as the answer to `messages`. Reply: `LogLikelihood`."""

    kind: ClassVar[str] = "likelihood"
    messages: tuple[Message, ...]
    continuation: str

    @override
    def content(self) -> Any:
        return [_pairs(self.messages), self.continuation]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an attention prompt: `label` is `context`, `passage` or `query`."""

    label: Literal["context", "passage", "query"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attend(Request):
    """Give the attention from the query's tokens to each passage token. Reply: `Attention`."""

    kind: ClassVar[str] = "attend"
    pieces: tuple[Piece, ...]

    @override
    def content(self) -> Any:
        return [[piece.label, piece.text] for piece in self.pieces]


@dataclass(frozen=True, slots=True, kw_only=True)
class PerText(Request):
    """A request whose reply holds one part per text; cached per text, so only new texts are sent."""

    texts: tuple[str, ...]

    def only(self, positions: Sequence[int]) -> Self:
        """The same request for the texts at `positions` (0-based, in that order)."""
        shown = tuple(self.shown[at] for at in positions) if len(self.shown) == len(self.texts) else self.shown
        return replace(self, texts=tuple(self.texts[at] for at in positions), shown=shown)

    @abstractmethod
    def content_of(self, position: int) -> Any:
        """The content that decides the part of the reply for one text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(PerText):
    """Score each text for the query. Reply: `Scores`."""

    kind: ClassVar[str] = "score"
    query: str

    @override
    def content(self) -> Any:
        return [self.query, self.texts]

    @override
    def content_of(self, position: int) -> Any:
        return [self.query, self.texts[position]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed(PerText):
    """One vector per text, read as a `query` or a `document`. Reply: `Vectors`."""

    kind: ClassVar[str] = "embed"
    role: Literal["query", "document"]

    @override
    def content(self) -> Any:
        return [self.role, self.texts]

    @override
    def content_of(self, position: int) -> Any:
        return [self.role, self.texts[position]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedTokens(PerText):
    """One vector per token of each text. Reply: `TokenVectors`."""

    kind: ClassVar[str] = "embed-tokens"
    role: Literal["query", "document"]

    @override
    def content(self) -> Any:
        return [self.role, self.texts]

    @override
    def content_of(self, position: int) -> Any:
        return [self.role, self.texts[position]]


KINDS: dict[str, type[Request]] = {
    cls.kind: cls for cls in (Generate, Choose, Likelihood, Attend, Score, Embed, EmbedTokens)
}


def schema_text(schema: dict[str, Any]) -> str:
    """A JSON schema as canonical text, so that requests stay hashable and equal ones look equal."""
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _pairs(messages: Sequence[Message]) -> list[list[str]]:
    return [[message.role, message.text] for message in messages]
