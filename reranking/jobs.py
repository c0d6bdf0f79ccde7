"""Comparisons and bias tests as work that outlives the screen that started it.

A job is in the store before its first request. It runs on the background loop, its rankings
are stored as they come, and a job that was cut short is resumed from the reply cache.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any, ClassVar, Literal

from typing_extensions import override

from reranking.analysis.bias_plan import BiasPlan, plan_from_json
from reranking.analysis.bias_runs import bias_run
from reranking.documents import Candidate, Candidates, Document, as_candidates
from reranking.engine import Estimate, estimate, run_strategy
from reranking.gateway import Gateway, Resolve, Run
from reranking.loop import background, submit
from reranking.providers.simulated import Rehearsal
from reranking.ranking import Diagnostic, Ranking, failed
from reranking.replies import Failed, Reply
from reranking.requests import Request
from reranking.store import JobKind, JobState, Store, StoreError
from reranking.strategies.base import Family, Steps, Strategy
from reranking.strategies.catalogue import UnknownStrategyError, make, with_defaults

BEAT_SECONDS = 1.0
CANCEL_SECONDS = 5.0

EndState = Literal["done", "cancelled", "failed"]

logger = logging.getLogger(__name__)


@dataclass
class Part:
    """One strategy on one order of the candidates: a comparison's column, a bias test's run.

    `order` holds the original positions as given to the strategy. `predicted` is None until
    it is known; `done` and `cost_usd` grow while it runs; `ranking` is there when it is over.
    """

    position: int
    repetition: int
    strategy: Strategy
    order: tuple[int, ...]
    predicted: Estimate | None = None
    done: int = 0
    cost_usd: float | None = 0.0
    ranking: Ranking | None = None


@dataclass
class JobStatus:
    """A job as it stands now. `problem` says why a `failed` job could not go on.

    `created` is when it was first started, `started` when this process began to work on it.
    `plan` is how a bias test was set up; parts of a test that is done without a ranking were not
    needed any more.
    """

    id: str
    session: str
    kind: JobKind
    query: str
    candidates: tuple[Candidate, ...]
    parts: list[Part]
    state: JobState
    created: float
    problem: str = ""
    started: float = field(default_factory=time.time)
    plan: BiasPlan | None = None

    @property
    def rankings(self) -> list[Ranking]:
        """The rankings that are there, in the order of the strategies."""
        return [part.ranking for part in self.parts if part.ranking is not None]


@dataclass
class _Live:
    status: JobStatus
    resolve: Resolve
    task: asyncio.Task[None] | None = None  # known to the loop only
    stopped: bool = False
    over: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """All jobs of one store. Thread-safe; work runs on the background loop."""

    def __init__(self, store: Store, resolve: Resolve) -> None:
        self.store = store
        self.gateway = Gateway(resolve, store.archive)
        self._live: dict[str, _Live] = {}
        self._ended: dict[str, JobStatus] = {}
        self._lock = threading.Lock()

    def start(
        self,
        session: str,
        kind: JobKind,
        query: str,
        documents: Sequence[Document],
        strategies: Sequence[Strategy],
        resolve: Resolve,
        *,
        orders: Sequence[Sequence[int]] = (),
        seed: int = 0,
        plan: BiasPlan | None = None,
    ) -> str:
        """Store a job and start it; return its id.

        Each strategy runs once on each of `orders` (permutations of the documents' positions) or
        on those of a `plan`, or once on the input order if there is neither. `resolve` finds the
        models with the keys of the user who started the job. Raises ValueError if the plan does
        not fit the documents.
        """
        if plan is not None:
            orders, seed = plan.orders(len(documents)), plan.seed
        strategies = [with_defaults(strategy) for strategy in strategies]
        spec = {
            "strategies": [strategy.spec() for strategy in strategies],
            "orders": [list(order) for order in orders],
            "plan": None if plan is None else plan.to_json(),
        }
        job = self.store.jobs.add(session, kind, query, documents, spec, seed)
        parts = _parts(strategies, orders, len(documents), plan)
        candidates = as_candidates(documents)
        status = JobStatus(job, session, kind, query, candidates, parts, "running", time.time(), plan=plan)
        self._begin(_Live(status, resolve))
        return job

    def status(self, job: str) -> JobStatus | None:
        """The job as it stands, or None if there is none of that id."""
        with self._lock:
            known = self._live.get(job)
            if known is not None:
                return known.status
            if job in self._ended:
                return self._ended[job]
        status = self._stored(job)
        if status is not None and status.state == "done":
            with self._lock:
                self._ended[job] = status
                while len(self._ended) > 32:
                    del self._ended[next(iter(self._ended))]
        return status

    def cancel(self, job: str) -> None:
        """Stop a job of this process: requests in flight are dropped, what came is kept."""
        with self._lock:
            live = self._live.get(job)
        if live is not None:
            background().call_soon_threadsafe(self._stop, live)

    def cancel_session(self, session: str) -> None:
        """Stop all jobs of a session that is about to be deleted, and wait until they are over."""
        with self._lock:
            mine = [live for live in self._live.values() if live.status.session == session]
        for live in mine:
            self.cancel(live.status.id)
        for live in mine:
            live.over.wait(CANCEL_SECONDS)

    def resume(self, job: str, resolve: Resolve) -> None:
        """Go on with a job that was interrupted, cancelled or failed.

        Strategies that had ended keep their rankings; the others run again, and what was
        answered before is taken from the reply cache. Raises ValueError if it is running.
        """
        with self._lock:
            self._ended.pop(job, None)
        if job in self._live or not self.store.jobs.resume(job):
            raise ValueError("only a job that was cut short can be resumed")
        status = self._stored(job)
        assert status is not None
        self._begin(_Live(status, resolve))

    def wait(self, job: str, seconds: float | None = None) -> JobStatus:
        """Wait until a job of this process is over and return how it ended. Raises TimeoutError."""
        with self._lock:
            live = self._live.get(job)
        if live is not None and not live.over.wait(seconds):
            raise TimeoutError(f"job {job} is still running")
        status = self.status(job)
        assert status is not None
        return status

    def _begin(self, live: _Live) -> None:
        with self._lock:
            self._live[live.status.id] = live
        submit(self._work(live))

    def _stop(self, live: _Live) -> None:
        live.stopped = True
        if live.task is not None:
            live.task.cancel()

    async def _work(self, live: _Live) -> None:
        status = live.status
        beat = asyncio.ensure_future(self._beat(live))
        state: EndState = "failed"
        live.task = asyncio.current_task()
        try:
            if not live.stopped:
                await self._all_parts(live)
            state = "cancelled" if live.stopped else "done"
        except asyncio.CancelledError:
            state = "cancelled"
        except Exception as error:  # the store failed; a strategy's own faults end in its ranking
            logger.exception("job %s failed", status.id)
            status.problem = f"The job could not go on: {error}"
        finally:
            beat.cancel()
            await self._end(live, state)

    async def _all_parts(self, live: _Live) -> None:
        groups = groupby(live.status.parts, key=lambda part: part.position)
        await _all_of([self._strategy(live, list(parts)) for _, parts in groups])

    async def _strategy(self, live: _Live, parts: Sequence[Part]) -> None:
        """Run one strategy on its orders: all at once, or in waves until its plan has enough of them."""
        plan = live.status.plan
        waves = [[part.repetition for part in parts]] if plan is None else plan.waves(len(live.status.candidates))
        for wave in waves:
            if plan is not None and await asyncio.to_thread(_is_enough, plan, parts):
                return
            await _all_of([self._run(live, part) for part in parts if part.repetition in wave and part.ranking is None])

    async def _run(self, live: _Live, part: Part) -> None:
        status = live.status
        candidates = [status.candidates[index] for index in part.order]
        if part.repetition == 0:
            part.predicted = await asyncio.to_thread(predict, part.strategy, status.query, candidates)

        def count(run: Run) -> None:
            part.done, part.cost_usd = run.requests, run.cost_usd

        ranking = await run_strategy(
            part.strategy,
            status.query,
            candidates,
            self.gateway,
            label=f"{status.id}/{part.position}/{part.repetition}",
            resolve=live.resolve,
            nonce=f"{status.id}/{part.repetition}" if status.kind == "bias" else None,
            on_answer=count,
        )
        part.ranking = ranking
        part.ranking = await asyncio.to_thread(self._kept, status, part, ranking)

    def _kept(self, status: JobStatus, part: Part, ranking: Ranking) -> Ranking:
        """Store a ranking and return it; one that cannot be stored is that strategy's failure only."""
        try:
            self.store.jobs.keep_ranking(status.id, part.position, part.repetition, part.order, ranking)
        except StoreError as error:
            if self.store.jobs.state(status.id) is None:
                raise
            candidates = [item.candidate for item in ranking]
            ranking = replace(
                failed(candidates, [Diagnostic("strategy-error", f"The ranking cannot be stored: {error}")]),
                strategy=ranking.strategy,
                usage=ranking.usage,
            )
            self.store.jobs.keep_ranking(status.id, part.position, part.repetition, part.order, ranking)
        return ranking

    async def _beat(self, live: _Live) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await asyncio.to_thread(self.store.jobs.beat, [live.status.id])
            if await asyncio.to_thread(self.store.jobs.state, live.status.id) is None:
                self._stop(live)  # its session was deleted, perhaps by another process

    async def _end(self, live: _Live, state: EndState) -> None:
        status = live.status
        try:
            await asyncio.to_thread(self.store.jobs.end, status.id, state)
        except StoreError as error:
            logger.warning("job %s ended as %s, which cannot be stored: %s", status.id, state, error)
        finally:
            status.state = state
            with self._lock:
                del self._live[status.id]
                self._ended[status.id] = status
            live.over.set()

    def _stored(self, job: str) -> JobStatus | None:
        row = self.store.jobs.get(job)
        if row is None:
            return None
        strategies = [_made(spec) for spec in row.spec["strategies"]]
        kept_plan = row.spec.get("plan")
        plan = None if kept_plan is None else plan_from_json(kept_plan)
        parts = _parts(strategies, row.spec["orders"], len(row.documents), plan)
        kept = {(entry.position, entry.repetition): entry.ranking for entry in self.store.jobs.rankings(job)}
        for part in parts:
            part.ranking = kept.get((part.position, part.repetition))
            if part.ranking is not None:
                part.done, part.cost_usd = part.ranking.usage.requests, part.ranking.usage.cost_usd
        candidates = as_candidates(row.documents)
        return JobStatus(job, row.session, row.kind, row.query, candidates, parts, row.state, row.created, plan=plan)


class UnknownStrategy(Strategy):
    """A stored strategy that this installation does not have; its stored ranking can still be read."""

    title: ClassVar[str] = "Unknown strategy"
    family: ClassVar[Family] = "Baseline"

    stored: dict[str, Any]

    @property
    @override
    def name(self) -> str:
        return f"{self.stored.get('kind', 'unknown')} (not installed)"

    @override
    def spec(self) -> dict[str, Any]:
        return self.stored

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        yield from ()
        return failed(candidates, [Diagnostic("unknown-strategy", f"{self.name}: install what it comes from.")])


def _made(spec: dict[str, Any]) -> Strategy:
    try:
        return make(spec)
    except UnknownStrategyError:
        return UnknownStrategy(stored=spec)


def predict(strategy: Strategy, query: str, candidates: Sequence[Candidate]) -> Estimate:
    """What a strategy will ask, from a rehearsal that sends nothing. Not to be called on the loop."""
    count = 1 + max((item.index for item in candidates), default=-1)
    return asyncio.run(estimate(strategy, query, candidates, _Rehearsed(Rehearsal.of(count))))


class _Rehearsed:
    """Answers at once from a rehearsal, without the gateway's bookkeeping."""

    def __init__(self, model: Rehearsal) -> None:
        self.model = model

    async def ask(self, requests: Sequence[Request], run: Run) -> list[Reply | Failed]:
        return [await self.model.answer(request) for request in requests]


async def _all_of(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Do all of it at once; when one raises, cancel the others and wait for them before raising."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_enough(plan: BiasPlan, parts: Sequence[Part]) -> bool:
    shuffles = [part for part in parts if part.repetition < plan.shuffles]
    return plan.is_enough([bias_run(part.order, part.ranking) for part in shuffles if part.ranking is not None])


def _parts(
    strategies: Sequence[Strategy], orders: Sequence[Sequence[int]], count: int, plan: BiasPlan | None
) -> list[Part]:
    given: Sequence[Sequence[int]] = orders or [range(count)]
    return [
        Part(position, repetition, strategy, tuple(order))
        for position, strategy in enumerate(strategies)
        for repetition, order in enumerate(given)
        if plan is None or plan.is_run(position, repetition)
    ]
