"""The one door to models.

Every request of every strategy passes here: equal requests are sent once (in flight and
through the archive), each connection has one concurrency limit, every call is recorded, and
a reply is in the archive before a strategy sees it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Protocol, cast

from reranking.documents import Document
from reranking.models import Model, ModelError, ModelRef, NeedsDocuments, model_name
from reranking.ranking import Usage
from reranking.replies import Failed, PartedReply, Receipt, Reply
from reranking.requests import PerText, Request

DEFAULT_CONCURRENCY = 16

HOPELESS = frozenset({"no-key", "bad-key", "unknown-model", "not-installed"})
"""Codes after which asking the same model again in the same run only repeats the failure."""

NEVER_SENT = frozenset({"no-key", "not-installed", "cannot-answer"})
"""Codes with which a model says that it could not even ask: no call was made."""

Source = Literal["sent", "cache", "shared", "none"]
"""How a request was answered: by a new call, from the archive, by another's call, or not at all."""

Resolve = Callable[[ModelRef], Model]
"""Turns a model's name or object into a model, or raises ModelError."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Call:
    """One request and how it was answered. `key` is None where nothing can be cached."""

    run: str
    request: Request
    model: str
    key: str | None
    parts: tuple[str, ...]  # keys of the single texts, for requests that are cached per text
    reply: Reply | Failed
    source: Source
    started: float  # seconds since the epoch
    seconds: float


class Archive(Protocol):
    """Where replies and calls are kept; the store implements it."""

    async def find(self, keys: Sequence[str]) -> dict[str, Reply]:
        """The replies that are there, by key."""
        ...

    async def keep(self, call: Call) -> None:
        """Keep the call, and its reply under its key if it was sent; return when both are safe."""
        ...


class MemoryArchive:
    """Keeps replies and calls for as long as the object lives."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.calls: list[Call] = []

    async def find(self, keys: Sequence[str]) -> dict[str, Reply]:
        """The replies that are there, by key."""
        return {key: self.replies[key] for key in keys if key in self.replies}

    async def keep(self, call: Call) -> None:
        """Keep the call and its reply."""
        self.calls.append(call)
        self.replies.update(replies_to_keep(call))


def replies_to_keep(call: Call) -> dict[str, Reply]:
    """What a call adds to an archive: its reply by key, or one part per text."""
    reply = call.reply
    if call.source != "sent" or isinstance(reply, Failed):
        return {}
    if call.parts:
        parted = cast(PartedReply, reply)
        receipt = _share(reply.receipt)
        return {key: replace(parted.part(at), receipt=receipt) for at, key in enumerate(call.parts)}
    return {} if call.key is None else {call.key: reply}


@dataclass
class Run:
    """One strategy at work: what its calls belong to, and a running account of them.

    `resolve` turns names into models for this run (default: the gateway's), so that each
    user's keys serve that user only. `nonce` keeps its requests apart from equal ones of other
    runs. `on_answer` is called with the run after each answered request.
    """

    label: str = ""
    query: str = ""
    documents: Sequence[Document] = ()
    resolve: Resolve | None = None
    nonce: str | None = None
    on_answer: Callable[[Run], None] | None = None
    requests: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    hopeless: dict[str, Failed] = field(default_factory=dict)
    models: dict[Any, Model] = field(default_factory=dict)

    def count(self, reply: Reply | Failed, source: Source) -> None:
        """Add one answered request to the account."""
        if source != "none":
            self.requests += 1
            self.cached += source != "sent"
        if isinstance(reply, Reply):
            receipt = reply.receipt
            self.input_tokens += receipt.input_tokens or 0
            self.output_tokens += receipt.output_tokens or 0
            known = self.cost_usd is not None and receipt.cost_usd is not None
            self.cost_usd = (self.cost_usd or 0.0) + (receipt.cost_usd or 0.0) if known else None
        if self.on_answer is not None:
            self.on_answer(self)

    def usage(self, seconds: float) -> Usage:
        """The account so far."""
        return Usage(self.requests, self.cached, self.input_tokens, self.output_tokens, self.cost_usd, seconds)


