"""Jobs that are cut short: cancelled for real, resumed without asking twice."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

from reranking.jobs import Jobs
from reranking.replies import Choices
from reranking.store import StoreError
from tests.job_runs import resolver, start, wait_until
from tests.oracles import PerfectOracle, Scripted


def test_cancel_stops_requests_in_flight_and_keeps_what_came(jobs, store):
    released = []

    async def answer(request, number):
        if number > 3:
            try:
                await asyncio.sleep(60)
            finally:
                released.append(number)
        return PerfectOracle([0.5] * 6).choose(request, [0.5])

    async def reply(request, number):
        return Choices(logprobs=await answer(request, number))

    model = Scripted(reply, fingerprint="slow")
    job = start(jobs, model, "yes-no(model='m')", "bm25")
    parts = jobs.status(job).parts
    wait_until(lambda: model.count == 6 and parts[0].done == 3 and parts[1].ranking is not None)
    jobs.cancel(job)
    status = jobs.wait(job, 10)
    assert status.state == "cancelled"
    assert sorted(released) == [4, 5, 6]
    assert status.parts[0].ranking is None
    assert status.parts[1].ranking.outcome == "complete"
    assert store.jobs.get(job).state == "cancelled"


def test_resuming_asks_nothing_again_that_had_been_answered(jobs):

    asked = []

    async def reply(request, number):
        asked.append(request.content())
        if number in {4, 5, 6}:
            await asyncio.sleep(60)
        return Choices(logprobs=(-0.5, -1.0 - request.shown[0]))

    model = Scripted(reply, fingerprint="slow")
    job = start(jobs, model, "yes-no(model='m')")
    wait_until(lambda: model.count == 6 and jobs.status(job).parts[0].done == 3)
    jobs.cancel(job)
    jobs.wait(job, 10)
    jobs.resume(job, resolver(model))
    status = jobs.wait(job, 10)
    assert status.state == "done"
    assert status.parts[0].ranking.outcome == "complete"
    assert (status.parts[0].ranking.usage.requests, status.parts[0].ranking.usage.cached) == (6, 3)
    assert len(asked) == 9


def test_a_job_that_is_done_running_or_gone_cannot_be_resumed_and_says_why(jobs, store):
    job = start(jobs, None, "bm25")
    jobs.wait(job, 10)
    with pytest.raises(StoreError, match="finished already"):
        jobs.resume(job, resolver(None))
    store.sessions.delete(store.jobs.get(job).session)
    with pytest.raises(StoreError, match="not there any more"):
        jobs.resume(job, resolver(None))
    model = Scripted(lambda request, number: asyncio.sleep(60), fingerprint="slow")
    job = start(jobs, model, "yes-no(model='m')")
    with pytest.raises(StoreError, match="going on already"):
        jobs.resume(job, resolver(model))
    jobs.cancel(job)
    jobs.wait(job, 10)


def test_a_cancelled_job_that_another_process_goes_on_with_is_seen_at_work(jobs, store):
    model = Scripted(lambda request, number: asyncio.sleep(60), fingerprint="slow")
    job = start(jobs, model, "yes-no(model='m')")
    jobs.cancel(job)
    assert jobs.wait(job, 10).state == jobs.status(job).state == "cancelled"
    other = Jobs(store, lambda ref: ref)
    other.resume(job, resolver(model))
    assert jobs.status(job).state == "running"
    with pytest.raises(StoreError, match="going on already"):
        jobs.resume(job, resolver(model))
    other.cancel(job)
    other.wait(job, 10)
    assert jobs.status(job).state == "cancelled"


def test_a_killed_process_leaves_an_interrupted_job_that_resumes_where_it_was(tmp_path, store):
    """The real thing: another process is killed in the middle of a run."""
    path = store.path
    log = tmp_path / "asked.txt"
    script = textwrap.dedent(f"""
        import asyncio, os, sys
        sys.path.insert(0, {os.getcwd()!r})
        from reranking.jobs import Jobs
        from reranking.replies import Choices
        from reranking.store import open_store
        from reranking.strategies.catalogue import make
        from tests.support import documents
        from tests.oracles import Scripted
        hang = sys.argv[1] == "hang"
        async def reply(request, number):
            if hang and number > 4:
                await asyncio.sleep(60)
            with open({str(log)!r}, "a") as file:
                file.write(f"{{request.shown[0]}}\\n")
            return Choices(logprobs=(-0.5, -1.0 - request.shown[0]))
        model = Scripted(reply, name="m", fingerprint="m", concurrency=8)
        jobs = Jobs(open_store({str(path)!r}), lambda ref: model)
        if hang:
            session = jobs.store.sessions.new({{}})
            chosen = [make("yes-no(model='m')"), make("bm25")]
            job = jobs.start(session, "comparison", "q", documents(8), chosen, lambda ref: model)
            print(job, flush=True)
            jobs.wait(job)
        else:
            jobs.resume(sys.argv[2], lambda ref: model)
            print(jobs.wait(sys.argv[2], 20).state, flush=True)
    """)
    victim = subprocess.Popen([sys.executable, "-c", script, "hang"], stdout=subprocess.PIPE, text=True)
    job = victim.stdout.readline().strip()
    deadline = time.monotonic() + 20
    while not log.exists() or len(log.read_text().splitlines()) < 4 or len(store.jobs.rankings(job)) < 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)  # the fourth reply is committed within one group commit
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert store.jobs.get(job).state == "running"
    deadline = time.monotonic() + 20
    while store.jobs.get(job).state != "interrupted":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    result = subprocess.run([sys.executable, "-c", script, "go", job], capture_output=True, text=True, timeout=60)
    assert result.stdout.strip() == "done", result.stderr
    asked = [int(line) for line in log.read_text().splitlines()]
    assert sorted(asked) == list(range(8))
    ranking = store.jobs.rankings(job)[0].ranking
    assert (ranking.outcome, ranking.usage.cached) == ("complete", 4)


def test_a_run_that_was_cut_short_and_resumed_shows_each_of_its_requests_once(jobs, store):

    oracle = PerfectOracle([at / 6 for at in range(6)])
    stuck = [True]

    async def answer(request, number):
        if stuck and number > 12:
            await asyncio.sleep(60)
        return Choices(logprobs=(await oracle.answer(request)).logprobs)

    model = Scripted(answer, fingerprint="f")
    job = start(jobs, model, "pairwise-all(model='m')")
    (part,) = jobs.status(job).parts
    wait_until(lambda: part.done == 12)
    jobs.cancel(job)
    jobs.wait(job, 10)
    stuck.clear()
    jobs.resume(job, resolver(model))
    jobs.wait(job, 10)
    each_with_each = 6 * 5
    assert store.calls.count(job, 0) > each_with_each
    assert store.calls.count(job, 0, once=True) == each_with_each
    assert [store.calls.count(job, 0, index, once=True) for index in range(6)] == [5 * 2] * 6
    assert all(row.failed is None for row in store.calls.of(job, 0, once=True))
