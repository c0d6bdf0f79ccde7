"""A run under control: its spending limit, asking again, and dropping at once what is in flight."""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from reranking.jobs import Jobs
from reranking.models import FREE, ModelError, Predicted
from reranking.providers.local import LocalModel, Worker
from reranking.providers.registry import Registry
from reranking.replies import Choices, Receipt
from reranking.requests import Choose
from reranking.strategies.catalogue import make
from tests.oracles import Scripted
from tests.support import documents


class Priced(Scripted):
    """Says yes to every document; each call costs 10 cents, except for one that is named `free`."""

    def __init__(self, name="m", **extra):
        self.asked = []
        super().__init__(self._reply, name=name, fingerprint=name, **extra)

    def _reply(self, request, number):
        self.asked.append((request.shown, request.nonce))
        cost = 0.0 if self.name == "free" else 0.1
        return Choices(logprobs=(-0.1 * number, -1.0), receipt=Receipt(cost_usd=cost))

    def predicted(self, request):
        return FREE if self.name == "free" else Predicted(0.05, 0.05, 0.1)


def begin(jobs, models, *strategies, count=6, session=None, **options):
    session = session or jobs.store.sessions.new({})
    chosen = [make(strategy) for strategy in strategies]
    return jobs.start(session, "comparison", "query", documents(count), chosen, models.__getitem__, **options)


def wait_until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def outcomes(status):
    return [ranking.outcome for ranking in status.rankings]


def test_a_job_that_reaches_its_limit_stops_says_why_and_leaves_the_free_strategies_complete(jobs, store):
    models = {"m": Priced(), "free": Priced("free")}
    job = begin(jobs, models, "yes-no(model='m')", "yes-no(model='free')", "bm25", budget_usd=0.35)
    status = jobs.wait(job, 20)
    assert status.state == "failed"
    assert status.problem == (
        "The run reached its spending limit of $0.35: about $0.30 is spent, and the next request may cost up to $0.10. "
        "Raise the limit and resume the run."
    )
    assert outcomes(status) == ["partial", "complete", "complete"]
    assert models["m"].count == 3
    (note,) = [note for note in status.rankings[0].diagnostics if note.code == "budget"]
    assert len(note.indexes) == 3
    again = Jobs(store, lambda ref: ref).status(job)
    assert (again.state, again.problem, again.limit) == ("failed", status.problem, 0.35)
    assert outcomes(again) == outcomes(status)


def test_a_call_that_may_have_been_charged_for_still_counts_after_a_resume(jobs, store):
    class Lost(Priced):
        def _reply(self, request, number):
            if number == 1:
                raise ModelError("timeout", "No answer came in time.")
            return super()._reply(request, number)

    models = {"m": Lost()}
    job = begin(jobs, models, "yes-no(model='m')", budget_usd=0.35)
    jobs.wait(job, 20)
    assert store.calls.spent(job) == pytest.approx(0.3)  # the lost one at the most that it may cost
    before = models["m"].count
    jobs.resume(job, models.__getitem__)
    assert jobs.wait(job, 20).state == "failed"
    assert models["m"].count == before


def test_calls_under_way_that_are_cancelled_count_with_the_most_that_they_may_cost_also_after_a_restart(jobs, store):
    class Hangs(Priced):
        async def answer(self, request):
            if request.shown[0] >= 2 and self.hang:
                await asyncio.sleep(600)
            return await super().answer(request)

    model = Hangs(concurrency=3)
    model.hang = True
    models = {"m": model}
    job = begin(jobs, models, "yes-no(model='m')", budget_usd=0.7)
    wait_until(lambda: jobs.status(job).parts[0].done == 2)
    jobs.cancel(job)
    assert jobs.wait(job, 20).state == "cancelled"
    assert store.calls.spent(job) == pytest.approx(0.5)  # two replies, and three calls that may have been charged for
    assert [row.failed.code for row in store.calls.of(job) if row.failed] == ["cancelled"] * 3
    (bill,) = store.calls.spending()
    assert (bill.calls, bill.calls_of_unknown_cost, bill.cost_usd) == (5, 3, pytest.approx(0.2))
    model.hang = False
    later = Jobs(store, lambda ref: ref)
    later.resume(job, models.__getitem__)
    assert later.wait(job, 20).state == "failed"  # two of the four that are left fit into the limit
    assert model.count == 4


