"""Several users at one gateway: whose key and whose account a request is sent with."""

import asyncio

import pytest

from reranking.archive import MemoryArchive
from reranking.gateway import Run
from reranking.models import ModelError
from reranking.replies import Text
from tests.gateways import ask, generate, make, slow_reply
from tests.oracles import Scripted


def refuse(request, number):
    """A key that is turned away a moment later."""

    async def wait():
        await asyncio.sleep(0.01)
        raise ModelError("bad-key", "The key was refused.")

    return wait()


@pytest.mark.parametrize("code", ["bad-key", "no-credit"])
def test_a_key_that_is_refused_or_has_no_credit_is_not_tried_again_in_the_same_run(code):
    def answer(request, number):
        raise ModelError(code, "Not with this key.")

    model = Scripted(answer, concurrency=1)
    replies = ask(make(), [generate(model, str(at)) for at in range(5)])
    assert model.count == 1
    assert {reply.code for reply in replies} == {code}


def test_a_document_that_is_refused_takes_no_other_down():
    def answer(request, number):
        if number == 1:
            raise ModelError("refused", "It was flagged.")
        return Text(text="fine")

    model = Scripted(answer, concurrency=1)
    replies = ask(make(), [generate(model, str(at)) for at in range(5)])
    assert model.count == 5
    assert [type(reply).__name__ for reply in replies].count("Text") == 4


def test_another_users_refused_key_is_not_this_users():
    theirs = Scripted(refuse, name="m", fingerprint="same")
    mine = Scripted(lambda request, number: Text(text="mine"), name="m", fingerprint="same")

    async def run():
        door = make()
        return await asyncio.gather(door.ask([generate(theirs)], Run()), door.ask([generate(mine)], Run()))

    one, two = asyncio.run(run())
    assert one[0].code == "bad-key"
    assert two[0].text == "mine"


def test_all_who_waited_for_another_users_refused_key_share_one_request_of_their_own():
    theirs = Scripted(refuse, name="m", fingerprint="same")
    mine = Scripted(lambda request, number: slow_reply(Text(text="mine")), name="m", fingerprint="same")

    async def run():
        door = make()
        first = asyncio.ensure_future(door.ask([generate(theirs)], Run()))
        await asyncio.sleep(0)
        runs = [Run(), Run(), Run()]
        await asyncio.gather(first, *(door.ask([generate(mine), generate(mine)], one) for one in runs))
        return runs

    runs = asyncio.run(run())
    assert mine.count == 1
    assert [(one.requests, one.cached) for one in runs] == [(2, 1), (2, 2), (2, 2)]


@pytest.mark.parametrize("code", ["no-key", "no-credit", "unknown-model", "rate-limit"])
def test_what_another_users_account_may_not_do_is_tried_with_ones_own_key(code):
    async def refuse(request, number):
        await asyncio.sleep(0.01)
        raise ModelError(code, "Not with this key.")

    theirs = Scripted(refuse, name="m", fingerprint="same")
    mine = Scripted(lambda request, number: Text(text="mine"), name="m", fingerprint="same")

    async def run():
        door = make()
        return await asyncio.gather(door.ask([generate(theirs)], Run()), door.ask([generate(mine)], Run()))

    one, two = asyncio.run(run())
    assert one[0].code == code
    assert two[0].text == "mine"


def test_after_a_cancel_no_request_in_line_is_sent_with_the_key_of_who_cancelled():
    gate = asyncio.Event()

    async def answer(request, number):
        await gate.wait()
        return Text(text="x")

    theirs, mine = (Scripted(answer, name="m", fingerprint="same", connection="c", concurrency=1) for _ in range(2))
    archive = MemoryArchive()

    async def run():
        door = make(archive)
        first = asyncio.ensure_future(door.ask([generate(theirs, str(at)) for at in range(4)], Run("theirs")))
        await asyncio.sleep(0.005)
        second = asyncio.ensure_future(door.ask([generate(mine, str(at)) for at in range(4)], Run("mine")))
        await asyncio.sleep(0.005)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        gate.set()
        return await asyncio.wait_for(second, 10)

    assert [reply.text for reply in asyncio.run(run())] == ["x"] * 4
    assert (theirs.count, mine.count) == (1, 3)
    assert [call.run for call in archive.calls if call.source == "sent"] == ["theirs", "mine", "mine", "mine"]
