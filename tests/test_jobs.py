"""Jobs outlive what started them: stored first, held in memory for a while, gone with their session."""

import asyncio
import time
from dataclasses import replace

import pytest

from reranking.documents import Document
from reranking.jobs import Jobs, predict
from reranking.models import ModelError, tries
from reranking.replies import Choices
from reranking.store import StoreError
from reranking.strategies.catalogue import make
from tests.job_runs import resolver, start, wait_until
from tests.oracles import PerfectOracle, Scripted
from tests.support import candidates, documents


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


def test_a_part_says_what_its_requests_met_with_that_are_tried_again_and_that_is_no_answer(jobs):
    async def answer(request, number):
        if number == 1:
            return Choices(logprobs=(-0.1, -2.0))
        await asyncio.sleep(0.1)
        tries.get().meet("error 503" if number % 2 else "rate limit")
        await asyncio.sleep(60)

    model = Scripted(answer, fingerprint="f")
    job = start(jobs, model, "yes-no(model='m')")
    (part,) = jobs.status(job).parts
    wait_until(lambda: part.done == 1)
    met = time.time()
    wait_until(lambda: len(part.troubles) == 5)
    assert sorted(part.troubles) == ["error 503"] * 2 + ["rate limit"] * 3
    assert part.answered < met
    jobs.cancel(job)
    assert jobs.wait(job, 10).state == "cancelled"