def test_calls_under_way_when_the_server_is_killed_count_with_the_most_that_they_may_cost(store):
    """The real thing: another process is killed while three calls of 10 cents at most are under way."""
    script = textwrap.dedent(f"""
        import asyncio, os, sys
        sys.path.insert(0, {os.getcwd()!r})
        from reranking.jobs import Jobs
        from reranking.store import open_store
        from tests.test_run_control import Priced, begin
        class Hangs(Priced):
            async def answer(self, request):
                return await (asyncio.sleep(600) if request.shown[0] >= 2 else super().answer(request))
        model = Hangs(concurrency=3)
        jobs = Jobs(open_store({str(store.path)!r}), lambda ref: model)
        job = begin(jobs, {{"m": model}}, "yes-no(model='m')", budget_usd=0.55)
        print(job, flush=True)
        jobs.wait(job)
    """)

    def said(column):
        with store.database.read() as connection:
            return connection.execute(f"SELECT {column} FROM jobs WHERE id = ?", (job,)).fetchone()[0]

    victim = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    job = victim.stdout.readline().strip()
    wait_until(lambda: store.calls.count(job) == 2 and said("at_most_usd") > 0.45)
    victim.kill()
    victim.wait()
    assert store.calls.spent(job) == pytest.approx(0.2)
    wait_until(lambda: store.jobs.state(job) == "interrupted")
    models, jobs = {"m": Priced(concurrency=3)}, Jobs(store, lambda ref: ref)
    jobs.resume(job, models.__getitem__)
    status = jobs.wait(job, 20)
    assert store.calls.spent(job) == pytest.approx(0.5)
    assert (status.state, models["m"].count) == ("failed", 0)
    assert "about $0.50 is spent" in status.problem
    jobs.resume(job, models.__getitem__, budget_usd=0.9)
    assert (jobs.wait(job, 20).state, models["m"].count) == ("done", 4)
    assert store.calls.spent(job) == pytest.approx(0.9)


def test_what_a_run_had_asked_itself_before_it_was_cut_is_not_called_saved(jobs, store):
    """Two strategies ask the same six questions: six are saved, whether the run is cut in between or not."""
    models = {"m": Priced()}
    chosen = ("yes-no(model='m')", "yes-no(model='m')")
    whole = jobs.wait(begin(jobs, models, *chosen), 20)
    assert sum(part.saved for part in whole.parts) == 6
    again = {"m": Priced("another")}
    job = begin(jobs, again, *chosen, budget_usd=0.35)
    jobs.wait(job, 20)
    later = Jobs(store, lambda ref: ref)
    later.resume(job, again.__getitem__, budget_usd=1.0)
    status = later.wait(job, 20)
    assert again["m"].count == 6
    usages = [ranking.usage for ranking in status.rankings]
    assert outcomes(status) == ["complete"] * 2
    assert sum(part.saved for part in status.parts) == 6
    assert sum(usage.resumed for usage in usages) == 3
    assert sum(usage.shared for usage in usages) == 6
    assert sum(usage.spent_usd for usage in usages) == pytest.approx(0.6)
    assert sum(part.spent_usd for part in status.parts) == pytest.approx(0.6)


def test_a_run_that_is_answered_from_the_cache_has_spent_nothing(jobs):
    models = {"m": Priced()}
    jobs.wait(begin(jobs, models, "yes-no(model='m')"), 20)
    (part,) = jobs.wait(begin(jobs, models, "yes-no(model='m')"), 20).parts
    assert (part.saved, part.spent_usd, part.ranking.usage.cost_usd) == (6, 0.0, pytest.approx(0.6))


