"""A server that gives nothing but failures: a run gives it up instead of waiting for each request's end."""

import asyncio
import random

import pytest

from reranking.documents import as_candidates
from reranking.engine import run_strategy
from reranking.gateway import Common, Run
from reranking.gateway.patience import IN_VAIN
from reranking.models import ModelError
from reranking.providers.connection import Connection
from reranking.providers.openai_chat import OpenAIChat, make_client
from reranking.replies import Failed, Text
from reranking.strategies.listwise import Listwise
from reranking.strategies.pairwise import PairwiseSort
from tests.faulty_server import FaultyServer, short_pauses
from tests.gateways import ask, generate, make
from tests.oracles import Scripted
from tests.providers.fakes import KEY


def failing(code, speaks=lambda number: False):
    def answer(request, number):
        if speaks(number):
            return Text(text="here")
        raise ModelError(code, "No connection to localhost:1. Start the server.")

    return Scripted(answer, fingerprint="failing", concurrency=2)


@pytest.mark.parametrize("code", IN_VAIN)
def test_a_server_that_gives_nothing_but_failures_is_given_up_in_this_run_and_asked_again_in_the_next(code):
    model = failing(code)
    gateway = make()
    replies = ask(gateway, [generate(model, str(at)) for at in range(50)])
    assert [reply.code for reply in replies] == [code] * 50
    assert model.count <= IN_VAIN[code] + model.concurrency - 1
    before = model.count
    ask(gateway, [generate(model, "later")], Run())
    assert model.count == before + 1


def test_a_server_that_answers_now_and_then_is_not_given_up():
    model = failing("timeout", speaks=lambda number: number % 3 == 0)
    replies = ask(make(), [generate(model, str(at)) for at in range(30)])
    assert model.count == 30
    assert sum(isinstance(reply, Text) for reply in replies) == 10


@pytest.mark.parametrize("code", ["server", "rate-limit"])
def test_a_server_that_answers_once_before_patience_ends_is_not_given_up(code):
    model = failing(code, speaks=lambda number: number % IN_VAIN[code] == 0)
    model.concurrency = 1
    replies = ask(make(), [generate(model, str(at)) for at in range(8 * IN_VAIN[code])])
    assert model.count == len(replies)
    assert sum(isinstance(reply, Text) for reply in replies) == 8


def test_a_server_that_breaks_after_it_has_answered_is_given_up_by_each_strategy_for_itself():
    model = failing("server", speaks=lambda number: number == 1)
    model.concurrency = 1
    common, gateway = Common(), make()

    async def both():
        for which in "ab":
            await gateway.ask([generate(model, f"{which} {at}") for at in range(30)], Run(common=common))

    asyncio.run(both())
    assert model.count == 1 + 2 * IN_VAIN["server"]


def test_what_is_wrong_with_requests_gives_no_server_up():
    model = failing("bad-request")
    replies = ask(make(), [generate(model, str(at)) for at in range(30)])
    assert model.count == 30
    assert all(isinstance(reply, Failed) for reply in replies)


@pytest.mark.parametrize(("code", "fails"), [("server", 0.5**5), ("rate-limit", 0.2)])
def test_two_thousand_calls_at_a_server_that_fails_at_random_end_no_run(code, fails):
    chance = random.Random(7)
    model = failing(code, speaks=lambda number: chance.random() >= fails)
    ask(make(), [generate(model, str(at)) for at in range(2000)])
    assert model.count == 2000


@pytest.fixture
def broken(monkeypatch):
    """A server that answers 500 to everything, and a model there, asked through the SDK with all its tries."""
    short_pauses(monkeypatch)
    with FaultyServer(lambda path, body: {}, lambda asked: "500") as server:
        line = Connection("openai", f"{server.url}/v1", KEY, sdk="openai", make=make_client)
        yield server, OpenAIChat("m", line)


