"""The one door to models: what is sent, what is shared, what is kept."""

import asyncio

import pytest

from reranking.archive import MemoryArchive
from reranking.gateway import Run
from reranking.models import ModelError
from reranking.replies import Failed, Scores, Text
from reranking.requests import Choose, Generate, Message, Score
from tests.gateways import ask, generate, lengths, make, slow_reply
from tests.oracles import Scripted


def test_equal_requests_in_flight_are_sent_once():
    model = Scripted(lambda request, number: slow_reply(Text(text=str(number))), fingerprint="f")
    first, second = Run(), Run()

    async def both():
        door = make()
        return await asyncio.gather(door.ask([generate(model)], first), door.ask([generate(model)] * 3, second))

    one, three = asyncio.run(both())
    assert model.count == 1
    assert {reply.text for reply in [*one, *three]} == {"1"}
    assert (first.requests, first.cached, second.requests, second.cached) == (1, 0, 3, 3)


def test_a_reply_that_lands_while_another_asker_looks_into_the_archive_is_not_asked_for_again():
    class SlowArchive(MemoryArchive):
        async def find(self, keys):
            known = await super().find(keys)  # what was there when the look-up began
            await asyncio.sleep(0.02)
            return known

    model = Scripted(lambda request, number: slow_reply(Text(text="x"), 0.005), fingerprint="f")

    async def staggered():
        door = make(SlowArchive())
        first = asyncio.ensure_future(door.ask([generate(model)], Run()))
        await asyncio.sleep(0.015)
        await asyncio.gather(first, door.ask([generate(model)], Run()))

    asyncio.run(staggered())
    assert model.count == 1


def test_task_and_shown_do_not_make_a_request_different_unless_the_model_reads_them():
    plain = Scripted(lambda request, number: Text(text="x"), fingerprint="f")
    reader = Scripted(lambda request, number: Text(text="x"), fingerprint="g", reads_shown=True)
    for model, sent in ((plain, 1), (reader, 2)):
        ask(make(), [generate(model, shown=(0,)), generate(model, shown=(1,))])
        assert model.count == sent


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (Message("user", "other"),)},
        {"messages": (Message("system", "hello"),)},
        {"schema": "{}"},
        {"max_output_tokens": 7},
    ],
)
def test_whatever_decides_the_answer_makes_a_request_different(change):
    from dataclasses import replace

    model = Scripted(lambda request, number: Text(text="x"), fingerprint="f")
    ask(make(), [generate(model), replace(generate(model), **change)])
    assert model.count == 2


def test_models_with_different_fingerprints_share_no_replies():
    archive = MemoryArchive()
    models = [Scripted(lambda request, number: Text(text="x"), fingerprint=name) for name in ("one", "two")]
    for model in models:
        ask(make(archive), [generate(model)])
    assert [model.count for model in models] == [1, 1]


def test_a_nonce_asks_again_without_emptying_the_archive():
    model = Scripted(lambda request, number: Text(text=str(number)), fingerprint="f")
    archive = MemoryArchive()
    texts = [ask(make(archive), [generate(model)], Run(nonce=nonce))[0].text for nonce in (None, "1", None, "1", "2")]
    assert texts == ["1", "2", "1", "2", "3"]


def test_only_texts_that_are_not_cached_are_sent():
    def score(request, number):
        return Scores(
            scores=tuple(float(len(text)) for text in request.texts),
            score_kind="logit",
            cut=(False,) * len(request.texts),
        )

    model = Scripted(score, fingerprint="f")
    sent = []
    model.answer_with = lambda request, number: (sent.append(request.texts), score(request, number))[1]
    archive = MemoryArchive()
    ask(make(archive), [Score(model=model, task="score", query="q", texts=("a", "bb"))])
    (reply,) = ask(make(archive), [Score(model=model, task="score", query="q", texts=("ccc", "a", "dddd", "bb"))])
    assert sent == [("a", "bb"), ("ccc", "dddd")]
    assert reply.scores == (3.0, 1.0, 4.0, 2.0)


def test_texts_of_a_joint_model_are_cached_together_only():
    def score(request, number):
        return Scores(scores=(1.0,) * len(request.texts), score_kind="logit", cut=(False,) * len(request.texts))

    model = Scripted(score, fingerprint="f", joint=True)
    archive = MemoryArchive()
    for texts in (("a", "b"), ("a",), ("a", "b")):
        (reply,) = ask(make(archive), [Score(model=model, task="score", query="q", texts=texts)])
        assert len(reply.scores) == len(texts)
    assert model.count == 2


def test_a_model_object_without_a_fingerprint_is_never_cached():
    model = Scripted(lambda request, number: Text(text=str(number)))
    archive = MemoryArchive()
    for _ in range(2):
        ask(make(archive), [generate(model)])
    assert model.count == 2
    assert archive.replies == {}


def test_failures_are_not_cached():
    def answer(request, number):
        if number == 1:
            raise ModelError("server", "The server failed (500).")
        return Text(text="ok")

    model = Scripted(answer, fingerprint="f")
    archive = MemoryArchive()
    assert ask(make(archive), [generate(model)])[0] == Failed("server", "The server failed (500).")
    assert ask(make(archive), [generate(model)])[0].text == "ok"


