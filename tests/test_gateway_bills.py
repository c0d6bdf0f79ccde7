"""What requests cost is counted where it is paid, and unknown where nobody knows it."""

import asyncio

import pytest

from reranking.archive import MemoryArchive
from reranking.gateway import Run
from reranking.models import ModelError
from reranking.replies import Choices, Receipt, Scores, Text
from reranking.requests import Choose, Score
from tests.gateways import ask, generate, lengths, make, slow_reply
from tests.oracles import Scripted


class Full(MemoryArchive):
    """Has no room for the third call, and takes a moment for every one after it."""

    def __init__(self, seconds_after=0.0):
        super().__init__()
        self.tried = 0
        self.seconds_after = seconds_after

    async def keep(self, call):
        self.tried += 1
        if self.tried == 3:
            raise OSError("no room")
        if self.tried > 3 and self.seconds_after:
            await asyncio.sleep(self.seconds_after)
        await super().keep(call)


def test_calls_that_were_made_are_counted_though_one_of_them_cannot_be_kept():
    model = Scripted(lambda request, number: slow_reply(Text(text="x", receipt=Receipt(cost_usd=0.5))), fingerprint="f")
    archive, run = Full(), Run()
    door, asked = make(archive), [generate(model, str(at)) for at in range(10)]
    with pytest.raises(OSError, match="no room"):
        ask(door, asked, run)
    assert (run.requests, run.cost_usd, run.spent_usd) == (10, 5.0, 5.0)
    assert len(archive.replies) == 9
    ask(door, asked)
    assert model.count == 11


def test_what_was_received_but_not_counted_when_a_reply_could_not_be_kept_leaves_the_cost_unknown():
    model = Scripted(lambda request, number: slow_reply(Text(text="x", receipt=Receipt(cost_usd=0.5))), fingerprint="f")
    archive, run = Full(seconds_after=0.01), Run()

    async def both():
        with pytest.raises(OSError, match="no room"):
            await make(archive).ask([generate(model, str(at)) for at in range(10)], run)
        await asyncio.sleep(0.03)

    asyncio.run(both())
    assert (run.requests, run.cost_usd, run.spent_usd) == (3, None, None)
    assert len(archive.replies) == 9


def test_the_price_of_a_cached_reply_is_counted_and_an_unknown_price_stays_unknown():
    known = Scripted(
        lambda request, number: Text(text="x", receipt=Receipt(input_tokens=5, output_tokens=2, cost_usd=0.25)),
        fingerprint="f",
    )
    unknown = Scripted(lambda request, number: Choices(logprobs=(0.0, -1.0)), fingerprint="g")
    archive = MemoryArchive()
    for _ in range(2):
        run = Run()
        ask(make(archive), [generate(known)], run)
        assert (run.cost_usd, run.input_tokens, run.output_tokens) == (0.25, 5, 2)
    ask(make(archive), [Choose(model=unknown, task="yes-no", messages=(), choices=("a", "b"))], run)
    assert run.cost_usd is None


def test_what_single_texts_of_a_paid_call_cost_is_unknown_and_not_nothing():
    model = Scripted(lambda request, number: lengths(request), fingerprint="f")
    archive = MemoryArchive()
    costs = []
    for texts in (("a", "bb"), ("a",)):
        run = Run()
        ask(make(archive), [Score(model=model, task="score", query="q", texts=texts)], run)
        costs.append(run.cost_usd)
    assert costs == [0.5, None]


@pytest.mark.parametrize(
    ("error", "cost"),
    [
        (ModelError("bad-reply", "Unreadable.", receipt=Receipt(cost_usd=0.25, input_tokens=5)), 0.25),
        (ModelError("timeout", "No answer."), None),
        (ModelError("bad-reply", "Unreadable."), None),
        (ModelError("rate-limit", "Too fast."), 0.0),
        (ModelError("no-key", "No key."), 0.0),
    ],
)
def test_a_reply_that_was_paid_and_cannot_be_used_is_counted(error, cost):
    def answer(request, number):
        raise error

    run = Run()
    ask(make(), [generate(Scripted(answer))], run)
    assert run.cost_usd == cost
    assert run.requests == (0 if error.code == "no-key" else 1)


def test_a_reply_of_the_wrong_size_keeps_its_raw_text_and_its_price():
    reply = Scores(scores=(1.0,), score_kind="logit", cut=(False,), receipt=Receipt(raw="[1.0]", cost_usd=0.5))
    run = Run()
    (found,) = ask(
        make(), [Score(model=Scripted(lambda request, number: reply), task="score", query="q", texts=("a", "b"))], run
    )
    assert (found.code, found.raw, run.cost_usd) == ("bad-reply", "[1.0]", 0.5)
