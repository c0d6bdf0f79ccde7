"""Who may ask a connection next, and who waits for which reply."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple
from weakref import WeakKeyDictionary

from reranking.archive import Source
from reranking.gateway.runs import Run
from reranking.models import Model
from reranking.replies import Failed, Reply
from reranking.requests import Request

MINUTE = 60.0


class Landed(NamedTuple):
    """How a flight ended: whether the model was really asked, the seconds until it had answered.

    `free` says that it failed and that nothing is charged for that; `unkept` is what kept its call from being recorded.
    """

    reply: Reply | Failed
    called: bool
    seconds: float = 0.0
    free: bool = False
    unkept: Exception | None = None

    @property
    def took(self) -> float:
        """The seconds that the model took: as it says itself, else those until it had answered."""
        stated = self.reply.receipt.seconds if self.reply.receipt is not None else None
        return self.seconds if stated is None else stated


class Limits(NamedTuple):
    """What a model says that its connection may be asked; the higher `as_of`, the later that was set."""

    as_of: int
    at_once: int
    per_minute: int | None


class Flight:
    """A request in line or under way: the parts of replies that it brings, and who still wants them."""

    __slots__ = (
        "held", "is_received", "keys", "line", "model", "refused", "request", "run", "seat", "task", "waiting",
        "watchers",
    )  # fmt: skip

    def __init__(self, request: Request, model: Model, keys: tuple[str, ...], run: Run, line: Line) -> None:
        self.request = request
        self.model = model
        self.keys = keys
        self.run = run
        self.line = line
        self.seat: Run | None = None  # in whose turn it was sent, until the model has answered
        self.task: asyncio.Task[Landed] | None = None  # None while it is in line
        self.is_received = False
        self.held: float | None = None  # what it may cost at most, while a spending limit counts with that
        self.refused: Failed | None = None  # why it must not be sent
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
        if self.task.cancelled() or self.task.exception() is not None:
            return True
        landed = self.task.result()
        return isinstance(landed.reply, Failed) or landed.unkept is not None

    @property
    def must_wait(self) -> bool:
        """Whether the spending limit lets it go only when calls under way turn out cheaper than they might."""
        budget = self.run.common.budget
        return budget is not None and budget.must_wait(budget.most(self.request, self.model), self.run)

    def take_off(self) -> None:
        """Have it counted by the spending limit of its run, which may refuse it."""
        budget = self.run.common.budget
        if budget is not None:
            most = budget.most(self.request, self.model)
            self.refused = budget.take(most, self.run, self.model.name)
            self.held = most if self.refused is None else None

    def settle(self, reply: Reply | Failed | None) -> float | None:
        """What the spending limit, if there is one, counts it with; `reply` is None if called off or never sent."""
        budget, held = self.run.common.budget, self.held
        self.held = None
        return None if budget is None or held is None else budget.settle(held, reply)

    def result(self) -> Landed:
        """How it ended."""
        assert self.task is not None
        return self.task.result()


class Line:
    """Who may ask a connection next, of all runs that want to.

    At most `limit` requests at once and, if that is given, `per_minute` that begin in any minute,
    each try of a call counted. Where models of the connection differ in what it may be asked, the
    strictest holds, whichever is asked; what was set last takes the place of all that was before.
    The next is always of the run that has the fewest under way, of equal ones that whose last
    turn is longest ago. So a run of a few requests, one after the other, does not wait for all
    those that another run has in line.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.per_minute: int | None = None
        self._said: dict[str, Limits] = {}  # by the model's name
        self._as_of = 0
        self.is_asleep = False  # whether somebody comes back when another request may begin
        self._lanes: dict[Run, deque[Flight]] = {}
        self._under_way: Counter[Run] = Counter()
        self._taken = 0
        self._begun: deque[float] = deque()
        self._turns = 0
        self._last: WeakKeyDictionary[Run, int] = WeakKeyDictionary()

    def hear(self, model: str, said: Limits) -> None:
        """Take note of what the model of that name says that may be asked here."""
        if said.as_of < self._as_of or self._said.get(model) == said:
            return
        if said.as_of > self._as_of:
            self._said.clear()
            self._as_of = said.as_of
        self._said[model] = said
        self.limit = min(one.at_once for one in self._said.values())
        self.per_minute = min((one.per_minute for one in self._said.values() if one.per_minute), default=None)

    def join(self, flight: Flight, run: Run) -> None:
        """Let `flight` wait for a turn of `run`; it goes with the first of all runs that wait for it."""
        self._lanes.setdefault(run, deque()).append(flight)

    def next(self) -> Flight | None:
        """The flight whose turn it is, on a seat of its own; None if nobody waits or none may go now."""
        if self._taken >= self.limit or not self._lanes or self.pause() > 0:
            return None
        for run, lane in list(self._lanes.items()):
            while lane and (lane[0].task is not None or lane[0].waiting == 0):
                lane.popleft()  # gone with another run, or called off
            if not lane:
                del self._lanes[run]
        ready = [run for run, lane in self._lanes.items() if not lane[0].must_wait]
        if not ready:
            return None
        first = min(ready, key=lambda run: (self._under_way[run], self._last.get(run, 0)))
        flight = self._lanes[first].popleft()
        flight.seat = first
        self._taken += 1
        self._under_way[first] += 1
        self._turns += 1
        self._last[first] = self._turns
        return flight

    def begin(self) -> None:
        """Count a request that begins now: also without a rate, since one may be set within the minute."""
        now = time.monotonic()
        self._forget(now - MINUTE)
        self._begun.append(now)

    def pause(self) -> float:
        """The seconds until another request may begin; 0 if one may now, or if nobody waits for it."""
        return self._until_free() if self._lanes else 0.0

    def pauses(self) -> Callable[[], float]:
        """For a request that has begun: called before each of its tries, it says how long that has to wait.

        Each try but the first, which is counted already, takes the place of a request that could begin then.
        """
        tries = count()

        def pause() -> float:
            if next(tries) == 0:
                return 0.0
            seconds = self._until_free()  # 0 without a rate; counted all the same, as in `begin`
            self._begun.append(time.monotonic() + seconds)
            return seconds

        return pause

    def _until_free(self) -> float:
        """The seconds until less than `per_minute` requests have begun in the last minute; 0 if it is so now."""
        if self.per_minute is None:
            return 0.0
        since = time.monotonic() - MINUTE
        self._forget(since)
        return max(0.0, self._begun[-self.per_minute] - since) if len(self._begun) >= self.per_minute else 0.0

    def _forget(self, since: float) -> None:
        """Count no request any more that began by then."""
        while self._begun and self._begun[0] <= since:
            self._begun.popleft()

    def leave(self, flight: Flight) -> None:
        """Free the seat of `flight`, if it has one."""
        if flight.seat is not None:
            self._taken -= 1
            self._under_way[flight.seat] -= 1
            if not self._under_way[flight.seat]:
                del self._under_way[flight.seat]
            flight.seat = None


@dataclass(slots=True)
class Ticket:
    """One request of a batch of `run`: its keys (one per text where cached per text), what is known, what flies."""

    run: Run
    request: Request
    model: Model | Failed
    keys: tuple[str, ...] = ()
    known: Mapping[str, Reply] = field(default_factory=dict)
    flights: list[Flight] = field(default_factory=list)
    missing: int = 0  # flights that have not landed
    source: Source = "none"
    reply: Reply | Failed | None = None
    seconds: float | None = None  # what the model took for the reply
    free: bool = False  # whether the reply is a failure that nothing is charged for
    is_waiting: bool = True  # whether its asker does


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
