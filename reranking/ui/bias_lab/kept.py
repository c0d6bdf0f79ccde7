"""The bias tests that a session holds, and their results, worked out once from the stored rankings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from reranking.analysis.bias_plan import BiasPlan, plan_from_json
from reranking.jobs import JobStatus
from reranking.store.jobs import JobRow
from reranking.strategies import bias_results
from reranking.strategies.base import Strategy
from reranking.strategies.bias_results import BiasResult, Ran, result_of
from reranking.strategies.catalogue import UnknownStrategyError, make
from reranking.ui import names, state

PARAMETER = "test"


@dataclass(frozen=True, slots=True)
class Kept:
    """Jobs that were started together, one for each query, as rows of the store; the plan is that of the first."""

    rows: tuple[JobRow, ...]
    plan: BiasPlan

    @property
    def id(self) -> str:
        """What names the test in the URL: its first job."""
        return self.rows[0].id

    def label(self) -> str:
        """When it was started, of what, and how far it is."""
        specs = self.rows[0].spec["strategies"]
        found = names.short_names([made for spec in specs if (made := _made(spec)) is not None])
        known = ", ".join(found) or "strategies that are not installed"
        states = {row.state for row in self.rows} - {"done"}
        ended = f" · {', '.join(sorted(states))}" if states else ""
        queries = f" · {len(self.rows)} queries" if len(self.rows) > 1 else ""
        when = datetime.fromtimestamp(self.rows[0].created)
        return f"{when:%d %b %H:%M} · {known} · {self.plan.shuffles} shuffles{queries}{ended}"


def tests() -> list[Kept]:
    """The bias tests of the current session, newest first; the runs of remedies belong to their tests."""
    session = st.session_state.session
    if session is None:
        return []
    found: dict[str, list[JobRow]] = {}
    plans: dict[str, BiasPlan] = {}
    for row in state.store().jobs.of(session, "bias"):
        plan = _plan(row)
        if plan is None or plan.remedies_of is not None:
            continue
        key = plan.batch or row.id
        found.setdefault(key, []).insert(0, row)  # newest first: those that were started together are put in order
        plans[key] = plan
    return [Kept(tuple(rows), plans[key]) for key, rows in found.items()]


def chosen(every: Sequence[Kept]) -> Kept | None:
    """The test that the URL names, else the newest."""
    wanted = st.query_params.get(PARAMETER)
    return next((test for test in every if test.id == wanted), every[0] if every else None)


def choose(test: Kept | None) -> None:
    """Name a test in the URL; None means the newest."""
    if test is not None:
        st.query_params[PARAMETER] = test.id
    elif PARAMETER in st.query_params:
        del st.query_params[PARAMETER]


def remedy_jobs(job: JobStatus, position: int) -> list[JobStatus]:
    """The jobs in which remedies for one strategy of a test are tried, oldest first."""
    session = st.session_state.session
    rows = [] if session is None else state.store().jobs.of(session, "bias")
    mine = [row for row in rows if (plan := _plan(row)) is not None and plan.remedies_of == (job.id, position)]
    found = [state.jobs().status(row.id) for row in reversed(mine)]
    return [status for status in found if status is not None]


def strategies_of(job: JobStatus) -> list[Strategy]:
    """The strategies of a job, in their order."""
    return list({part.position: part.strategy for part in job.parts}.values())


def result(job: JobStatus, position: int) -> BiasResult | None:
    """What the runs so far show of one strategy of a job; None as long as they show nothing.

    Runs that a spending limit cut short say nothing of the order, and are run again on Resume: they count as not run.
    """
    assert job.plan is not None
    ran = [
        Ran(part.repetition, part.order, part.ranking)
        for part in job.parts
        if part.position == position and part.ranking is not None and not part.is_cut
    ]
    return _result((job.id, position, len(ran)), job.plan, ran)


@st.cache_resource(max_entries=128, show_spinner=False)
def _result(key: tuple[str, int, int], _plan: BiasPlan, _ran: Sequence[Ran]) -> BiasResult | None:
    job, position, _ = key
    calls = [
        (row.repetition or 0, row.task, row.shown, row.reply or row.failed)
        for row in state.store().calls.of(job, position)
        if row.task in {"order", "pick"}
    ]
    return result_of(_plan, position, _ran, calls)


def ignores_order(strategy: Strategy) -> bool:
    """Whether the order of the input cannot matter to it, as far as its models say."""
    return bias_results.ignores_order(strategy, state.registry().resolve)


def is_steady(strategy: Strategy) -> bool:
    """Whether it gives the same ranking each time, as far as its models say."""
    return bias_results.is_steady(strategy, state.registry().resolve)


def _plan(row: JobRow) -> BiasPlan | None:
    value = row.spec.get("plan")
    return None if value is None else plan_from_json(value)


def _made(spec: object) -> Strategy | None:
    try:
        return make(spec)
    except UnknownStrategyError:
        return None
