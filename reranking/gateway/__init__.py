"""The one door to models.

Every request of every strategy passes here: equal requests are sent once (in flight and
through the archive), each connection has one concurrency limit that all runs share fairly,
every call is recorded, and a reply is in the archive before a strategy sees it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import cast

from reranking.archive import Archive, MemoryArchive
from reranking.gateway import faults, records
from reranking.gateway.budget import Budget
from reranking.gateway.keys import is_cacheable, is_joint, joined, keys_of
from reranking.gateway.lines import Flight, Landed, Limits, Line, Ticket, Tray
from reranking.gateway.runs import Common, Resolve, Run
from reranking.models import Model, ModelError, NeedsDocuments, Tries, pauses, tries
from reranking.replies import Failed, PartedReply, Receipt, Reply
from reranking.requests import PerText, Request

__all__ = ["Budget", "Common", "Gateway", "MemoryArchive", "Resolve", "Run"]

DEFAULT_CONCURRENCY = 16

RECORDS_AT_ONCE = 1000
"""Answers from the cache that are being recorded at a time."""

PARTING_SECONDS = 0.5
"""How long an asker who is cancelled waits until the calls that it had under way are recorded."""

logger = logging.getLogger(__name__)


class Gateway:
    """Sends requests to models. Belongs to one event loop.

    `resolve` turns a model's name (or object) into a model, or raises ModelError.
    """

    def __init__(self, resolve: Resolve, archive: Archive | None = None) -> None:
        self.resolve = resolve
        self.archive: Archive = archive if archive is not None else MemoryArchive()
        self._flights: dict[str, Flight] = {}
        self._landed: set[Flight] = set()
        self._looking = 0
        self._lines: dict[str, Line] = {}

    async def ask(self, requests: Sequence[Request], run: Run) -> list[Reply | Failed]:
        """Answer `requests`, in their order. A request that cannot be answered gives a Failed.

        Cancelling cancels what nobody else waits for; replies already received are kept. What was
        under way is recorded, and counts towards a spending limit with the most that it may cost.
        """
        if run.nonce is not None:
            requests = [replace(request, nonce=run.nonce) for request in requests]
        models = [self._model(request, run) for request in requests]
        keys = [keys_of(request, model) for request, model in zip(requests, models, strict=True)]
        known = await self._find(zip(keys, models, strict=True))
        tickets = [Ticket(run, *entry, known) for entry in zip(requests, models, keys, strict=True)]
        try:
            await self._serve(tickets, run)
            return [cast(Reply | Failed, ticket.reply) for ticket in tickets]
        finally:
            called_off = [task for ticket in tickets for task in self._release(ticket)]
            if called_off:
                await asyncio.wait(called_off, timeout=PARTING_SECONDS)

    async def _find(self, wanted: Iterable[tuple[Sequence[str], Model | Failed]]) -> Mapping[str, Reply]:
        """What the archive has of `wanted`, pairs of keys and the model that they are for.

        A flight that lands while an asker looks into the archive stays joinable until the asker
        has decided: it may have looked just before the reply was there.
        """
        keys = [key for group, model in wanted for key in group if is_cacheable(model)]
        self._looking += 1
        try:
            return await self.archive.find(keys) if keys else {}
        finally:
            self._looking -= 1

    async def _serve(self, tickets: Sequence[Ticket], run: Run) -> None:
        """Get every ticket its reply."""
        tray = Tray()
        started, clock = time.time(), time.perf_counter()
        self._begin([(ticket, ticket.keys) for ticket in tickets], tray)
        left = len(tickets)
        while left:
            landed = await self._answered(await tray.take(), tray)
            left -= len(landed)
            calls = []
            for ticket in landed:
                ticket.reply, called, ticket.seconds = self._received(ticket)
                ticket.source = ticket.source if called else "none"
                if ticket.source in {"cache", "shared"}:
                    calls.append(records.passed_on(ticket, run, started, time.perf_counter() - clock))
            try:
                for at in range(0, len(calls), RECORDS_AT_ONCE):
                    await asyncio.gather(*map(self.archive.keep, calls[at : at + RECORDS_AT_ONCE]))
            finally:
                for ticket in landed:
                    whose = run.common.whose(ticket.source, ticket.keys)
                    answer = cast(Reply | Failed, ticket.reply)
                    run.count(answer, ticket.source, ticket.seconds, whose, free=ticket.free)
            for ticket in landed:
                _raise_unkept(ticket, tickets)

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

    def _begin(self, tickets: Sequence[tuple[Ticket, Sequence[str]]], tray: Tray) -> None:
        """For each ticket have these keys brought, and send what may be sent now."""
        for ticket, keys in tickets:
            self._join(ticket, keys, tray)
        self._forget_landed()
        self._depart({flight.line for ticket, _ in tickets for flight in ticket.flights})

    def _join(self, ticket: Ticket, keys: Sequence[str], tray: Tray) -> None:
        """Join the flights that bring what the archive does not have, and put one in line for the rest."""
        missing: list[str] = []
        if ticket.source == "none" and not isinstance(ticket.model, Failed):
            ticket.source = "cache"
        for key in dict.fromkeys(keys):
            if key in ticket.known:
                continue
            flight = self._flights.get(key)
            if flight is None or flight.has_failed:
                missing.append(key)
            elif flight not in ticket.flights:
                ticket.source = "sent" if ticket.source == "sent" else "shared"
                self._board(ticket, flight, tray)
        if missing:
            self._line_up(ticket, tuple(missing), tray)
        if ticket.missing == 0:
            tray.put(ticket)

    def _line_up(self, ticket: Ticket, keys: tuple[str, ...], tray: Tray) -> None:
        """Put a flight in line that brings `keys` of the ticket."""
        request, model = ticket.request, cast(Model, ticket.model)
        if isinstance(request, PerText) and not is_joint(model):
            request = request.only([ticket.keys.index(key) for key in keys])
        flight = Flight(request, model, keys, ticket.run, self._line(model))
        for key in keys:
            self._flights[key] = flight
        ticket.run.common.asked.update(keys)
        ticket.source = "sent"
        self._board(ticket, flight, tray)

    def _board(self, ticket: Ticket, flight: Flight, tray: Tray) -> None:
        """Let the ticket wait for the flight, which may also go in its run's turn now."""
        flight.waiting += 1
        ticket.flights.append(flight)
        if flight.has_landed:
            return
        ticket.missing += 1
        flight.watchers.append((ticket, tray))
        if flight.task is None:
            flight.line.join(flight, ticket.run)

    def _depart(self, lines: Iterable[Line]) -> None:
        """Send what may be sent now, and come back for what may begin only later."""
        for line in lines:
            while (flight := line.next()) is not None:
                flight.take_off()
                if flight.refused is None and faults.given_up(flight) is None:
                    line.begin()
                flight.task = asyncio.ensure_future(self._send(flight))
                flight.task.add_done_callback(partial(self._land, flight))
            if not line.is_asleep and (pause := line.pause()) > 0:
                line.is_asleep = True
                asyncio.get_running_loop().call_later(pause, self._wake, line)

    def _wake(self, line: Line) -> None:
        line.is_asleep = False
        self._depart([line])

    async def _answered(self, tickets: Sequence[Ticket], tray: Tray) -> list[Ticket]:
        """Those of `tickets` that have their answers.

        Where a flight failed by somebody else's key, spending limit or patience, its tickets look anew, and
        the first of them sends a request of its own.
        """
        spoilt = [(ticket, keys) for ticket in tickets if (keys := faults.give_up_others(ticket))]
        if not spoilt:
            return list(tickets)
        known = await self._find((keys, ticket.model) for ticket, keys in spoilt)
        for ticket, _ in spoilt:
            ticket.known = {**ticket.known, **known}
        self._begin(spoilt, tray)
        again = [id(ticket) for ticket, _ in spoilt]
        return [ticket for ticket in tickets if id(ticket) not in again]

    def _received(self, ticket: Ticket) -> tuple[Reply | Failed, bool, float | None]:
        """The whole reply, put together from the archive and all flights; whether a model was asked, for how long."""
        model = ticket.model
        if isinstance(model, Failed):
            return model, False, None
        parts = {key: ticket.known[key] for key in ticket.keys if key in ticket.known}
        stated = [part.receipt.seconds for part in parts.values()]
        took = None if None in stated else sum(cast(list[float], stated))
        receipt: Receipt | None = None
        wanted = set(ticket.keys)
        for flight in ticket.flights:
            landed = flight.result()
            ticket.free = landed.free
            if isinstance(landed.reply, Failed) or not isinstance(landed.reply, PartedReply) or is_joint(model):
                return landed.reply, landed.called, landed.took
            if flight.model is model and ticket.source == "sent":
                receipt = landed.reply.receipt
            if took is not None:
                took += landed.took * sum(key in wanted for key in flight.keys) / len(flight.keys)
            parts.update({key: landed.reply.part(at) for at, key in enumerate(flight.keys)})
        reply = joined(ticket.request, [parts[key] for key in ticket.keys])
        return (reply if receipt is None else replace(reply, receipt=receipt)), True, took

    async def _send(self, flight: Flight) -> Landed:
        request, model, run = flight.request, flight.model, flight.run
        if flight.refused is not None:
            return Landed(flight.refused, False)
        if (vain := faults.given_up(flight)) is not None:
            return Landed(vain, False)
        started, clock = time.time(), time.perf_counter()
        budget, held = run.common.budget, flight.held
        again = None if budget is None or held is None else partial(budget.take_again, held, run, model.name)
        told = Tries(again, partial(_tell_of, flight))
        waits, counts = pauses.set(flight.line.pauses()), tries.set(told)
        try:
            reply: Reply | Failed = await model.answer(request)
        except asyncio.CancelledError:
            await self._keep_called_off(flight, started, time.perf_counter() - clock, told)
            raise
        except ModelError as error:
            reply = Failed(error.code, error.message, error.raw, error.receipt, error.fits)
        except Exception as error:  # a provider's bug is one failed request, not the end of a comparison
            logger.exception("%s raised on a %s request", model.name, request.kind)
            reply = Failed("internal", f"{model.name} failed with {type(error).__name__}.")
        finally:  # else they are kept with the flight, for as long as its batch
            pauses.reset(waits)
            tries.reset(counts)
        seconds = time.perf_counter() - clock
        flight.is_received = True
        if isinstance(reply, PartedReply) and reply.size() != len(cast(PerText, request).texts):
            message = (
                f"{model.name} answered {reply.size()} of the {len(cast(PerText, request).texts)} texts it was sent."
            )
            reply = Failed("bad-reply", message, reply.receipt.raw, reply.receipt)
        faults.judge(flight, reply)
        was_sent = not (isinstance(reply, Failed) and reply.code in faults.NEVER_SENT)
        counted = self._leave(flight, reply if was_sent else None)
        if not was_sent:
            return Landed(reply, False)
        call = records.sent(flight, reply, started, seconds, counted, told)
        try:
            await self.archive.keep(call)
        except Exception as error:  # its asker, if there still is one, counts what it cost and is told then
            logger.exception("a call of %s could not be recorded", model.name)
            return Landed(reply, True, seconds, call.free, error)
        return Landed(reply, True, seconds, call.free)

    async def _keep_called_off(self, flight: Flight, started: float, seconds: float, told: Tries) -> None:
        reply = records.called_off(told)
        counted = self._leave(flight, reply)
        call = records.sent(flight, reply, started, seconds, counted, told)
        if not call.free:
            flight.run.pay(reply.receipt.cost_usd if reply.receipt is not None else None)
        try:
            await self.archive.keep(call)
        except Exception:  # it has no asker left that could be told
            logger.exception("a call of %s that was called off could not be recorded", flight.model.name)

    def _leave(self, flight: Flight, reply: Reply | Failed | None) -> float | None:
        """Give its seat, and what it did not cost, to those who wait; returns what a limit counts it with.

        There is no `reply` if it was not sent.
        """
        flight.line.leave(flight)
        counted = flight.settle(reply)
        self._depart([flight.line] if flight.run.common.budget is None else list(self._lines.values()))
        return counted

    def _land(self, flight: Flight, _: asyncio.Task[Landed]) -> None:
        self._leave(flight, None)
        for ticket, tray in flight.watchers:
            ticket.run.troubles.pop(flight, None)
            ticket.missing -= 1
            if ticket.missing == 0:
                tray.put(ticket)
        flight.watchers.clear()
        self._landed.add(flight)
        self._forget_landed()

    def _release(self, ticket: Ticket) -> Iterator[asyncio.Task[Landed]]:
        """Let go of what the ticket waited for; gives the tasks that are called off by that."""
        ticket.is_waiting = False
        for flight in ticket.flights:
            flight.waiting -= 1
            ticket.run.troubles.pop(flight, None)
            if flight.waiting == 0 and not flight.has_landed and not flight.is_received:
                self._forget(flight)  # at once: who asks now must not wait for a flight that is being called off
                if flight.task is not None:
                    flight.task.cancel()
                    yield flight.task
            elif flight.task is None and flight.run is ticket.run:
                self._hand_over(flight, ticket)

    def _hand_over(self, flight: Flight, released: Ticket) -> None:
        """Have those who also wait for a flight that was never sent send it with their own key and at their cost."""
        self._forget(flight)
        flight.waiting = 0  # so that it is not sent any more
        for ticket, tray in flight.watchers:
            if ticket is not released:
                ticket.flights.remove(flight)
                ticket.missing -= 1
                self._join(ticket, [key for key in flight.keys if key in ticket.keys], tray)
        flight.watchers.clear()
        asyncio.get_running_loop().call_soon(self._depart, [flight.line])

    def _forget_landed(self) -> None:
        if self._looking == 0:
            for flight in self._landed:
                self._forget(flight)
            self._landed.clear()

    def _forget(self, flight: Flight) -> None:
        for key in flight.keys:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def _line(self, model: Model) -> Line:
        connection = getattr(model, "connection", model.name)
        line = self._lines.get(connection)
        if line is None:
            line = self._lines[connection] = Line(DEFAULT_CONCURRENCY)
        at_once, per_minute = getattr(model, "concurrency", DEFAULT_CONCURRENCY), getattr(model, "per_minute", None)
        line.hear(model.name, Limits(getattr(model, "limits_as_of", 0), at_once, per_minute))
        return line


def _tell_of(flight: Flight, trouble: str) -> None:
    """Tell the runs that wait for the flight what a try of it met with."""
    for run in {ticket.run for ticket, _ in flight.watchers if ticket.is_waiting}:
        run.meet(flight, trouble)


def _raise_unkept(ticket: Ticket, batch: Sequence[Ticket]) -> None:
    """Raise what kept a call of the ticket from being recorded, if anything did: no strategy sees such a reply.

    What the others of its batch cost that have received their replies, too, is not counted any more.
    """
    for flight in ticket.flights:
        if (error := flight.result().unkept) is not None:
            left = (each for other in batch if other.reply is None for each in other.flights)
            if any(each.is_received and each.run is ticket.run for each in left):
                ticket.run.pay(None)
            raise error