def test_a_comparison_at_a_server_that_answers_500_to_everything_ends_after_a_few_calls(broken):
    server, model = broken
    candidates = as_candidates([f"text {at}" for at in range(30)])

    async def compared():
        gateway, common = make(), Common()
        kinds = (PairwiseSort(model=model, k=10), Listwise(model=model))
        found = await asyncio.gather(*(run_strategy(kind, "q", candidates, gateway, common=common) for kind in kinds))
        await model.aclose()
        return found

    rankings = asyncio.run(compared())
    assert [ranking.outcome for ranking in rankings] == ["failed", "failed"]
    assert all({note.code for note in ranking.diagnostics} == {"server"} for ranking in rankings)
    assert len(server.log) <= (IN_VAIN["server"] + model.concurrency) * (1 + model.server.retries)


def test_another_users_failures_do_not_shorten_this_ones_patience():
    model = failing("timeout", speaks=lambda number: number > 4)
    gateway = make()
    others = ask(gateway, [generate(model, f"long {at}") for at in range(3)])
    assert [reply.code for reply in others] == ["timeout"] * 3
    model.concurrency = 1
    replies = ask(gateway, [generate(model, f"short {at}") for at in range(10)])
    assert model.count == 13
    assert [isinstance(reply, Text) for reply in replies] == [False] + [True] * 9


def test_the_strategies_of_a_comparison_give_up_a_dead_server_together():
    model = failing("timeout")
    model.concurrency = 1
    common = Common()

    async def strategies(gateway):
        runs = [
            gateway.ask([generate(model, f"{which} {at}") for at in range(10)], Run(common=common)) for which in "abcde"
        ]
        return await asyncio.gather(*runs)

    replies = asyncio.run(strategies(make()))
    assert model.count == 3
    assert {reply.code for batch in replies for reply in batch} == {"timeout"}


def test_a_strategy_whose_prompts_take_too_long_takes_no_other_down():
    async def answer(request, number):
        if "long" in request.messages[0].text:
            await asyncio.sleep(0.05)
            raise ModelError("timeout", "No answer.")
        if "5" in request.messages[0].text:  # when all the long ones have just been lost
            await asyncio.sleep(0.06)
            raise ModelError("timeout", "No answer.")
        return Text(text="here")

    model = Scripted(answer, fingerprint="failing", concurrency=16)
    common = Common()

    async def both(gateway):
        slow = asyncio.ensure_future(
            gateway.ask([generate(model, f"long {at}") for at in range(8)], Run(common=common))
        )
        run, replies = Run(common=common), []
        for at in range(10):
            replies += await gateway.ask([generate(model, f"short {at}")], run)
        return replies, await slow

    replies, lost = asyncio.run(both(make()))
    assert [reply.code for reply in lost] == ["timeout"] * 8
    assert sum(isinstance(reply, Text) for reply in replies) == 9


def test_what_another_run_gave_up_before_it_was_sent_is_asked_by_who_also_waits_for_it():
    third = asyncio.Event()

    async def answer(request, number):
        if number > 3:
            return Text(text="here")
        if number == 3:
            third.set()
            await asyncio.sleep(0.01)
        raise ModelError("timeout", "No answer.")

    model = Scripted(answer, fingerprint="failing", concurrency=1)

    async def both(gateway):
        same = [generate(model, str(at)) for at in range(6)]
        first = asyncio.ensure_future(gateway.ask(same, Run()))
        await third.wait()
        second = await gateway.ask(same[5:], Run())
        return await first, second

    lost, (found,) = asyncio.run(both(make()))
    assert isinstance(found, Text)
    assert [reply.code for reply in lost] == ["timeout"] * 6
    assert model.count == 4


def test_a_missing_key_is_no_sign_of_life():
    def answer(request, number):
        raise ModelError("no-key" if request.messages[0].text == "keyless" else "timeout", "No.")

    model, keyless = (Scripted(answer, name=name, connection="same", concurrency=1) for name in ("m", "k"))
    common = Common()

    async def both(gateway):
        for at in range(2):
            await gateway.ask([generate(model, str(at))], Run(common=common))
            await gateway.ask([generate(keyless, "keyless")], Run(common=common))
        return await gateway.ask([generate(model, f"more {at}") for at in range(5)], Run(common=common))

    asyncio.run(both(make()))
    assert model.count == 3
