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
from typing import Any, NamedTuple, cast

from reranking.archive import Archive, Call, MemoryArchive, Source
from reranking.documents import Document
from reranking.models import Model, ModelError, ModelRef, NeedsDocuments
from reranking.ranking import Usage
from reranking.replies import Failed, PartedReply, Receipt, Reply
from reranking.requests import PerText, Request

DEFAULT_CONCURRENCY = 16

HOPELESS = frozenset({"no-key", "bad-key", "unknown-model", "not-installed"})
"""Codes after which asking the same model again in the same run only repeats the failure."""

NEVER_SENT = frozenset({"no-key", "not-installed", "cannot-answer"})
"""Codes with which a model says that it could not even ask: no call was made."""

KEY_FAILURES = frozenset({"no-key", "bad-key"})
"""Codes that are about a user's key and say nothing about the request."""

UNPAID = frozenset(
    {*KEY_FAILURES, "unknown-model", "rate-limit", "connection", "server", "bad-request", "context-too-long"}
)
"""Codes with which a server turns a request down; it charges nothing. What other failures cost is unknown."""

Resolve = Callable[[ModelRef], Model]
"""Turns a model's name or object into a model, or raises ModelError."""

logger = logging.getLogger(__name__)


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
        receipt = reply.receipt
        if receipt is not None:
            self.input_tokens += receipt.input_tokens or 0
            self.output_tokens += receipt.output_tokens or 0
            known = self.cost_usd is not None and receipt.cost_usd is not None
            self.cost_usd = (self.cost_usd or 0.0) + (receipt.cost_usd or 0.0) if known else None
        elif source != "none" and isinstance(reply, Failed) and reply.code not in UNPAID:
            self.cost_usd = None
        if self.on_answer is not None:
            self.on_answer(self)

    def usage(self, seconds: float) -> Usage:
        """The account so far."""
        return Usage(self.requests, self.cached, self.input_tokens, self.output_tokens, self.cost_usd, seconds)


class _Landed(NamedTuple):
    """How a flight ended; `called` tells whether the model was really asked."""

    reply: Reply | Failed
    called: bool


class _Flight:
    """A request under way: which parts of replies it brings, and how many askers still want it."""

    __slots__ = ("keys", "model", "task", "waiting")

    def __init__(self, task: asyncio.Task[_Landed], model: Model, keys: tuple[str, ...]) -> None:
        self.task = task
        self.model = model
        self.keys = keys
        self.waiting = 1

    def has_failed(self) -> bool:
        """Whether it ended without a reply, so that joining it would repeat an old failure."""
        if not self.task.done():
            return False
        return self.task.cancelled() or self.task.exception() is not None or isinstance(self.task.result()[0], Failed)


@dataclass(slots=True)
class _Ticket:
    """One request of a batch: its keys (one per text where cached per text), what is known, what flies."""

    request: Request
    model: Model | Failed
    keys: tuple[str, ...] = ()
    known: Mapping[str, Reply] = field(default_factory=dict)
    flights: list[_Flight] = field(default_factory=list)
    source: Source = "none"


