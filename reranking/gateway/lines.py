"""Who may ask a connection next, and who waits for which reply."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from weakref import WeakKeyDictionary

from reranking.archive import Source
from reranking.gateway.runs import Run
from reranking.models import Model
from reranking.replies import Failed, Reply
from reranking.requests import Request


class Landed(NamedTuple):
    """How a flight ended; `called` tells whether the model was really asked."""

    reply: Reply | Failed
    called: bool


class Flight:
    """A request in line or under way: the parts of replies that it brings, and who still wants them."""

    __slots__ = ("is_received", "keys", "line", "model", "request", "run", "seat", "task", "waiting", "watchers")

    def __init__(self, request: Request, model: Model, keys: tuple[str, ...], run: Run, line: Line) -> None:
        self.request = request
        self.model = model
        self.keys = keys
        self.run = run
        self.line = line
        self.seat: Run | None = None  # in whose turn it was sent, until the model has answered
        self.task: asyncio.Task[Landed] | None = None  # None while it is in line
        self.is_received = False
        self.waiting = 0
        self.watchers: list[tuple[Ticket, Tray]] = []

    @property
    def has_landed(self) -> bool:
        """Whether it is over, one way or the other."""
        return self.task is not None and self.task.done()

    @property
    def has_failed(self) -> bool:
        """Whether it ended without a reply, so that joining it would repeat an old failure."""
        if self.task is None or not self.task.done():
            return False
        return self.task.cancelled() or self.task.exception() is not None or isinstance(self.task.result()[0], Failed)

    def result(self) -> Landed:
        """How it ended. Raises what kept its call from being recorded."""
        assert self.task is not None
        return self.task.result()


class Line:
    """Who may ask a connection next, of all runs that want to.

    As many requests at once as the connection takes; the next is always of the run that has the
    fewest under way, of equal ones that whose last turn is longest ago. So a run of a few requests,
    one after the other, does not wait for all those that another run has in line.
    """

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._lanes: dict[Run, deque[Flight]] = {}
        self._under_way: Counter[Run] = Counter()
        self._turns = 0
        self._last: WeakKeyDictionary[Run, int] = WeakKeyDictionary()

    def join(self, flight: Flight, run: Run) -> None:
        """Let `flight` wait for a turn of `run`; it goes with the first of all runs that wait for it."""
        self._lanes.setdefault(run, deque()).append(flight)

    def next(self) -> Flight | None:
        """The flight whose turn it is, on a seat of its own; None if nobody waits or no seat is free."""
        if self._free == 0:
            return None
        for run, lane in list(self._lanes.items()):
            while lane and (lane[0].task is not None or lane[0].waiting == 0):
                lane.popleft()  # gone with another run, or called off
            if not lane:
                del self._lanes[run]
        if not self._lanes:
            return None
        first = min(self._lanes, key=lambda run: (self._under_way[run], self._last.get(run, 0)))
        flight = self._lanes[first].popleft()
        flight.seat = first
        self._free -= 1
        self._under_way[first] += 1
        self._turns += 1
        self._last[first] = self._turns
        return flight

    def leave(self, flight: Flight) -> None:
        """Free the seat of `flight`, if it has one."""
        if flight.seat is not None:
            self._free += 1
            self._under_way[flight.seat] -= 1
            if not self._under_way[flight.seat]:
                del self._under_way[flight.seat]
            flight.seat = None


@dataclass(slots=True)
class Ticket:
    """One request of a batch: its keys (one per text where cached per text), what is known, what flies."""

    request: Request
    model: Model | Failed
    keys: tuple[str, ...] = ()
    known: Mapping[str, Reply] = field(default_factory=dict)
    flights: list[Flight] = field(default_factory=list)
    missing: int = 0  # flights that have not landed
    source: Source = "none"
    reply: Reply | Failed | None = None


class Tray:
    """The tickets of a batch whose flights have all landed, until the asker takes them."""

    def __init__(self) -> None:
        self._tickets: list[Ticket] = []
        self._wake: asyncio.Future[None] | None = None

    def put(self, ticket: Ticket) -> None:
        """Lay down a ticket."""
        self._tickets.append(ticket)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def take(self) -> list[Ticket]:
        """All that lie there; waits for the first."""
        if not self._tickets:
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        taken, self._tickets = self._tickets, []
        return taken