def test_no_connection_gets_more_requests_at_once_than_its_limit():
    under_way, most = 0, 0

    async def answer():
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return Text(text="x")

    models = [Scripted(lambda request, number: answer(), name=name, connection="c", concurrency=4) for name in "ab"]

    async def run():
        door = make()
        await asyncio.gather(*(door.ask([generate(model, str(at)) for at in range(20)], Run()) for model in models))

    asyncio.run(run())
    assert most == 4


def test_cancelling_drops_requests_in_flight_and_those_that_wait():
    async def answer():
        await asyncio.sleep(60)

    model = Scripted(lambda request, number: answer(), fingerprint="f", concurrency=2)

    async def run():
        door = make()
        task = asyncio.ensure_future(door.ask([generate(model, str(at)) for at in range(10)], Run()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.01)
        return [item for item in asyncio.all_tasks() if item is not asyncio.current_task()], door._flights

    left, flights = asyncio.run(run())
    assert model.count == 2
    assert left == []
    assert flights == {}


def test_cancelling_one_asker_does_not_take_the_answer_from_another():
    model = Scripted(lambda request, number: slow_reply(Text(text="x"), 0.02), fingerprint="f")

    async def run():
        door = make()
        first = asyncio.ensure_future(door.ask([generate(model)], Run()))
        await asyncio.sleep(0.005)
        second = asyncio.ensure_future(door.ask([generate(model)], Run()))
        await asyncio.sleep(0.005)
        first.cancel()
        return await second

    assert asyncio.run(run())[0].text == "x"
    assert model.count == 1


def test_a_reply_received_before_a_cancel_is_kept():
    class SlowArchive(MemoryArchive):
        async def keep(self, call):
            await asyncio.sleep(0.01)
            await super().keep(call)

    archive = SlowArchive()
    model = Scripted(lambda request, number: Text(text="paid"), fingerprint="f")

    async def run():
        task = asyncio.ensure_future(make(archive).ask([generate(model)], Run()))
        await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.02)

    asyncio.run(run())
    assert [reply.text for reply in archive.replies.values()] == ["paid"]


def test_a_model_that_answers_too_few_texts_is_reported():
    model = Scripted(lambda request, number: Scores(scores=(1.0,), score_kind="logit", cut=(False,)), fingerprint="f")
    (reply,) = ask(make(), [Score(model=model, task="score", query="q", texts=("a", "b"))])
    assert reply.code == "bad-reply"


def test_a_kind_of_request_that_the_model_cannot_answer_is_said_so_without_a_call():
    model = Scripted(lambda request, number: Text(text="x"))
    model.answers = frozenset({Generate})
    run = Run()
    (reply,) = ask(make(), [Choose(model=model, task="yes-no", messages=(), choices=("yes", "no"))], run)
    assert reply.code == "cannot-answer"
    assert (model.count, run.requests) == (0, 0)


def test_asking_again_right_after_a_cancel_gets_an_answer_even_while_the_first_call_is_closing():
    async def slow_to_close(request, number):
        if number == 1:
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.02)
        return Text(text="second")

    model = Scripted(slow_to_close, fingerprint="f")

    async def run():
        door = make()
        first = asyncio.ensure_future(door.ask([generate(model)], Run()))
        await asyncio.sleep(0.005)
        first.cancel()
        await asyncio.sleep(0.005)
        again = await door.ask([generate(model)], Run())
        await asyncio.gather(first, return_exceptions=True)
        return again

    assert asyncio.run(run())[0].text == "second"


def test_a_failure_that_has_landed_is_not_joined():
    class SlowArchive(MemoryArchive):
        async def find(self, keys):
            await asyncio.sleep(0.02)
            return await super().find(keys)

    def answer(request, number):
        if number == 1:
            raise ModelError("server", "The server failed (500).")
        return Text(text="ok")

    model = Scripted(answer, fingerprint="f")

    async def run():
        door = make(SlowArchive())
        first = asyncio.ensure_future(door.ask([generate(model)], Run()))
        await asyncio.sleep(0.015)
        return await asyncio.gather(first, door.ask([generate(model)], Run()))

    one, two = asyncio.run(run())
    assert isinstance(one[0], Failed)
    assert two[0].text == "ok"


def test_equal_texts_of_a_request_and_texts_already_in_flight_are_sent_once():
    sent = []

    async def score(request, number):
        sent.extend(request.texts)
        await asyncio.sleep(0.01)
        return lengths(request)

    model = Scripted(score, fingerprint="f")

    async def run():
        door = make()
        batches = [("a", "a", "bb"), ("bb", "ccc", "a")]
        asked = (door.ask([Score(model=model, task="score", query="q", texts=texts)], Run()) for texts in batches)
        return [reply.scores for (reply,) in await asyncio.gather(*asked)]

    assert asyncio.run(run()) == [(1.0, 1.0, 2.0), (2.0, 3.0, 1.0)]
    assert sorted(sent) == ["a", "bb", "ccc"]
