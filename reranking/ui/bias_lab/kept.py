"""The bias tests that the current session holds, and their results, worked out once from the stored rankings."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from reranking.analysis.bias_plan import BiasPlan
from reranking.jobs import JobStatus
from reranking.store.jobs import JobRow
from reranking.strategies import bias_results
from reranking.strategies.base import Strategy
from reranking.strategies.bias_results import BiasResult, Ran, result_of
from reranking.ui import state
from reranking.views import bias_tests
from reranking.views.bias_tests import BiasTest

PARAMETER = "test"


def tests() -> list[BiasTest]:
    """The bias tests of the current session, newest first; the runs of remedies belong to their tests."""
    return bias_tests.tests_of(_rows())


def chosen(every: Sequence[BiasTest]) -> BiasTest | None:
    """The test that the URL names, else the newest."""
    wanted = st.query_params.get(PARAMETER)
    return next((test for test in every if test.id == wanted), every[0] if every else None)


def choose(test: BiasTest | None) -> None:
    """Name a test in the URL; None means the newest."""
    if test is not None:
        st.query_params[PARAMETER] = test.id
    elif PARAMETER in st.query_params:
        del st.query_params[PARAMETER]


def remedy_jobs(job: JobStatus, position: int) -> list[JobStatus]:
    """The jobs in which remedies for one strategy of a test are tried, oldest first."""
    found = [state.jobs().status(row.id) for row in bias_tests.remedy_rows(_rows(), job.id, position)]
    return [status for status in found if status is not None]


def result(job: JobStatus, position: int) -> BiasResult | None:
    """What the runs so far show of one strategy of a job; None as long as they show nothing."""
    assert job.plan is not None
    ran = bias_tests.ran(job, position)
    return _result((job.id, position, len(ran)), job.plan, ran)


@st.cache_resource(max_entries=128, show_spinner=False)
def _result(key: tuple[str, int, int], _plan: BiasPlan, _ran: Sequence[Ran]) -> BiasResult | None:
    job, position, _ = key
    return result_of(_plan, position, _ran, bias_tests.slot_calls(state.store(), job, position))


def ignores_order(strategy: Strategy) -> bool:
    """Whether the order of the input cannot matter to it, as far as its models say."""
    return bias_results.ignores_order(strategy, state.registry().resolve)


def is_steady(strategy: Strategy) -> bool:
    """Whether it gives the same ranking each time, as far as its models say."""
    return bias_results.is_steady(strategy, state.registry().resolve)


def _rows() -> list[JobRow]:
    session = st.session_state.session
    return [] if session is None else state.store().jobs.of(session, "bias")