class _Flight:
    """A request under way, and how many askers still want its answer."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: asyncio.Task[_Landed]) -> None:
        self.task = task
        self.waiting = 1


class _Landed(NamedTuple):
    """How a flight ended; `called` tells whether the model was really asked."""

    reply: Reply | Failed
    called: bool


@dataclass(frozen=True, slots=True)
class _Ticket:
    """One request of a batch: its answer, or the flight that will bring it.

    `keys` are its keys, one per text where it is cached per text; `known` is what was there.
    """

    request: Request
    model: str
    source: Source
    answer: Reply | Failed | None
    flight: _Flight | None = None
    keys: tuple[str, ...] = ()
    known: Mapping[str, Reply] = field(default_factory=dict)


class Gateway:
    """Sends requests to models. Belongs to one event loop.

    `resolve` turns a model's name (or object) into a model, or raises ModelError.
    """

    def __init__(self, resolve: Resolve, archive: Archive | None = None) -> None:
        self.resolve = resolve
        self.archive: Archive = archive if archive is not None else MemoryArchive()
        self._flights: dict[str, _Flight] = {}
        self._landed: set[str] = set()
        self._looking = 0
        self._limits: dict[str, asyncio.Semaphore] = {}

    async def ask(self, requests: Sequence[Request], run: Run) -> list[Reply | Failed]:
        """Answer `requests`, in their order. A request that cannot be answered gives a Failed.

        Cancelling cancels what nobody else waits for; replies already received are kept.
        """
        if run.nonce is not None:
            requests = [replace(request, nonce=run.nonce) for request in requests]
        models = [self._model(request, run) for request in requests]
        keys = [_keys(request, model) for request, model in zip(requests, models, strict=True)]
        wanted = [key for group, model in zip(keys, models, strict=True) for key in group if _cacheable(model)]
        # A flight that lands while an asker looks into the archive stays joinable until the
        # asker has decided: it may have looked just before the reply was there.
        self._looking += 1
        try:
            known = await self.archive.find(wanted) if wanted else {}
        finally:
            self._looking -= 1
        tickets = [self._begin(*item, known, run) for item in zip(requests, models, keys, strict=True)]
        self._forget_landed()
        try:
            return list(await asyncio.gather(*(self._finish(ticket, run) for ticket in tickets)))
        finally:
            for ticket in tickets:
                self._release(ticket.flight)

    def _model(self, request: Request, run: Run) -> Model | Failed:
        try:
            model = run.models.get(request.model)
            if model is None:
                model = (run.resolve or self.resolve)(request.model)
                if isinstance(model, NeedsDocuments):
                    model = model.about(run.query, run.documents)
                run.models[request.model] = model
        except ModelError as error:
            return Failed(error.code, error.message, error.raw)
        if type(request) not in model.answers:
            able = ", ".join(sorted(kind.__name__ for kind in model.answers))
            return Failed("cannot-answer", f"{model.name} cannot answer {type(request).__name__}; it answers {able}.")
        return model

    def _begin(
        self, request: Request, model: Model | Failed, keys: tuple[str, ...], known: Mapping[str, Reply], run: Run
    ) -> _Ticket:
        """Take the answer from the archive, or join or start the flight that brings it."""
        if isinstance(model, Failed):
            return _Ticket(request, model_name(request.model), "none", model)
        missing = [at for at, key in enumerate(keys) if key not in known]
        if keys and not missing:
            return _Ticket(request, model.name, "cache", _join(request, [known[key] for key in keys]), None, keys)
        parts: tuple[str, ...] = ()
        key, sent = keys[0], request
        if isinstance(request, PerText) and not _joint(model):
            parts = tuple(keys[at] for at in missing)
            key, sent = _digest(parts), request.only(missing)
        flight = self._flights.get(key)
        if flight is not None:
            flight.waiting += 1
            return _Ticket(request, model.name, "shared", None, flight, keys, known)
        task = asyncio.ensure_future(self._send(sent, model, key, parts, run))
        flight = self._flights[key] = _Flight(task)
        task.add_done_callback(lambda _: self._land(key))
        return _Ticket(request, model.name, "sent", None, flight, keys, known)

    async def _finish(self, ticket: _Ticket, run: Run) -> Reply | Failed:
        started, clock = time.time(), time.perf_counter()
        reply, source = ticket.answer, ticket.source
        if ticket.flight is not None:
            reply, called = await asyncio.shield(ticket.flight.task)
            source = source if called else "none"
            if isinstance(reply, PartedReply) and reply.size() < len(ticket.keys):
                fresh = iter(range(reply.size()))
                single = [ticket.known.get(key) or reply.part(next(fresh)) for key in ticket.keys]
                reply = replace(_join(ticket.request, single), receipt=reply.receipt)
        assert reply is not None
        if source in {"cache", "shared"}:
            key, parts = (None, ticket.keys) if len(ticket.keys) > 1 else (ticket.keys[0], ())
            seconds = time.perf_counter() - clock
            await self.archive.keep(
                Call(run.label, ticket.request, ticket.model, key, parts, reply, source, started, seconds)
            )
        run.count(reply, source)
        return reply

    async def _send(self, request: Request, model: Model, key: str, parts: tuple[str, ...], run: Run) -> _Landed:
        async with self._limit(model):
            if model.name in run.hopeless:
                return _Landed(run.hopeless[model.name], False)
            started, clock = time.time(), time.perf_counter()
            try:
                reply: Reply | Failed = await model.answer(request)
            except ModelError as error:
                reply = Failed(error.code, error.message, error.raw)
            except Exception as error:  # a provider's bug is one failed request, not the end of a comparison
                logger.exception("%s raised on a %s request", model.name, request.kind)
                reply = Failed("internal", f"{model.name} failed with {type(error).__name__}.")
        if isinstance(reply, PartedReply) and reply.size() != len(cast(PerText, request).texts):
            reply = Failed("bad-reply", f"{model.name} answered {reply.size()} of the texts it was sent.")
        if isinstance(reply, Failed) and reply.code in HOPELESS:
            run.hopeless[model.name] = reply
        if isinstance(reply, Failed) and reply.code in NEVER_SENT:
            return _Landed(reply, False)
        kept = key if _cacheable(model) else None
        seconds = time.perf_counter() - clock
        call = Call(run.label, request, model.name, kept, parts if kept else (), reply, "sent", started, seconds)
        await asyncio.shield(asyncio.ensure_future(self.archive.keep(call)))
        return _Landed(reply, True)

    def _release(self, flight: _Flight | None) -> None:
        if flight is None:
            return
        flight.waiting -= 1
        if flight.waiting == 0 and not flight.task.done():
            flight.task.cancel()

    def _land(self, key: str) -> None:
        self._landed.add(key)
        self._forget_landed()

    def _forget_landed(self) -> None:
        if self._looking == 0:
            for key in self._landed:
                del self._flights[key]
            self._landed.clear()

    def _limit(self, model: Model) -> asyncio.Semaphore:
        connection = getattr(model, "connection", model.name)
        if connection not in self._limits:
            self._limits[connection] = asyncio.Semaphore(getattr(model, "concurrency", DEFAULT_CONCURRENCY))
        return self._limits[connection]


def _cacheable(model: Model | Failed) -> bool:
    return getattr(model, "fingerprint", None) is not None


def _joint(model: Model) -> bool:
    return bool(getattr(model, "joint", False))


def _keys(request: Request, model: Model | Failed) -> tuple[str, ...]:
    """One key for the request, or one per text. An object without a fingerprint is only itself."""
    if isinstance(model, Failed):
        return ()
    identity = getattr(model, "fingerprint", None) or f"object:{id(model)}"
    head: list[Any] = [identity, request.kind, request.nonce]
    if getattr(model, "reads_shown", False):
        head.append(request.shown)
    if isinstance(request, PerText) and not _joint(model):
        return tuple(_digest([*head, request.content_of(at)]) for at in range(len(request.texts)))
    return (_digest([*head, request.content()]),)


def _digest(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _join(request: Request, replies: list[Reply]) -> Reply:
    if not isinstance(request, PerText) or not isinstance(replies[0], PartedReply):
        return replies[0]
    if len(replies) == 1 and len(request.texts) == replies[0].size():
        return replies[0]
    return type(replies[0]).joined(cast(list[PartedReply], replies))


def _share(receipt: Receipt) -> Receipt:
    """The receipt of one text of a call: the model and parameters, no part of its tokens or cost."""
    free = None if receipt.cost_usd is None else 0.0
    return replace(receipt, raw="", input_tokens=None, output_tokens=None, reasoning_tokens=None, cost_usd=free)
