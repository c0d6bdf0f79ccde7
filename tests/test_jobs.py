"""Jobs outlive what started them: stored first, cancelled for real, resumed without asking twice."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import pytest

from reranking.documents import Document
from reranking.jobs import Jobs, predict
from reranking.models import ModelError
from reranking.store import StoreError
from reranking.strategies.catalogue import make
from tests.oracles import PerfectOracle, Scripted
from tests.support import candidates, documents


def resolver(model):
    """Every model name is `model`: strategies in the store hold names, not objects."""
    return lambda ref: model


def start(jobs, model, *strategies, count=6, **options):
    session = jobs.store.sessions.new({})
    chosen = [make(strategy) for strategy in strategies]
    return jobs.start(
        session, options.pop("kind", "comparison"), "query", documents(count), chosen, resolver(model), **options
    )


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_finished_job_reads_the_same_from_the_store_as_from_memory(jobs, store):
    oracle = PerfectOracle([at / 6 for at in range(6)], fingerprint="oracle")
    job = start(jobs, oracle, "bm25", "yes-no(model='m')", "listwise(model='m')")
    live = jobs.wait(job, 10)
    again = Jobs(store, lambda ref: ref).status(job)
    assert live.state == again.state == "done"
    assert [part.ranking for part in again.parts] == [part.ranking for part in live.parts]
    assert again.candidates == live.candidates
    assert [part.strategy.spec() for part in again.parts] == [part.strategy.spec() for part in live.parts]


def test_one_strategy_that_cannot_run_leaves_the_others_complete(jobs):
    def resolve(ref):
        if ref == "gone":
            raise ModelError("no-key", "No API key for 'gone'. Set GONE_API_KEY.")
        return PerfectOracle([at / 6 for at in range(6)])

    session = jobs.store.sessions.new({})
    chosen = [make("yes-no(model='gone')"), make("yes-no(model='there')"), make("bm25")]
    job = jobs.start(session, "comparison", "q", documents(6), chosen, resolve)
    rankings = jobs.wait(job, 10).rankings
    assert [ranking.outcome for ranking in rankings] == ["failed", "complete", "complete"]
    assert rankings[0].diagnostics[0].message == "No API key for 'gone'. Set GONE_API_KEY."


def test_cancel_stops_requests_in_flight_and_keeps_what_came(jobs, store):
    released = []

    async def answer(request, number):
        if number > 3:
            try:
                await asyncio.sleep(60)
            finally:
                released.append(number)
        return PerfectOracle([0.5] * 6).choose(request, [0.5])

    from reranking.replies import Choices

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
    from reranking.replies import Choices

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


def test_a_job_whose_end_cannot_be_stored_still_says_how_it_ended(jobs, store, monkeypatch):
    def full(*given):
        raise StoreError("There is no room left.")

    monkeypatch.setattr(store.jobs, "end", full)
    monkeypatch.setattr(store.jobs, "keep_ranking", full)
    job = start(jobs, None, "bm25")
    jobs.wait(job, 10)
    status = jobs.status(job)
    assert (status.state, status.problem) == ("failed", "The job could not go on: There is no room left.")


def test_a_bias_job_runs_every_shuffle_with_requests_of_its_own(jobs):
    oracle = PerfectOracle([at / 6 for at in range(6)], fingerprint="oracle")
    orders = [(0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0), (0, 1, 2, 3, 4, 5)]
    job = start(jobs, oracle, "yes-no(model='m')", kind="bias", orders=orders)
    status = jobs.wait(job, 10)
    assert [part.order for part in status.parts] == orders
    assert {part.ranking.order for part in status.parts} == {(5, 4, 3, 2, 1, 0)}
    assert [part.ranking.usage.cached for part in status.parts] == [0, 0, 0]
    assert len(oracle.asked) == 18


def test_the_prediction_equals_what_is_asked(jobs):
    oracle = PerfectOracle([at / 6 for at in range(6)], fingerprint="oracle")
    for name in (
        "input-order",
        "bm25",
        "yes-no(model='m')",
        "grade(model='m')",
        "listwise(model='m')",
        "dense(model='m')",
    ):
        predicted = predict(make(name), "query", candidates(6))
        ranking = jobs.wait(start(jobs, oracle, name), 10).rankings[0]
        assert predicted.requests == ranking.usage.requests


@pytest.mark.parametrize("faulty", ["the model", "the prediction"])
def test_a_prediction_that_fails_takes_no_strategy_down(jobs, monkeypatch, faulty):
    def fails(*given):
        raise OverflowError("boom")

    oracle = PerfectOracle([at / 6 for at in range(6)], fingerprint="oracle")
    if faulty == "the model":
        oracle.predicted = fails
    else:
        monkeypatch.setattr("reranking.jobs.predict", fails)
    status = jobs.wait(start(jobs, oracle, "yes-no(model='m')", "bm25"), 10)
    assert (status.state, status.problem) == ("done", "")
    assert [ranking.outcome for ranking in status.rankings] == ["complete", "complete"]
    if faulty == "the model":
        assert (status.parts[0].predicted.requests, status.parts[0].predicted.unpriced) == (6, ("m",))
    else:
        assert status.parts[0].predicted is None


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


def test_documents_of_a_job_are_those_it_was_started_with(jobs):
    odd = [
        Document("same", id="x"),
        Document("same", id="x"),
        Document("<b>&</b>", title="t", metadata={"a": [1, None]}),
    ]
    session = jobs.store.sessions.new({})
    job = jobs.start(session, "comparison", "q", odd, [make("bm25")], resolver(None))
    jobs.wait(job, 10)
    assert [item.document for item in Jobs(jobs.store, lambda ref: ref).status(job).candidates] == odd


def test_a_ranking_that_cannot_be_stored_is_that_strategys_failure_only(jobs, monkeypatch):
    from reranking.strategies.lexical import BM25

    plain = BM25.steps

    def strange(self, query, candidates):
        ranking = yield from plain(self, query, candidates)
        return replace(ranking, details={"set": {1, 2}})

    monkeypatch.setattr(BM25, "steps", strange)
    status = jobs.wait(start(jobs, None, "bm25", "input-order"), 10)
    assert status.state == "done"
    assert [ranking.outcome for ranking in status.rankings] == ["failed", "complete"]
    assert "cannot be stored" in status.rankings[0].diagnostics[0].message


def test_deleting_a_session_stops_its_jobs(jobs, store):
    model = Scripted(lambda request, number: asyncio.sleep(60), fingerprint="slow", concurrency=1)
    job = start(jobs, model, "yes-no(model='m')")
    wait_until(lambda: model.count == 1)
    session = store.jobs.get(job).session
    jobs.cancel_session(session)
    store.sessions.delete(session)
    time.sleep(0.1)
    assert model.count == 1
    assert jobs._live == {}


def test_no_more_than_a_few_of_the_jobs_that_are_over_are_held_in_memory(jobs, monkeypatch):
    monkeypatch.setattr("reranking.jobs.MOST_ENDED", 3)
    started = [start(jobs, None, "bm25") for _ in range(5)]
    for job in started:
        jobs.wait(job, 10)
    assert len(jobs._ended) == 3
    assert [jobs.status(job).state for job in started] == ["done"] * 5  # those that were let go are read again
    assert len(jobs._ended) == 3


def test_nothing_of_a_deleted_session_is_held_in_memory(jobs, store):
    kept, doomed = start(jobs, None, "bm25"), start(jobs, None, "bm25")
    for job in (kept, doomed):
        jobs.wait(job, 10)
    session = store.jobs.get(doomed).session
    jobs.cancel_session(session)
    assert list(jobs._ended) == [kept]
    jobs.status(doomed)
    store.sessions.delete(session)  # by another process, which cannot say so
    assert jobs.status(doomed) is None
    assert list(jobs._ended) == [kept]


def test_a_job_whose_session_was_deleted_by_another_process_stops_by_itself(jobs, store):
    model = Scripted(lambda request, number: asyncio.sleep(60), fingerprint="slow")
    job = start(jobs, model, "yes-no(model='m')")
    store.sessions.delete(store.jobs.get(job).session)
    wait_until(lambda: not jobs._live)


def test_two_bias_tests_do_not_answer_each_other_from_the_cache(jobs):
    oracle = PerfectOracle([at / 6 for at in range(6)], fingerprint="oracle")
    for seed in (1, 2):
        status = jobs.wait(start(jobs, oracle, "yes-no(model='m')", kind="bias", orders=[range(6)], seed=seed), 10)
        assert status.rankings[0].usage.cached == 0


def test_a_stored_strategy_that_is_not_installed_keeps_its_ranking_readable(jobs, store):
    job = start(jobs, None, "bm25", "input-order")
    before = jobs.wait(job, 10).rankings
    with store.database.write() as connection:
        connection.execute("UPDATE jobs SET spec = replace(spec, '\"bm25\"', '\"gone\"')")
    status = Jobs(store, lambda ref: ref).status(job)
    assert status.parts[0].strategy.name == "gone (not installed)"
    assert status.rankings == before


def heartbeat(store, job):
    with store.database.read() as connection:
        return connection.execute("SELECT heartbeat FROM jobs WHERE id = ?", (job,)).fetchone()[0]


def test_a_heartbeat_that_cannot_be_stored_once_is_tried_again(jobs, store, monkeypatch):
    """A database that is busy for a moment must not make a job look interrupted: another process could pay for it."""
    beat, tried = store.jobs.beat, []

    def busy_at_first(*given):
        tried.append(time.monotonic())
        if len(tried) == 1:
            raise StoreError("The database was busy for 30 seconds.")
        return beat(*given)

    monkeypatch.setattr("reranking.jobs.BEAT_SECONDS", 0.01)
    monkeypatch.setattr(store.jobs, "beat", busy_at_first)
    model = Scripted(lambda request, number: asyncio.sleep(60), fingerprint="slow")
    job = start(jobs, model, "yes-no(model='m')")
    begun = heartbeat(store, job)
    wait_until(lambda: heartbeat(store, job) > begun)
    jobs.cancel(job)
    jobs.wait(job, 10)


def test_a_job_at_work_tells_how_many_requests_failed_and_when_the_last_was_answered(jobs):
    from reranking.replies import Choices

    async def answer(request, number):
        if number > 3:
            await asyncio.sleep(60)
        if number % 2:
            raise ModelError("bad-request", "No.")
        return Choices(logprobs=PerfectOracle([0.5] * 6).choose(request, [0.5]))

    model = Scripted(answer, fingerprint="f")
    job = start(jobs, model, "yes-no(model='m')")
    (part,) = jobs.status(job).parts
    wait_until(lambda: part.done == 3)
    assert part.failed == 2
    assert jobs.status(job).started <= part.answered <= time.time()
    jobs.cancel(job)
    jobs.wait(job, 10)
    jobs.resume(job, resolver(PerfectOracle([0.5] * 6)))
    assert [part.failed for part in jobs.wait(job, 10).parts] == [0]


def test_a_run_that_was_cut_short_and_resumed_shows_each_of_its_requests_once(jobs, store):
    from reranking.replies import Choices

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
