"""The spending limit: what is sent, what waits, what is turned away, and what is said about it."""

import asyncio
import contextlib
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.archive import MemoryArchive
from reranking.gateway import Budget, Common, Gateway, Run
from reranking.gateway.budget import dollars
from reranking.models import FREE, ModelError, Predicted
from reranking.replies import Failed, Receipt, Text
from tests.gateways import ask, generate, make
from tests.oracles import Scripted


def reply(cost, text="x"):
    return Text(text=text, receipt=Receipt(cost_usd=cost))


def priced(most, cost=None, seconds=0.0, **extra):
    """A model whose calls may cost `most` dollars and cost `cost`, and the most that was under way at once."""
    cost = most if cost is None else cost

    async def answer(request, number):
        model.now += 1
        model.at_once = max(model.at_once, model.now)
        await asyncio.sleep(seconds)
        model.now -= 1
        return reply(cost, str(number))

    predicted = None if most is None else Predicted(most / 2, most / 2, most)
    model = Scripted(answer, predicted=lambda request: predicted, fingerprint="priced", now=0, at_once=0, **extra)
    return model


def limited(dollars, spent=0.0):
    return Run(common=Common(Budget(dollars, spent)))


def many(model, count):
    return [generate(model, str(at)) for at in range(count)]


def codes(replies):
    return [reply.code if isinstance(reply, Failed) else "" for reply in replies]


def test_no_request_is_sent_that_could_take_the_spending_over_the_limit():
    model, run = priced(0.1), limited(0.35)
    replies = ask(make(), many(model, 10), run)
    assert codes(replies) == [""] * 3 + ["budget"] * 7
    assert model.count == 3
    assert run.common.budget.spent == pytest.approx(0.3)
    assert (run.requests, run.turned_away) == (3, 7)


def test_a_request_that_was_turned_away_says_why_and_what_to_do():
    run = limited(0.1)
    failed, _ = ask(make(), many(priced(0.2), 2), run)
    assert failed.message == "The run reached its spending limit of $0.10. Raise the limit and resume the run."
    assert run.common.budget.reasons == [
        "The run reached its spending limit of $0.10: nothing is spent, and the next request may cost up to $0.20. "
        "Raise the limit and resume the run."
    ]


def test_calls_under_way_count_with_the_most_that_they_may_cost_and_later_with_what_they_did():
    """Five could be sent at their worst price, but they cost a tenth of it: all ten fit, never five at once."""
    model, run = priced(0.1, cost=0.01, seconds=0.002), limited(0.45)
    assert codes(ask(make(), many(model, 10), run)) == [""] * 10
    assert model.at_once == 4
    assert run.common.budget.spent == pytest.approx(0.1)


def test_all_strategies_of_a_run_share_the_limit_on_all_connections():
    models = [priced(0.1, seconds=0.001, connection=name) for name in "abc"]
    common = Common(Budget(0.45))

    async def all_at_once():
        door = make()
        asked = (door.ask(many(model, 5), Run(common=common)) for model in models)
        return [code for replies in await asyncio.gather(*asked) for code in codes(replies)]

    # The three share one fingerprint: without different texts they would share their replies.
    for at, model in enumerate(models):
        model.fingerprint = str(at)
    assert sorted(asyncio.run(all_at_once())) == [""] * 4 + ["budget"] * 11
    assert sum(model.count for model in models) == 4


def test_once_a_strategy_has_lost_a_request_no_more_is_spent_on_it():
    """The big one does not fit; the small ones of the same strategy would, those of another one do."""
    prices = {"big": 0.5, "small": 0.01}
    model = Scripted(
        lambda request, number: reply(prices[request.messages[0].text.split()[0]]),
        predicted=lambda request: Predicted(0, 0, prices[request.messages[0].text.split()[0]]),
        fingerprint="f",
    )
    common = Common(Budget(0.1))
    door, first, other = make(), Run(common=common), Run(common=common)
    assert codes(ask(door, [generate(model, "big"), generate(model, "small 1")], first)) == ["budget", "budget"]
    assert codes(ask(door, [generate(model, "small 2"), generate(model, "small 3")], other)) == ["", ""]


def test_answers_from_the_cache_cost_nothing_and_are_never_turned_away():
    archive, model = MemoryArchive(), priced(0.1)
    ask(make(archive), many(model, 3))
    run = limited(0.0)
    assert codes(ask(make(archive), many(model, 4), run)) == ["", "", "", "budget"]
    assert run.common.budget.spent == 0.0
    assert model.count == 3


