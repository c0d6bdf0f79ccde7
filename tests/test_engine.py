"""The engine drives any generator, side by side, and contains its faults."""

import asyncio
import inspect
import threading
from typing import Literal

import pytest

from reranking.engine import all_of, drive, estimate, run_strategy
from reranking.gateway import Gateway
from reranking.gateway.runs import Run
from reranking.providers.simulated import Rehearsal
from reranking.ranking import by_order
from reranking.replies import Text
from reranking.requests import Generate, Message
from reranking.strategies.base import AsksModel, Strategy, aside, together, until
from reranking.strategies.catalogue import make
from tests.oracles import Scripted
from tests.support import candidates, gateway, rank


class Chains(AsksModel):
    """`chains` independent chains of `length` dependent requests."""

    title = "Chains"
    family = "Baseline"
    kind: Literal["test-chains"] = "test-chains"
    chains: int = 3
    length: int = 4

    def steps(self, query, candidates):
        def chain(number):
            said = []
            for step in range(self.length):
                text = f"{number} {step} {said}"
                (reply,) = yield [Generate(model=self.model, task="x", messages=(Message("user", text),))]
                said.append(reply.text)
            return said

        results = yield together(*(chain(number) for number in range(self.chains)))
        return by_order(candidates, range(len(candidates)), details={"results": results})


def test_generators_run_together_take_the_time_of_the_longest_and_keep_their_order():
    waves = []
    pending = 0

    async def answer():
        nonlocal pending
        pending += 1
        await asyncio.sleep(0.002)
        waves.append(pending)
        pending -= 1
        return Text(text="ok")

    model = Scripted(lambda request, number: answer())
    ranking = rank(Chains(model=model), 2)
    assert ranking.details["results"] == [["ok"] * 4] * 3
    assert model.count == 12
    assert waves[0] == 3


def test_a_fault_in_one_part_ends_the_others_and_the_strategy_only():
    class Faulty(Chains):
        kind: Literal["test-faulty"] = "test-faulty"

        def steps(self, query, candidates):
            def bad():
                yield [Generate(model=self.model, task="x", messages=())]
                raise RuntimeError("broken")

            yield together(bad(), *(super(Faulty, self).steps(query, candidates) for _ in range(2)))

    async def slow():
        await asyncio.sleep(0.005)
        return Text(text="x")

    async def both():
        door = gateway()
        model = Scripted(lambda request, number: slow())
        return await asyncio.gather(
            run_strategy(Faulty(model=model), "q", candidates(3), door),
            run_strategy(Chains(model=model), "q", candidates(3), door),
        )

    bad, good = asyncio.run(both())
    assert bad.outcome == "failed"
    assert bad.diagnostics[0].code == "strategy-error"
    assert good.outcome == "complete"


class Meeting(Chains):
    """Two parts: the second asks once the first has its first answer."""

    kind: Literal["test-meeting"] = "test-meeting"

    def steps(self, query, candidates):
        said = []

        def first():
            for step in range(3):
                (reply,) = yield [Generate(model=self.model, task="x", messages=(Message("user", f"first {step}"),))]
                said.append(reply.text)

        def second():
            yield until(lambda: len(said) >= 1)
            seen = len(said)
            yield [Generate(model=self.model, task="x", messages=(Message("user", "second"),))]
            return seen

        results = yield together(second(), first())
        return by_order(candidates, range(len(candidates)), details={"results": results})


def test_a_generator_can_wait_for_what_another_does_and_goes_on_at_once_when_it_is_done():
    asked = []

    async def answer(request):
        asked.append(request.messages[0].text)
        await asyncio.sleep(0.001)
        return Text(text="ok")

    ranking = rank(Meeting(model=Scripted(lambda request, number: answer(request))), 2)
    assert ranking.details["results"] == [1, None]
    assert asked.index("second") < asked.index("first 2")