class Gateway:
    """Sends requests to models. Belongs to one event loop.

    `resolve` turns a model's name (or object) into a model, or raises ModelError.
    """

    def __init__(self, resolve: Resolve, archive: Archive | None = None) -> None:
        self.resolve = resolve
        self.archive: Archive = archive if archive is not None else MemoryArchive()
        self._flights: dict[str, _Flight] = {}
        self._landed: set[_Flight] = set()
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
        tickets = [_Ticket(*entry, known) for entry in zip(requests, models, keys, strict=True)]
        for ticket in tickets:
            self._begin(ticket, run)
        self._forget_landed()
        try:
            return list(await asyncio.gather(*(self._finish(ticket, run) for ticket in tickets)))
        finally:
            for ticket in tickets:
                self._release(ticket)

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

    def _begin(self, ticket: _Ticket, run: Run) -> None:
        """Join the flights that bring what the archive does not have, and start one for the rest."""
        if isinstance(ticket.model, Failed):
            return
        ticket.source = "cache"
        missing: list[int] = []
        for key in dict.fromkeys(ticket.keys):
            if key in ticket.known:
                continue
            flight = self._flights.get(key)
            if flight is None or flight.has_failed():
                missing.append(ticket.keys.index(key))
            elif flight not in ticket.flights:
                flight.waiting += 1
                ticket.flights.append(flight)
                ticket.source = "shared"
        if missing:
            request = ticket.request
            keys = tuple(ticket.keys[at] for at in missing)
            if isinstance(request, PerText) and not _joint(ticket.model):
                request = request.only(missing)
            self._start(ticket, request, ticket.model, keys, run)

    def _start(self, ticket: _Ticket, request: Request, model: Model, keys: tuple[str, ...], run: Run) -> None:
        flight = _Flight(asyncio.ensure_future(self._send(request, model, keys, run)), model, keys)
        for key in keys:
            self._flights[key] = flight
        flight.task.add_done_callback(lambda _: self._land(flight))
        ticket.flights.append(flight)
        ticket.source = "sent"

    async def _finish(self, ticket: _Ticket, run: Run) -> Reply | Failed:
        if isinstance(ticket.model, Failed):
            run.count(ticket.model, "none")
            return ticket.model
        started, clock = time.time(), time.perf_counter()
        reply, called = await self._received(ticket, ticket.model, run)
        source = ticket.source if called else "none"
        if source in {"cache", "shared"}:
            key, parts = (None, ticket.keys) if len(ticket.keys) > 1 else (ticket.keys[0], ())
            seconds = time.perf_counter() - clock
            name = ticket.model.name
            await self.archive.keep(Call(run.label, ticket.request, name, key, parts, reply, source, started, seconds))
        run.count(reply, source)
        return reply

    async def _received(self, ticket: _Ticket, model: Model, run: Run) -> _Landed:
        """The whole reply, put together from the archive and all flights."""
        parts = {key: ticket.known[key] for key in ticket.keys if key in ticket.known}
        receipt: Receipt | None = None
        for flight in list(ticket.flights):
            landed = await asyncio.shield(flight.task)
            if isinstance(landed.reply, Failed) and landed.reply.code in KEY_FAILURES and flight.model is not model:
                # The key that failed was somebody else's.
                request = ticket.request
                if isinstance(request, PerText) and not _joint(model):
                    request = request.only([ticket.keys.index(key) for key in flight.keys if key in ticket.keys])
                self._start(ticket, request, model, tuple(key for key in flight.keys if key in ticket.keys), run)
                flight = ticket.flights[-1]
                landed = await asyncio.shield(flight.task)
            if isinstance(landed.reply, Failed):
                return landed
            if not isinstance(landed.reply, PartedReply) or _joint(model):
                return landed
            if flight.model is model and ticket.source == "sent":
                receipt = landed.reply.receipt
            parts.update({key: landed.reply.part(at) for at, key in enumerate(flight.keys)})
        reply = _join(ticket.request, [parts[key] for key in ticket.keys])
        return _Landed(reply if receipt is None else replace(reply, receipt=receipt), True)

    async def _send(self, request: Request, model: Model, keys: tuple[str, ...], run: Run) -> _Landed:
        async with self._limit(model):
            if model.name in run.hopeless:
                return _Landed(run.hopeless[model.name], False)
            started, clock = time.time(), time.perf_counter()
            try:
                reply: Reply | Failed = await model.answer(request)
            except ModelError as error:
                reply = Failed(error.code, error.message, error.raw, error.receipt)
            except Exception as error:  # a provider's bug is one failed request, not the end of a comparison
                logger.exception("%s raised on a %s request", model.name, request.kind)
                reply = Failed("internal", f"{model.name} failed with {type(error).__name__}.")
        if isinstance(reply, PartedReply) and reply.size() != len(cast(PerText, request).texts):
            message = (
                f"{model.name} answered {reply.size()} of the {len(cast(PerText, request).texts)} texts it was sent."
            )
            reply = Failed("bad-reply", message, reply.receipt.raw, reply.receipt)
        if isinstance(reply, Failed) and reply.code in HOPELESS:
            run.hopeless[model.name] = reply
        if isinstance(reply, Failed) and reply.code in NEVER_SENT:
            return _Landed(reply, False)
        per_text = isinstance(request, PerText) and not _joint(model)
        key, parts = (None, keys) if per_text else (keys[0], ())
        if not _cacheable(model):
            key, parts = None, ()
        seconds = time.perf_counter() - clock
        call = Call(run.label, request, model.name, key, parts, reply, "sent", started, seconds)
        await asyncio.shield(asyncio.ensure_future(self.archive.keep(call)))
        return _Landed(reply, True)

    def _release(self, ticket: _Ticket) -> None:
        for flight in ticket.flights:
            flight.waiting -= 1
            if flight.waiting == 0 and not flight.task.done():
                flight.task.cancel()
                self._forget(flight)  # at once: who asks now must not wait for a flight that is being called off

    def _land(self, flight: _Flight) -> None:
        self._landed.add(flight)
        self._forget_landed()

    def _forget_landed(self) -> None:
        if self._looking == 0:
            for flight in self._landed:
                self._forget(flight)
            self._landed.clear()

    def _forget(self, flight: _Flight) -> None:
        for key in flight.keys:
            if self._flights.get(key) is flight:
                del self._flights[key]

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
