"""Comparisons and bias tests as work that outlives the screen that started it.

A job is in the store before its first request. It runs on the background loop, its rankings
are stored as they come, and a job that was cut short is resumed from the reply cache.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Literal

from reranking.analysis.bias_plan import BiasPlan, plan_from_json
from reranking.analysis.bias_runs import bias_run
from reranking.documents import Candidate, Document, as_candidates
from reranking.engine import Estimate, all_of, run_strategy
from reranking.gateway import Budget, Common, Gateway, Resolve, Run
from reranking.jobs.prediction import predict, together
from reranking.jobs.status import JobStatus, Part, parts_of
from reranking.loop import background, submit
from reranking.ranking import Diagnostic, Ranking, failed
from reranking.store import JobKind, Store, StoreError
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import with_defaults
from reranking.strategies.unknown import made

__all__ = ["JobStatus", "Jobs", "Part", "predict", "together"]

BEAT_SECONDS = 1.0
LIMITED_BEAT_SECONDS = 0.25
"""For a job with a spending limit: calls that began after the last beat are not counted if the process is killed."""

CANCEL_SECONDS = 5.0

MOST_ENDED = 32
"""Jobs that are over and held in memory, with their documents and rankings; the others are read when asked for."""

NOT_RESUMED = {
    None: "This run is not there any more. Its session may have been deleted.",
    "done": "This run is finished already.",
}

EndState = Literal["done", "cancelled", "failed"]

logger = logging.getLogger(__name__)


@dataclass
class _Live:
    status: JobStatus
    resolve: Resolve
    common: Common
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
        budget_usd: float | None = None,
        nonces: Sequence[str | None] = (),
    ) -> str:
        """Store a job and start it; return its id.

        Each strategy runs once on each of `orders` (permutations of the documents' positions) or
        on those of a `plan`, or once on the input order if there is neither. `resolve` finds the
        models with the keys of the user who started the job. Raises ValueError if the plan does
        not fit the documents.

        With `budget_usd` at most that is spent (see `Budget`); a job that gets there ends as
        `failed`, and `resume` goes on with a higher limit. `nonces` holds one for each strategy: a
        new one has all its requests answered anew, the same one again finds those answers.
        """
        if plan is not None:
            orders, seed = plan.orders(len(documents)), plan.seed
        strategies = [with_defaults(strategy) for strategy in strategies]
        spec = {
            "strategies": [strategy.spec() for strategy in strategies],
            "orders": [list(order) for order in orders],
            "plan": None if plan is None else plan.to_json(),
            "budget_usd": budget_usd,
            "nonces": list(nonces),
        }
        budget = None if budget_usd is None else Budget(budget_usd)
        job = self.store.jobs.add(session, kind, query, documents, spec, seed)
        parts = parts_of(strategies, orders, len(documents), plan, nonces)
        candidates = as_candidates(documents)
        status = JobStatus(
            job,
            session,
            kind,
            query,
            candidates,
            parts,
            "running",
            time.time(),
            plan=plan,
            limit=budget_usd,
            budget=budget,
        )
        self._begin(_Live(status, resolve, Common(budget)))
        return job

    def status(self, job: str) -> JobStatus | None:
        """The job as it stands, or None if there is none of that id."""
        with self._lock:
            known = self._live.get(job)
            if known is not None:
                return known.status
            ended = self._ended.get(job)
        if ended is not None:
            state = self.store.jobs.state(job)
            if state == ended.state or (state is not None and not ended.is_kept):
                return ended
            with self._lock:  # another process has gone on with it, or its session was deleted
                self._ended.pop(job, None)
        status = self._stored(job)
        if status is not None and status.state == "done":
            with self._lock:
                self._remember(status)
        return status

    def _remember(self, status: JobStatus) -> None:
        """Hold on to a job that is over, so that it is not read anew for each look; with the lock held."""
        self._ended[status.id] = status
        while len(self._ended) > MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    def cancel(self, job: str) -> None:
        """Stop a job of this process: requests in flight are dropped, what came is kept."""
        with self._lock:
            live = self._live.get(job)
        if live is not None:
            background().call_soon_threadsafe(self._stop, live)

    def cancel_session(self, session: str) -> None:
        """Stop all jobs of a session that is about to be deleted, wait until they are over, and let go of them."""
        with self._lock:
            mine = [live for live in self._live.values() if live.status.session == session]
        for live in mine:
            self.cancel(live.status.id)
        for live in mine:
            live.over.wait(CANCEL_SECONDS)
        with self._lock:
            self._ended = {id: status for id, status in self._ended.items() if status.session != session}

    def resume(
        self, job: str, resolve: Resolve, *, budget_usd: float | Literal["as before"] | None = "as before"
    ) -> None:
        """Go on with a job that was interrupted, cancelled or failed.

        Strategies that had ended keep their rankings, unless the spending limit had kept some of
        their requests from being sent; the others run again, and what was answered before is taken
        from the reply cache. What the job has spent before counts towards its limit, with what calls
        may have cost that were under way when its process was killed. Raises
        StoreError if there is nothing to go on with: it is running, done or gone.
        """
        with self._lock:
            self._ended.pop(job, None)
        if job in self._live or not self.store.jobs.resume(job):
            raise StoreError(NOT_RESUMED.get(self.store.jobs.state(job), "This run is going on already."))
        status = self._stored(job)
        assert status is not None
        status.parts = [
            replace(part, ranking=None, done=0, saved=0, spent_usd=0.0) if part.is_cut else part
            for part in status.parts
        ]
        limit = status.limit if budget_usd == "as before" else budget_usd
        status.budget = None if limit is None else Budget(limit, self.store.calls.spent(job))
        status.problem = ""
        self._begin(_Live(status, resolve, Common(status.budget, *self._asked_before(status))))

    def wait(self, job: str, seconds: float | None = None) -> JobStatus:
        """Wait until a job of this process is over and return how it ended. Raises TimeoutError."""
        with self._lock:
            live = self._live.get(job)
        if live is not None:
            if not live.over.wait(seconds):
                raise TimeoutError(f"job {job} is still running")
            return live.status
        status = self.status(job)
        assert status is not None
        return status

    def is_over_within(self, job: str, seconds: float) -> bool:
        """Whether a job of this process is over by then; waits for that, and no longer."""
        with self._lock:
            live = self._live.get(job)
            ended = job in self._ended
        return live.over.wait(seconds) if live is not None else ended

    def _asked_before(self, status: JobStatus) -> tuple[set[str], set[str]]:
        """The keys of what a job asked before it is resumed: in parts that are over, and in those that run again."""
        over = {(part.position, part.repetition) for part in status.parts if part.ranking is not None}
        keys: tuple[set[str], set[str]] = set(), set()
        for part, asked in self.store.calls.answered(status.id).items():
            keys[part not in over].update(asked)
        return keys

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
            if status.budget is not None and status.budget.reasons and state == "done":
                state, status.problem = "failed", " ".join(status.budget.reasons)
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
        await all_of([self._strategy(live, list(parts)) for _, parts in groups])

    async def _strategy(self, live: _Live, parts: Sequence[Part]) -> None:
        """Run one strategy on its orders: all at once, or in waves until its plan has enough of them."""
        plan = live.status.plan
        waves = [[part.repetition for part in parts]] if plan is None else plan.waves(len(live.status.candidates))
        for wave in waves:
            if plan is not None and await asyncio.to_thread(_is_enough, plan, parts):
                return
            await all_of([self._run(live, part) for part in parts if part.repetition in wave and part.ranking is None])

    async def _run(self, live: _Live, part: Part) -> None:
        status = live.status
        candidates = [status.candidates[index] for index in part.order]
        if part.repetition == 0:
            part.predicted = await asyncio.to_thread(_predicted, part.strategy, status.query, candidates, live.resolve)

        def count(run: Run) -> None:
            if run.requests > part.done:
                part.answered = time.time()
            part.done, part.saved, part.spent_usd = run.requests, run.cached - run.resumed, run.spent_usd
            part.failed, part.troubles = run.failed, tuple(run.troubles.values())

        ranking = await run_strategy(
            part.strategy,
            status.query,
            candidates,
            self.gateway,
            label=f"{status.id}/{part.position}/{part.repetition}",
            resolve=live.resolve,
            nonce=f"{status.id}/{part.repetition}" if status.kind == "bias" else part.nonce,
            on_progress=count,
            common=live.common,
        )
        part.ranking = ranking
        storing = asyncio.ensure_future(asyncio.to_thread(self._kept, status, part, ranking))
        try:
            part.ranking = await asyncio.shield(storing)
        except asyncio.CancelledError:
            while not storing.done():  # what is shown as finished is there when the run goes on
                with suppress(asyncio.CancelledError):  # one comes from each level above
                    await asyncio.wait([storing])
            raise

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
            await asyncio.sleep(BEAT_SECONDS if live.status.budget is None else LIMITED_BEAT_SECONDS)
            try:
                await asyncio.to_thread(self.store.jobs.beat, live.status.id, live.status.may_have_spent)
                is_gone = await asyncio.to_thread(self.store.jobs.state, live.status.id) is None
            except Exception:  # whatever it is: a job that falls silent may be taken up by another process
                logger.exception("job %s could not say that it is at work", live.status.id)
                continue
            if is_gone:
                self._stop(live)  # its session was deleted, perhaps by another process

    async def _end(self, live: _Live, state: EndState) -> None:
        status = live.status
        try:
            await asyncio.to_thread(self.store.jobs.end, status.id, state, status.problem, status.may_have_spent)
        except StoreError as error:
            status.is_kept = False
            logger.warning("job %s ended as %s, which cannot be stored: %s", status.id, state, error)
        finally:
            status.state = state
            with self._lock:
                del self._live[status.id]
                self._remember(status)
            live.over.set()

    def _stored(self, job: str) -> JobStatus | None:
        row = self.store.jobs.get(job)
        if row is None:
            return None
        strategies = [made(spec) for spec in row.spec["strategies"]]
        kept_plan = row.spec.get("plan")
        plan = None if kept_plan is None else plan_from_json(kept_plan)
        parts = parts_of(strategies, row.spec["orders"], len(row.documents), plan, row.spec.get("nonces", ()))
        kept = {(entry.position, entry.repetition): entry.ranking for entry in self.store.jobs.rankings(job)}
        for part in parts:
            part.ranking = kept.get((part.position, part.repetition))
            if part.ranking is not None:
                usage = part.ranking.usage
                part.done, part.saved, part.spent_usd = usage.requests, usage.cached - usage.resumed, usage.spent_usd
        candidates = as_candidates(row.documents)
        return JobStatus(
            job, row.session, row.kind, row.query, candidates, parts, row.state, row.created, row.problem,
            plan=plan, limit=row.spec.get("budget_usd"),
        )  # fmt: skip


def _predicted(strategy: Strategy, query: str, candidates: Sequence[Candidate], resolve: Resolve) -> Estimate | None:
    """What `predict` says; None where it fails, which is no reason not to run the strategy."""
    try:
        return predict(strategy, query, candidates, resolve)
    except Exception:
        logger.exception("what %s is going to ask cannot be predicted", strategy.name)
        return None


def _is_enough(plan: BiasPlan, parts: Sequence[Part]) -> bool:
    shuffles = [part for part in parts if part.repetition < plan.shuffles]
    over = [(part.order, part.ranking) for part in shuffles if part.ranking is not None and not part.is_cut]
    return plan.is_enough([bias_run(order, ranking) for order, ranking in over])
