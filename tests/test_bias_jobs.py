"""Bias tests as jobs: the plan is kept, repeats and early stops are obeyed, and cut-short tests go on."""

import asyncio
import time

import pytest

from reranking.analysis.bias_plan import BiasPlan
from reranking.jobs import Jobs
from reranking.strategies.catalogue import make
from tests.oracles import PerfectOracle, Scripted
from tests.support import documents


def start(jobs, model, plan, *strategies, count=6):
    session = jobs.store.sessions.new({})
    chosen = [make(strategy) for strategy in strategies]
    return jobs.start(session, "bias", "query", documents(count), chosen, lambda ref: model, plan=plan)


def ran(status, position):
    return [part.repetition for part in status.parts if part.position == position and part.ranking is not None]


ORACLE = [at / 6 for at in range(6)]


def test_the_plan_reads_the_same_from_the_store_as_from_memory(jobs, store):
    plan = BiasPlan("pairs", 6, repeats=3, seed=4, steady=(0,), remedies_of=("other", 1))
    job = start(jobs, PerfectOracle(ORACLE, fingerprint="o"), plan, "bm25", "listwise(model='m')")
    live = jobs.wait(job, 20)
    again = Jobs(store, lambda ref: ref).status(job)
    assert live.plan == again.plan == plan
    assert [part.order for part in again.parts] == [part.order for part in live.parts]
    assert [part.ranking for part in again.parts] == [part.ranking for part in live.parts]


def test_a_steady_strategy_is_run_without_the_repeats_and_the_others_with_them(jobs):
    plan = BiasPlan("random", 5, repeats=3, steady=(0,))
    status = jobs.wait(start(jobs, PerfectOracle(ORACLE), plan, "bm25", "listwise(model='m')"), 20)
    assert ran(status, 0) == list(range(5))
    assert ran(status, 1) == list(range(8))
    assert [part.order for part in status.parts if part.position == 1][5:] == [tuple(range(6))] * 3


def test_each_run_is_asked_anew_also_where_the_order_is_the_same(jobs):
    oracle = PerfectOracle(ORACLE, fingerprint="o")
    jobs.wait(start(jobs, oracle, BiasPlan("pairs", 4, repeats=3), "listwise(model='m')"), 20)
    assert len({request.nonce for request in oracle.asked}) == len(oracle.asked) == 7


def test_a_test_that_stops_early_is_done_and_asks_no_more(jobs, store):
    oracle = PerfectOracle(ORACLE, fingerprint="o")  # certain from the first look on: nothing ever moves
    plan = BiasPlan("pairs", 40, within=0.5)
    job = start(jobs, oracle, plan, "listwise(model='m')")
    status = jobs.wait(job, 20)
    first = plan.stopping(6).looks[0]
    assert status.state == "done"
    assert ran(status, 0) == list(range(first))
    assert len(oracle.asked) == first
    assert ran(Jobs(store, lambda ref: ref).status(job), 0) == list(range(first))


@pytest.mark.parametrize("slow_disk", [False, True])
def test_a_cancelled_test_keeps_its_runs_and_resumes_with_the_missing_ones(jobs, monkeypatch, slow_disk):
    keep_ranking = jobs.store.jobs.keep_ranking

    def keep(*values):
        time.sleep(0.3 * slow_disk)
        keep_ranking(*values)

    monkeypatch.setattr(jobs.store.jobs, "keep_ranking", keep)
    released = asyncio.Event()

    async def answer(request, number):
        if number > 3:
            await released.wait()
        return await PerfectOracle(ORACLE).answer(request)

    model = Scripted(answer, fingerprint="slow")
    job = start(jobs, model, BiasPlan("pairs", 6), "listwise(model='m')")
    while len(jobs.status(job).rankings) < 3:
        time.sleep(0.01)
    jobs.cancel(job)
    assert jobs.wait(job, 20).state == "cancelled"
    kept = len(jobs.status(job).rankings)
    assert 3 <= kept < 6
    oracle = PerfectOracle(ORACLE, fingerprint="slow")
    jobs.resume(job, lambda ref: oracle)
    status = jobs.wait(job, 20)
    assert status.state == "done"
    assert ran(status, 0) == list(range(6))
    assert len(oracle.asked) == 6 - kept


def test_a_plan_that_does_not_fit_the_documents_is_refused_before_anything_is_stored(jobs, store):
    session = store.sessions.new({})
    with pytest.raises(ValueError, match="takes 6 shuffles"):
        jobs.start(session, "bias", "q", documents(6), [make("bm25")], lambda ref: ref, plan=BiasPlan("balanced", 12))
    assert store.jobs.of(session) == []
