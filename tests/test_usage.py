"""What a strategy's account says: what was shared, what came from earlier runs, and how long models took."""

import asyncio

import pytest

from reranking.archive import MemoryArchive
from reranking.engine import run_strategy
from reranking.gateway import Common, Gateway, Run
from reranking.gateway.keys import keys_of
from reranking.models import ModelError, Predicted
from reranking.replies import Receipt, Scores, Text
from reranking.requests import Score
from reranking.strategies.catalogue import make as strategy
from tests.gateways import ask, generate, make
from tests.oracles import PerfectOracle, Scripted
from tests.support import candidates


def took(seconds, fingerprint="f", **extra):
    """A model that says its calls took so long (None: it does not say)."""
    return Scripted(
        lambda request, number: Text(text="x", receipt=Receipt(seconds=seconds)), fingerprint=fingerprint, **extra
    )


def account(run):
    return run.requests, run.cached, run.shared


def test_what_the_same_comparison_asked_for_is_told_from_what_earlier_ones_did():
    archive, model, common = MemoryArchive(), took(1.0), Common()
    ask(make(archive), [generate(model, "old")])
    first, second = Run(common=common), Run(common=common)
    ask(make(archive), [generate(model, name) for name in ("old", "new", "new")], first)
    ask(make(archive), [generate(model, name) for name in ("old", "new")], second)
    assert account(first) == (3, 2, 1)
    assert account(second) == (2, 2, 1)


def test_what_was_paid_is_told_from_what_replies_from_the_cache_cost_when_they_were_sent():
    archive = MemoryArchive()
    model = Scripted(lambda request, number: Text(text="x", receipt=Receipt(cost_usd=0.25)), fingerprint="f")
    ask(make(archive), [generate(model, "old")])
    run = Run()
    ask(make(archive), [generate(model, name) for name in ("old", "new", "new")], run)
    assert (run.cost_usd, run.spent_usd) == (0.75, 0.25)
    assert (run.usage(1.0).cost_usd, run.usage(1.0).spent_usd) == (0.75, 0.25)


def test_what_a_resumed_comparison_had_asked_before_counts_once_as_its_own_and_then_as_shared():
    archive = MemoryArchive()
    model = Scripted(lambda request, number: Text(text="x", receipt=Receipt(cost_usd=0.25)), fingerprint="f")
    ask(make(archive), [generate(model, name) for name in ("earlier", "finished", "mine")])
    keys = {call.request.messages[0].text: call.key for call in archive.calls}
    common = Common(None, asked=[keys["finished"]], resumed=[keys["mine"]])
    first, second = Run(common=common), Run(common=common)
    ask(make(archive), [generate(model, name) for name in ("earlier", "finished", "mine", "mine", "new")], first)
    ask(make(archive), [generate(model, name) for name in ("mine", "new")], second)
    assert (*account(first), first.resumed, first.spent_usd) == (5, 4, 2, 1, 0.5)
    assert (*account(second), second.resumed, second.spent_usd) == (2, 2, 2, 0, 0.0)


def test_what_has_to_be_asked_again_after_the_cache_was_cleared_is_no_own_earlier_reply():
    model = took(1.0)
    (key,) = keys_of(generate(model, "mine"), model)
    run = Run(common=Common(None, resumed=[key]))
    ask(make(), [generate(model, "mine")] * 2, run)
    assert (*account(run), run.resumed) == (2, 1, 1, 0)


def test_a_request_in_flight_for_another_comparison_is_not_counted_as_shared_within_this_one():
    async def slow(request, number):
        await asyncio.sleep(0.01)
        return Text(text="x")

    model = Scripted(slow, fingerprint="f")
    one, other = Run(), Run()

    async def both():
        door = make()
        await asyncio.gather(door.ask([generate(model)], one), door.ask([generate(model)] * 2, other))

    asyncio.run(both())
    assert account(one) == (1, 0, 0)
    assert account(other) == (2, 2, 0)


def test_all_pairs_and_sorting_on_the_same_list_share_their_comparisons():
    """Sorting asks nothing that all pairs have not asked: the comparison sends n (n - 1) requests, no more."""
    oracle = PerfectOracle([at / 10 for at in range(10)], fingerprint="oracle")
    gateway, common = Gateway(lambda ref: ref), Common()

    async def compare():
        chosen = [strategy({"kind": kind, "model": oracle}) for kind in ("pairwise-all", "pairwise-sort")]
        asked = (run_strategy(one, "q", candidates(10), gateway, common=common) for one in chosen)
        return await asyncio.gather(*asked)

    every, sorting = (ranking.usage for ranking in asyncio.run(compare()))
    assert len(oracle.asked) == every.requests + sorting.requests - every.cached - sorting.cached == 90
    saved = every.shared + sorting.shared
    assert saved == every.cached + sorting.cached == sorting.requests > 0


