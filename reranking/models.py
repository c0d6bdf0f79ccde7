"""What a model is, and how it says that it cannot answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from reranking.documents import Document
    from reranking.replies import Receipt, Reply
    from reranking.requests import Request


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a request is going to cost, in US dollars.

    `input` is for what is sent, from its length (approximate), `output` for as much as may come
    back, also from calls that may have to follow. `most` is on the safe side: it counts with more
    tokens than such texts have, and with sending them again.
    """

    input: float
    output: float
    most: float


FREE = Predicted(0.0, 0.0, 0.0)
"""What a request to a model on this machine costs."""


@runtime_checkable
class Model(Protocol):
    """Anything that answers requests.

    Optional attributes, read with a default:

    - `fingerprint: str` - connection URL, name and revision; without it nothing is cached.
    - `connection: str` - what shares one concurrency limit (default: the model's name).
    - `concurrency: int` - requests at once on that connection (default 16).
    - `per_minute: int | None` - requests that begin there in any minute (default None: any number).
    - `limits_as_of: int` - the higher, the later these two were set (default 0). Of models that share
      a connection those with the highest count, and where they differ the smallest numbers hold.
    - `reads_shown: bool` - the answer depends on `shown` (simulated models, oracles).
    - `joint: bool` - the texts of one `Score` or `Embed` influence each other.
    - `deterministic: bool` - the same request gives the same reply each time.
    - `predicted(request) -> Predicted | None` - what the request is going to cost (default: None, unknown).
    - `paid: bool` - somebody charges for its calls, whether or not the price is known.
    - `note: str` - what must be known before it is trusted, such as `embedded (weak)`.
    - `about(query, documents)` - the same model, told what its `shown` positions refer to.
    """

    @property
    def name(self) -> str:
        """What people call it, such as `openai:gpt-5-mini`."""
        ...

    @property
    def answers(self) -> frozenset[type[Request]]:
        """The kinds of request that it answers."""
        ...

    async def answer(self, request: Request) -> Reply:
        """Answer `request`, or raise ModelError."""
        ...


@runtime_checkable
class NeedsDocuments(Protocol):
    """A model that must know the documents behind the positions in `shown`."""

    def about(self, query: str, documents: Sequence[Document]) -> Model:
        """The same model for this query and these documents, in original order."""
        ...


pauses: ContextVar[Callable[[], float] | None] = ContextVar("pauses", default=None)
"""While a model answers: how long to wait before a try; None if that need not be asked.

A model that asks its server several times for one answer, because a try failed or the server takes
the request in another form only, calls it before each time and waits for as long as it says, so
that each counts as a request of that minute.
"""

ModelRef = Model | str


def model_name(ref: ModelRef) -> str:
    """The name of a model given as a name or as an object."""
    return ref if isinstance(ref, str) else ref.name


class ModelError(Exception):
    """A model could not answer.

    `code` is one of `no-key`, `bad-key`, `unknown-model`, `not-installed`, `cannot-answer`,
    `rate-limit`, `timeout`, `connection`, `server`, `bad-request`, `context-too-long`,
    `refused`, `bad-reply`, `internal`. The message is one plain sentence that says what to do;
    it never contains a key. `receipt` tells what was paid for a reply that could not be used.
    `fits` is the share of the prompt's tokens that the model reads, where it says how many too
    many they are.
    """

    def __init__(
        self, code: str, message: str, raw: str = "", receipt: Receipt | None = None, fits: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.raw = raw
        self.receipt = receipt
        self.fits = fits
