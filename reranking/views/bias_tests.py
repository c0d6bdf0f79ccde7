"""The bias tests that a session holds, and their results from what the store keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reranking.analysis.bias_plan import BiasPlan, plan_from_json
from reranking.analysis.designs import Kind
from reranking.jobs import JobStatus
from reranking.store import JobRow, Store
from reranking.strategies.base import Strategy
from reranking.strategies.bias_results import BiasResult, Ran, result_of
from reranking.strategies.catalogue import UnknownStrategyError, make
from reranking.strategies.slot_replies import SlotCall
from reranking.views.naming import Naming

DESIGNS: dict[Kind, str] = {
    "pairs": "Orders and their reverses",
    "balanced": "Balanced (Williams square)",
    "random": "Random orders",
}
ABOUT_DESIGNS: dict[Kind, str] = {
    "pairs": "Each shuffle and its reverse, so that no document comes early on average",
    "balanced": "Each document once at each place, each after each other; the most precise",
    "random": "Independent shuffles",
}


@dataclass(frozen=True, slots=True)
class BiasTest:
    """Jobs that were started together, one for each query, as rows of the store; the plan is that of the first."""

    rows: tuple[JobRow, ...]
    plan: BiasPlan

    @property
    def id(self) -> str:
        """What names the test: its first job."""
        return self.rows[0].id

    def label(self, naming: Naming) -> str:
        """When it was started, of what, and how far it is."""
        specs = self.rows[0].spec["strategies"]
        found = naming.short_names([made for spec in specs if (made := _made(spec)) is not None])
        known = ", ".join(found) or "strategies that are not installed"
        states = {row.state for row in self.rows} - {"done"}
        ended = f" · {', '.join(sorted(states))}" if states else ""
        queries = f" · {len(self.rows)} queries" if len(self.rows) > 1 else ""
        when = datetime.fromtimestamp(self.rows[0].created)
        return f"{when:%d %b %H:%M} · {known} · {self.plan.shuffles} shuffles{queries}{ended}"


def tests_of(rows: Sequence[JobRow]) -> list[BiasTest]:
    """The tests among the bias jobs of a session, newest first, as the jobs are; remedies belong to their tests."""
    found: dict[str, list[JobRow]] = {}
    plans: dict[str, BiasPlan] = {}
    for row in rows:
        plan = _plan(row)
        if plan is None or plan.remedies_of is not None:
            continue
        key = plan.batch or row.id
        found.setdefault(key, []).insert(0, row)  # newest first: those that were started together are put in order
        plans[key] = plan
    return [BiasTest(tuple(mine), plans[key]) for key, mine in found.items()]


def remedy_rows(rows: Sequence[JobRow], job: str, position: int) -> list[JobRow]:
    """Those of the bias jobs in which remedies for one strategy of a job are tried, oldest first."""
    return [row for row in reversed(rows) if (plan := _plan(row)) is not None and plan.remedies_of == (job, position)]


def strategies_of(job: JobStatus) -> list[Strategy]:
    """The strategies of a job, in their order."""
    return list({part.position: part.strategy for part in job.parts}.values())


def ran(job: JobStatus, position: int) -> list[Ran]:
    """The runs of one strategy of a test so far.

    Runs that a spending limit cut short say nothing of the order, and are run again on Resume: they count as not run.
    """
    return [
        Ran(part.repetition, part.order, part.ranking)
        for part in job.parts
        if part.position == position and part.ranking is not None and not part.is_cut
    ]


def slot_calls(store: Store, job: str, position: int) -> list[SlotCall]:
    """What the runs of one strategy asked about several passages at once, and the answers."""
    return [
        (row.repetition or 0, row.task, row.shown, row.reply or row.failed)
        for row in store.calls.of(job, position, once=True)
        if row.task in {"order", "pick"}
    ]


def read_result(store: Store, job: JobStatus, position: int) -> BiasResult | None:
    """What the runs so far show of one strategy of a test; None as long as they show nothing."""
    assert job.plan is not None
    return result_of(job.plan, position, ran(job, position), slot_calls(store, job.id, position))


def _plan(row: JobRow) -> BiasPlan | None:
    value = row.spec.get("plan")
    return None if value is None else plan_from_json(value)


def _made(spec: object) -> Strategy | None:
    try:
        return make(spec)
    except UnknownStrategyError:
        return None