def test_a_limit_of_nothing_fails_what_costs_and_runs_what_does_not(jobs):
    models = {"m": Priced()}
    status = jobs.wait(begin(jobs, models, "yes-no(model='m')", "bm25", budget_usd=0.0), 20)
    assert outcomes(status) == ["failed", "complete"]
    assert models["m"].count == 0


def test_raising_the_limit_and_resuming_goes_on_without_paying_twice(jobs, store):
    models = {"m": Priced()}
    job = begin(jobs, models, "yes-no(model='m')", "bm25", budget_usd=0.35)
    before = jobs.wait(job, 20)
    jobs.resume(job, models.__getitem__, budget_usd=0.6)
    status = jobs.wait(job, 20)
    assert (status.state, status.problem) == ("done", "")
    assert outcomes(status) == ["complete", "complete"]
    assert status.rankings[1] == before.rankings[1]  # what was complete did not run again
    assert sorted(shown for shown, _ in models["m"].asked) == [(at,) for at in range(6)]
    assert (status.rankings[0].usage.requests, status.rankings[0].usage.cached) == (6, 3)
    assert status.budget.spent == pytest.approx(0.6)
    assert store.calls.spent(job) == pytest.approx(0.6)


def test_what_a_job_has_spent_counts_when_it_is_resumed(jobs):
    models = {"m": Priced()}
    job = begin(jobs, models, "yes-no(model='m')", budget_usd=0.35)
    jobs.wait(job, 20)
    jobs.resume(job, models.__getitem__)
    assert jobs.wait(job, 20).state == "failed"
    assert models["m"].count == 3
    jobs.resume(job, models.__getitem__, budget_usd=0.45)
    assert jobs.wait(job, 20).state == "failed"
    assert models["m"].count == 4
    jobs.resume(job, models.__getitem__, budget_usd=None)
    assert jobs.wait(job, 20).state == "done"
    assert models["m"].count == 6


def test_a_bias_test_has_one_limit_for_all_its_shuffles(jobs):
    models = {"m": Priced()}
    session = jobs.store.sessions.new({})
    job = jobs.start(
        session, "bias", "q", documents(3), [make("yes-no(model='m')")], models.__getitem__,
        orders=[(0, 1, 2), (2, 1, 0)], budget_usd=0.45,
    )  # fmt: skip
    status = jobs.wait(job, 20)
    assert status.state == "failed"
    assert models["m"].count == 4


def test_asking_again_asks_one_strategy_anew_and_the_others_nothing(jobs):
    models = {"m": Priced(), "n": Priced("n")}
    session = jobs.store.sessions.new({})
    chosen = ("yes-no(model='m')", "yes-no(model='n')")
    first = jobs.wait(begin(jobs, models, *chosen, session=session), 20)
    again = jobs.wait(begin(jobs, models, *chosen, session=session, nonces=["again", None]), 20)
    assert (models["m"].count, models["n"].count) == (12, 6)
    assert [ranking.usage.cached for ranking in again.rankings] == [0, 6]
    assert again.rankings[1].order == first.rankings[1].order
    kept = {at: jobs.store.jobs.rankings(job)[0].ranking for at, job in enumerate((first.id, again.id))}
    assert kept == {0: first.rankings[0], 1: again.rankings[0]}  # the old answers stay recorded
    assert [item.score for item in kept[0]] != [item.score for item in kept[1]]


def test_the_same_nonce_again_finds_the_answers_that_it_brought(jobs):
    models = {"m": Priced()}
    for _ in range(2):
        status = jobs.wait(begin(jobs, models, "yes-no(model='m')", nonces=["again"]), 20)
    assert models["m"].count == 6
    assert status.rankings[0].usage.cached == 6
    assert jobs.wait(begin(jobs, models, "yes-no(model='m')"), 20).rankings[0].usage.cached == 0