def test_free_models_are_asked_however_low_the_limit():
    model = Scripted(lambda request, number: reply(0.0), predicted=lambda request: FREE)
    assert codes(ask(make(), many(model, 3), limited(0.0))) == ["", "", ""]


def test_a_server_of_ones_own_without_a_price_is_asked_and_named_as_not_covered():
    model, run = Scripted(lambda request, number: Text(text="x"), name="own:model"), limited(0.0)
    assert codes(ask(make(), many(model, 2), run)) == ["", ""]
    assert run.common.budget.uncovered == {"own:model"}


def test_what_a_model_without_a_known_price_says_it_cost_is_counted():
    model, run = Scripted(lambda request, number: reply(0.25)), limited(1.0)
    ask(make(), many(model, 2), run)
    assert run.common.budget.spent == 0.5


def test_a_paid_model_without_a_known_price_is_not_asked_under_a_limit():
    model = Scripted(lambda request, number: Text(text="x"), name="openai:new", paid=True)
    (failed,) = ask(make(), [generate(model)], limited(100.0))
    assert failed.code == "budget"
    assert failed.message == (
        "The price of 'openai:new' is not known, so that no spending limit can hold. Remove the limit, or take "
        "another model."
    )
    assert model.count == 0
    assert codes(ask(make(), [generate(model)])) == [""]


@pytest.mark.parametrize(
    ("error", "spent"),
    [
        (ModelError("rate-limit", "Too fast."), 0.0),
        (ModelError("bad-key", "Refused."), 0.0),
        (ModelError("no-credit", "Top it up."), 0.0),
        (ModelError("refused", "Flagged."), 0.0),
        (ModelError("not-installed", "Missing."), 0.0),
        (ModelError("timeout", "No answer."), 0.1),
        (ModelError("bad-reply", "Unreadable.", receipt=Receipt(cost_usd=0.02)), 0.02),
        (ModelError("bad-reply", "Unreadable."), 0.1),
        (ModelError("connection", "Not reached."), 0.0),
        (ModelError("connection", "Broken off.", receipt=Receipt()), 0.1),
    ],
)
def test_what_a_failed_call_may_have_cost_is_spent(error, spent):
    def answer(request, number):
        raise error

    run = limited(1.0)
    ask(make(), [generate(Scripted(answer, predicted=lambda request: Predicted(0.0, 0.0, 0.1)))], run)
    assert run.common.budget.spent == spent


def test_a_call_that_was_called_off_counts_with_the_most_that_it_may_cost_and_one_in_line_with_nothing():
    """Two are under way when they are called off, four are in line: of the limit of three calls one is left."""
    archive, model = MemoryArchive(), priced(0.1, seconds=60, concurrency=2)
    common = Common(Budget(0.3))
    left, others = Run("left", common=common), Run("others", common=common)

    async def cancel_and_ask():
        door = make(archive)
        first = asyncio.ensure_future(door.ask(many(model, 6), left))
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        assert model.count == 2
        assert common.budget.spent == pytest.approx(0.2)
        quick = priced(0.1)
        return await asyncio.wait_for(door.ask(many(quick, 2), others), 10)

    assert codes(asyncio.run(cancel_and_ask())) == ["", "budget"]
    called_off = [call for call in archive.calls if call.run == "left"]
    assert [(call.reply.code, call.source, call.counted_usd, call.free) for call in called_off] == (
        [("cancelled", "sent", 0.1, False)] * 2
    )
    assert left.cost_usd is left.spent_usd is None


def test_a_call_to_a_free_model_that_was_called_off_costs_nothing():
    archive, model = MemoryArchive(), Scripted(lambda request, number: asyncio.sleep(60), predicted=lambda _: FREE)
    run = limited(0.0)

    async def cancel():
        first = asyncio.ensure_future(make(archive).ask([generate(model)], run))
        await asyncio.sleep(0.01)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)

    asyncio.run(cancel())
    assert [call.free for call in archive.calls] == [True]
    assert (run.common.budget.spent, run.cost_usd) == (0.0, 0.0)


def test_an_asker_that_is_cancelled_does_not_wait_long_for_a_call_that_does_not_end():
    async def deaf(request, number):
        for _ in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(20)

    async def cancel():
        first = asyncio.ensure_future(make().ask([generate(Scripted(deaf))], Run()))
        await asyncio.sleep(0.01)
        first.cancel()
        done, _ = await asyncio.wait([first], timeout=10)
        return done == {first}

    assert asyncio.run(cancel())


