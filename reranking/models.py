"""What a model is, and how it says that it cannot answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from reranking.documents import Document
    from reranking.replies import Receipt, Reply
    from reranking.requests import Request


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a request is going to cost, in US dollars.

    `input` is for what is sent, from its length (approximate), `output` for as much as may come
    back, also from calls that may have to follow. `most` is on the safe side: it counts with more
    tokens than such texts have. What is sent again because nothing came back may cost as much once more.
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


class Tries:
    """What a model has done so far for one answer. Kept by those that ask over a network.

    `sent` are the parameters that were sent last, `retries` how often a request was sent once
    more, and `received` is the receipt of replies that came in full on the way to the answer.
    `is_open` says that the last try left and that nothing has come back from it, so that the
    server may charge for it; `lost` counts those that another try followed. `again`, if it is
    there, says whether such a one may follow. `on_trouble` is called with what a try met with, in
    two words or three, and with nothing once another call begins.
    """

    __slots__ = ("_is_first", "again", "is_open", "lost", "on_trouble", "received", "retries", "sent")

    def __init__(
        self, again: Callable[[], bool] | None = None, on_trouble: Callable[[str], None] | None = None
    ) -> None:
        self.again = again
        self.on_trouble = on_trouble
        self.sent: Mapping[str, Any] = {}
        self.retries = 0
        self.received: Receipt | None = None
        self.is_open = False
        self.lost = 0
        self._is_first = True

    def call(self, sent: Mapping[str, Any]) -> None:
        """A call begins that has these parameters."""
        self.sent = sent
        if not self._is_first:
            self.meet("")
        self._is_first = True

    def begin(self) -> bool:
        """A try of the call begins; False if it must not."""
        if self.is_open:
            if self.again is not None and not self.again():
                return False
            self.lost += 1
            self.is_open = False
        self.retries += not self._is_first
        self._is_first = False
        return True

    def meet(self, trouble: str) -> None:
        """A try of the call has met with `trouble`."""
        if self.on_trouble is not None:
            self.on_trouble(trouble)


tries: ContextVar[Tries | None] = ContextVar("tries", default=None)
"""While a model answers: what whoever asked it wants to know of its tries; None if nothing."""

ModelRef = Model | str


def model_name(ref: ModelRef) -> str:
    """The name of a model given as a name or as an object."""
    return ref if isinstance(ref, str) else ref.name


class ModelError(Exception):
    """A model could not answer.

    `code` is one of `no-key`, `bad-key`, `no-credit`, `unknown-model`, `not-installed`,
    `cannot-answer`, `rate-limit`, `timeout`, `connection`, `server`, `bad-request`,
    `context-too-long`, `refused` (what was shown, by a filter or a moderation), `bad-reply`,
    `internal`. The message is one plain sentence that says what to do;
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