def test_generators_that_wait_for_each_other_are_a_failure_and_not_an_endless_wait():
    class Stuck(Chains):
        kind: Literal["test-stuck"] = "test-stuck"

        def steps(self, query, candidates):
            def waits():
                yield until(lambda: False)

            yield together(waits(), waits())

    ranking = rank(Stuck(model=Scripted(lambda request, number: Text(text="x"))), 2)
    assert ranking.outcome == "failed"
    assert "wait for each other" in ranking.diagnostics[0].message


def test_a_slow_computation_runs_away_from_the_event_loop():
    class Thinks(Strategy):
        title = "Thinks"
        family = "Baseline"
        kind: Literal["test-thinks"] = "test-thinks"

        def steps(self, query, candidates):
            thread = yield aside(threading.get_ident)
            return by_order(candidates, range(len(candidates)), details={"thread": thread})

    assert rank(Thinks(), 1).details["thread"] != threading.get_ident()


def test_a_ranking_that_is_not_a_permutation_of_its_candidates_is_a_failure():
    class Loses(Strategy):
        title = "Loses"
        family = "Baseline"
        kind: Literal["test-loses"] = "test-loses"

        def steps(self, query, candidates):
            yield from ()
            return by_order(candidates[:-1], range(len(candidates) - 1))

    ranking = rank(Loses(), 3)
    assert ranking.outcome == "failed"
    assert ranking.order == (0, 1, 2)


def test_cancelling_closes_the_generator():
    closed = []

    class Waits(Chains):
        kind: Literal["test-waits"] = "test-waits"

        def steps(self, query, candidates):
            try:
                yield [Generate(model=self.model, task="x", messages=())]
            finally:
                closed.append(True)

    async def run():
        model = Scripted(lambda request, number: asyncio.sleep(60))
        task = asyncio.ensure_future(run_strategy(Waits(model=model), "q", candidates(2), gateway()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert closed == [True]


def test_an_estimate_counts_what_would_be_asked_and_sends_nothing():
    model = Scripted(lambda request, number: pytest.fail("sent"))
    stub = Gateway(lambda ref: Rehearsal.of(12))
    found = asyncio.run(estimate(Chains(model=model, chains=5, length=3), "q", candidates(4), stub))
    assert (found.requests, found.exact) == (15, True)


def test_an_estimate_is_exact_only_if_no_nested_strategy_asks_by_what_it_hears():
    stub = Gateway(lambda ref: Rehearsal.of(4))
    for stage, exact in (("pairwise-sort", False), ("pairwise-all", True)):
        cascade = make({"kind": "cascade", "stages": [{"strategy": {"kind": stage, "model": "a:b"}, "keep": 2}]})
        assert asyncio.run(estimate(cascade, "q", candidates(4), stub)).exact is exact


def test_progress_is_reported_after_every_answer():
    seen = []
    model = Scripted(lambda request, number: Text(text="x"))
    rank(Chains(model=model), 2, on_progress=lambda run: seen.append(run.requests))
    assert seen == list(range(1, 13))


def test_parts_that_were_not_begun_when_another_failed_are_closed():
    async def fails():
        raise ValueError("at once")

    async def is_fine():
        await asyncio.sleep(60)

    async def main():
        parts = [fails(), *(is_fine() for _ in range(3))]
        with pytest.raises(ValueError, match="at once"):
            await all_of(parts)
        return parts

    async def cancelled():
        parts = [is_fine() for _ in range(3)]
        task = asyncio.ensure_future(all_of(parts))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return parts

    for run in (main, cancelled):
        assert {inspect.getcoroutinestate(part) for part in asyncio.run(run())} == {inspect.CORO_CLOSED}


def test_what_the_first_branch_asks_is_sent_before_the_last_branch_is_drawn_up():
    happened = []

    async def answer(request, number):
        happened.append("sent")
        return Text(text="x")

    model = Scripted(answer)

    def branch(number):
        happened.append("drawn up")
        yield [Generate(model=model, task="x", messages=(Message("user", str(number)),))]

    def steps():
        yield together(*(branch(number) for number in range(9)))

    asyncio.run(drive(steps(), gateway(), Run("", "", [])))
    assert happened.count("drawn up") == happened.count("sent") == 9
    last = len(happened) - happened[::-1].index("drawn up") - 1
    assert "sent" in happened[:last]