def test_who_waits_for_a_request_that_anothers_limit_refused_sends_it_on_his_own():
    slow, model = priced(0.1, seconds=0.02), priced(0.1)
    slow.connection = model.connection = "c"
    slow.concurrency = model.concurrency = 1
    slow.fingerprint = "slow"

    async def both():
        door = make()
        poor, rich = Run(common=Common(Budget(0.15))), Run()
        first = asyncio.ensure_future(door.ask([generate(slow, "a"), generate(model, "b")], poor))
        await asyncio.sleep(0.005)  # "b" is in line behind "a"
        return await asyncio.gather(first, door.ask([generate(model, "b")], rich))

    poor, rich = asyncio.run(both())
    assert codes(poor) == ["", "budget"]
    assert codes(rich) == [""]


def test_a_limit_holds_for_requests_that_another_run_put_in_line_before_it_was_cancelled():
    gate, model = asyncio.Event(), priced(0.1, connection="c", concurrency=1)

    async def hold(request, number):
        await gate.wait()
        return reply(0.0)

    held = Scripted(hold, fingerprint="held", connection="c", concurrency=1)

    async def cancel():
        door = make()
        free, poor = Run(), Run(common=Common(Budget(0.25)))
        first = asyncio.ensure_future(door.ask([generate(held, "a"), *many(model, 5)], free))
        await asyncio.sleep(0.005)  # all are in line behind "a"
        second = asyncio.ensure_future(door.ask(many(model, 5), poor))
        await asyncio.sleep(0.005)
        first.cancel()
        return await asyncio.wait_for(second, 10), poor

    replies, poor = asyncio.run(cancel())
    assert codes(replies) == [""] * 2 + ["budget"] * 3
    assert model.count == 2
    assert poor.common.budget.spent == pytest.approx(0.2)


def test_a_raised_limit_continues_with_what_is_left_and_pays_nothing_twice():
    archive, model = MemoryArchive(), priced(0.1)
    first = limited(0.25)
    ask(make(archive), many(model, 6), first)
    again = limited(0.6, spent=first.common.budget.spent)
    assert codes(ask(make(archive), many(model, 6), again)) == [""] * 6
    assert model.count == 6
    assert again.common.budget.spent == pytest.approx(0.6)


@pytest.mark.parametrize("limit", [-0.01, math.nan, math.inf])
def test_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(ValueError, match="US dollars"):
        Budget(limit)


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0.0, "$0.00"), (0.1, "$0.10"), (2.5, "$2.50"), (0.00025, "$0.00025"), (1234.5, "$1,234.50"), (0.125, "$0.125")],
)
def test_amounts_keep_the_digits_they_have(amount, text):
    assert dollars(amount) == text


@settings(max_examples=60, deadline=None)
@given(
    prices=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 100)), min_size=1, max_size=25),
    limit=st.integers(0, 400),
    seats=st.integers(1, 6),
)
def test_whatever_the_prices_the_limit_holds_and_nothing_hangs(prices, limit, seats):
    """Each call may cost `most` cents and costs that share of it; what is under way never breaks the limit."""
    held, worst = {"now": 0.0, "spent": 0.0}, []

    async def answer(request, number):
        most, share = prices[int(request.messages[0].text)]
        held["now"] += most / 100
        worst.append(held["now"] + held["spent"])
        await asyncio.sleep(0)
        held["now"] -= most / 100
        held["spent"] += most * share / 10_000
        return reply(most * share / 10_000)

    model = Scripted(
        answer,
        predicted=lambda request: Predicted(0, 0, prices[int(request.messages[0].text)][0] / 100),
        concurrency=seats,
    )
    common = Common(Budget(limit / 100))

    async def run():
        door = Gateway(lambda ref: ref)
        requests = many(model, len(prices))
        halves = (door.ask(requests[at::2], Run(common=common)) for at in range(2))
        return await asyncio.wait_for(asyncio.gather(*halves), 20)

    replies = [reply for half in asyncio.run(run()) for reply in half]
    assert max(worst, default=0.0) <= limit / 100 + 1e-6
    assert model.count + codes(replies).count("budget") == len(prices)
    if sum(most for most, _ in prices) <= limit:
        assert "budget" not in codes(replies)