def test_a_rerun_from_the_cache_still_tells_how_long_the_model_took():
    archive, model = MemoryArchive(), took(2.5)
    runs = [Run(), Run()]
    for run in runs:
        ask(make(archive), [generate(model, name) for name in "abcd"], run)
    assert [run.model_seconds for run in runs] == [10.0, 10.0]
    assert [run.usage(0.1).model_seconds for run in runs] == [10.0, 10.0]


def test_an_unknown_time_of_the_model_stays_unknown():
    archive, model = MemoryArchive(), took(None)
    sent, cached = Run(), Run()
    for run in (sent, cached):
        ask(make(archive), [generate(model)], run)
    assert sent.model_seconds > 0  # measured here
    assert cached.model_seconds is None


def test_the_time_of_a_call_that_failed_counts_and_that_of_one_never_made_does_not():
    def fail(request, number):
        raise ModelError("bad-reply", "Unreadable.", receipt=Receipt(seconds=3.0))

    def no_key(request, number):
        raise ModelError("no-key", "No key.")

    run = Run()
    ask(make(), [generate(Scripted(fail))], run)
    ask(make(), [generate(Scripted(no_key))], run)
    assert run.model_seconds == 3.0


@pytest.mark.parametrize(("price", "cost"), [(0.0, 0.0), (1e-6, None)])
def test_a_failed_call_costs_nothing_where_all_calls_are_free_and_is_unknown_where_not(price, cost):
    def fail(request, number):
        raise RuntimeError("boom")

    class Archive(MemoryArchive):
        async def keep(self, call):
            kept.append(call.free)

    kept = []
    run = Run()
    ask(make(Archive()), [generate(Scripted(fail, predicted=lambda request: Predicted(0.0, price, price)))], run)
    assert (run.cost_usd, run.spent_usd, kept) == (cost, cost, [cost == 0])


def test_single_texts_from_the_cache_count_their_share_of_the_call_that_brought_them():
    def score(request, number):
        count = len(request.texts)
        receipt = Receipt(seconds=0.5 * count, cost_usd=0.0)
        return Scores(scores=(1.0,) * count, score_kind="logit", cut=(False,) * count, receipt=receipt)

    archive, model = MemoryArchive(), Scripted(score, fingerprint="f")

    def seconds(*texts):
        run = Run()
        ask(make(archive), [Score(model=model, task="score", query="q", texts=texts)], run)
        return run.model_seconds

    assert seconds("a", "b", "c", "d") == pytest.approx(2.0)
    assert seconds("a", "b") == pytest.approx(1.0)
    assert seconds("a", "x", "y") == pytest.approx(0.5 + 1.0)


def test_the_keys_of_the_outside_contract_are_there_with_their_old_meaning():
    run = Run()
    ask(make(), [generate(took(1.0))], run)
    assert list(run.usage(0.25).__dataclass_fields__)[:6] == [
        "requests", "cached", "input_tokens", "output_tokens", "cost_usd", "seconds",
    ]  # fmt: skip
    assert run.usage(0.25).seconds == 0.25


def test_requests_whose_tokens_nobody_stated_are_counted_apart():
    archive, run = MemoryArchive(), Run()
    stated = Scripted(lambda request, number: Text(text="x", receipt=Receipt(input_tokens=5)), fingerprint="f")
    silent = Scripted(lambda request, number: Text(text="x"), fingerprint="g")
    ask(make(archive), [generate(stated, "a"), generate(stated, "a"), generate(silent, "b")], run)
    usage = run.usage(1.0)
    assert (usage.requests, usage.input_tokens, usage.uncounted) == (3, 10, 1)


def test_the_tokens_of_vectors_from_earlier_runs_are_unknown_and_not_zero():
    archive, found = MemoryArchive(), []
    for _ in range(2):
        model = Scripted(
            lambda request, number: Scores(
                scores=(1.0, 0.0), score_kind="logit", cut=(False, False), receipt=Receipt(input_tokens=9)
            ),
            fingerprint="f",
        )
        run = Run()
        ask(make(archive), [Score(model=model, task="score", query="q", texts=("one", "two"))], run)
        found.append((run.requests, run.cached, run.input_tokens, run.uncounted))
    assert found == [(1, 0, 9, 0), (1, 1, 0, 1)]