def test_a_run_that_asks_again_and_is_cut_short_resumes_with_the_new_answers(jobs, store):
    class Hangs(Priced):
        async def answer(self, request):
            if request.nonce == "again" and self.count >= 9 and self.hang:
                await asyncio.sleep(600)
            return await super().answer(request)

    model = Hangs(concurrency=1)
    model.hang = True
    models = {"m": model}
    jobs.wait(begin(jobs, models, "yes-no(model='m')"), 20)
    job = begin(jobs, models, "yes-no(model='m')", nonces=["again"])
    wait_until(lambda: jobs.status(job).parts[0].done == 3)
    jobs.cancel(job)
    assert jobs.wait(job, 20).state == "cancelled"
    model.hang = False
    later = Jobs(store, lambda ref: ref)  # as after a restart: what is to be asked again stands in the store
    later.resume(job, models.__getitem__)
    status = later.wait(job, 20)
    assert (status.state, status.rankings[0].usage.cached) == ("done", 3)
    assert sorted(shown for shown, nonce in model.asked if nonce == "again") == [(at,) for at in range(6)]


class Silent:
    """A server that accepts every connection, reads, and never answers."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.open = self.accepted = 0
        ready = threading.Event()
        self.thread = threading.Thread(target=self._serve, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait(20)

    def _serve(self, ready):
        async def start():
            self.server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self.port = self.server.sockets[0].getsockname()[1]
            ready.set()

        self.loop.run_until_complete(start())
        self.loop.run_forever()

    async def _accept(self, reader, writer):
        self.open += 1
        self.accepted += 1
        try:
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            writer.close()

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)


@pytest.fixture
def silent():
    server = Silent()
    yield server
    server.stop()


def test_cancel_closes_the_connections_to_a_server_that_never_answers_and_sends_nothing_more(jobs, silent):
    registry = Registry()
    session = jobs.store.sessions.new({})
    strategy = make(f"yes-no(model='openai-compatible:m@http://127.0.0.1:{silent.port}/v1')")
    job = jobs.start(session, "comparison", "q", documents(40), [strategy], registry.resolve)
    wait_until(lambda: silent.open == 16)  # as many as the connection takes; the other 24 are in line
    jobs.cancel(job)
    assert jobs.wait(job, 20).state == "cancelled"
    wait_until(lambda: silent.open == 0)
    time.sleep(0.2)
    assert silent.accepted == 16


def test_another_job_goes_on_with_what_a_cancelled_one_leaves_in_flight(jobs, silent):
    """Both ask the same; cancelling one of them takes nothing from the other."""
    registry = Registry()
    strategy = make(f"yes-no(model='openai-compatible:m@http://127.0.0.1:{silent.port}/v1')")
    sessions = [jobs.store.sessions.new({}) for _ in range(2)]
    first, second = (
        jobs.start(session, "comparison", "q", documents(4), [strategy], registry.resolve) for session in sessions
    )
    wait_until(lambda: silent.open == 4)
    jobs.cancel(first)
    jobs.wait(first, 20)
    time.sleep(0.2)
    assert silent.open == 4
    jobs.cancel(second)
    jobs.wait(second, 20)
    wait_until(lambda: silent.open == 0)


def test_a_job_on_a_local_model_ends_at_once_though_its_thread_finishes_the_item_it_is_at(jobs):
    begun, go_on, finished = threading.Event(), threading.Event(), []

    def choose(loaded, request, unwanted):
        begun.set()
        go_on.wait(20)
        finished.append(request.shown)
        return Choices(logprobs=(-0.5, -1.0))

    model = LocalModel("local", "local", Worker(lambda: object()), {Choose: choose})
    job = begin(jobs, {"m": model}, "yes-no(model='m')", "bm25")
    assert begun.wait(20)
    jobs.cancel(job)
    status = jobs.wait(job, 20)
    assert status.state == "cancelled"
    assert finished == []  # the thread is still at its first item, and the job is over
    go_on.set()
    wait_until(lambda: finished == [(0,)])
    time.sleep(0.1)
    assert finished == [(0,)]  # those that waited for the thread were dropped
