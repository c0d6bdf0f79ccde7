"""What is recorded of every call, and how it is found again."""

import asyncio

from reranking.gateway import Gateway, Run
from reranking.replies import (
    Failed,
    Receipt,
    Scores,
    Text,
)
from reranking.requests import Choose, Generate, Message, Score
from tests.store.made_calls import RECEIPT, call, digest, keep


class Echo:
    """Answers every Generate with its own prompt."""

    name = "test:echo"
    answers = frozenset({Generate})
    fingerprint = "echo"

    def __init__(self):
        self.asked = 0

    async def answer(self, request):
        self.asked += 1
        return Text(text=request.messages[0].text, receipt=RECEIPT)


def test_a_gateway_asks_a_model_once_and_another_one_on_the_same_file_not_at_all(store, job):
    model = Echo()
    request = Generate(model=model, task="grade", shown=(1,), messages=(Message("user", "hello"),))

    async def ask(strategy):
        gateway = Gateway(lambda ref: ref, store.archive)
        return await gateway.ask([request, request], Run(label=f"{job}/{strategy}/0"))

    assert [item.text for item in asyncio.run(ask(0))] == ["hello"] * 2
    assert [item.text for item in asyncio.run(ask(1))] == ["hello"] * 2
    assert model.asked == 1
    calls = store.calls.of(job)
    assert [(item.position, item.source) for item in calls] == [(0, "sent"), (0, "shared"), (1, "cache"), (1, "cache")]
    assert [item.request for item in calls] == [[[["user", "hello"]], None, 1024]] * 4
    assert [item.reply for item in calls] == [Text(text="hello", receipt=RECEIPT)] * 4


def test_a_call_is_recorded_with_everything_it_took(store, job):
    keep(store, call(run=f"{job}/2/1"))
    (row,) = store.calls.of(job)
    assert (row.position, row.repetition, row.model, row.kind, row.task) == (2, 1, "p:m", "generate", "grade")
    assert (row.shown, row.request) == ((1, 0), [[["user", "prompt a"]], None, 1024])
    assert (row.raw, row.answered_by, row.sent) == (RECEIPT.raw, "m-2026", {"temperature": 0, "stop": ["\n"]})
    assert (row.input_tokens, row.output_tokens, row.reasoning_tokens, row.cost_usd) == (120, 3, 0, 0.0004)
    assert (row.retries, row.started, row.seconds) == (1, 1_800_000_000.5, 0.25)
    assert row.failed is None


def test_a_failure_is_recorded_with_its_raw_reply_and_what_is_unknown_stays_unknown(store, job):
    failed = Failed("bad-reply", "It answered nonsense.", "<html>\ud83d")
    keep(store, call(run=f"{job}/0/0", reply=failed))
    (row,) = store.calls.of(job)
    assert (row.failed.code, row.failed.message) == ("bad-reply", "It answered nonsense.")
    assert row.raw == "<html>\\ud83d"
    assert (row.reply, row.cost_usd, row.input_tokens) == (None, None, None)


def test_the_raw_reply_is_there_where_the_cache_does_not_hold_it(store, job):
    request = Score(model="p:m", task="score", query="q", texts=("x", "y"))
    scores = Scores(scores=(1.0, 2.0), score_kind="logit", cut=(False, False), receipt=RECEIPT)
    keep(
        store, call(run=f"{job}/0/0", key=None), call(run=f"{job}/0/0", request=request, reply=scores, parts=("a", "b"))
    )
    assert [row.raw for row in store.calls.of(job)] == [RECEIPT.raw] * 2


def test_calls_can_be_narrowed_to_a_strategy_a_repetition_and_a_document(store, job):
    keep(store, *(call(f"{p}{r}", run=f"{job}/{p}/{r}") for p in range(2) for r in range(2)))
    keep(
        store,
        call(
            "z",
            run=f"{job}/0/0",
            request=Choose(model="p:m", task="pick", shown=(11,), messages=(Message("user", "z"),), choices=("A", "B")),
        ),
    )
    assert len(store.calls.of(job)) == 5
    assert len(store.calls.of(job, position=0)) == 3
    assert len(store.calls.of(job, position=0, repetition=1)) == 1
    assert [row.task for row in store.calls.of(job, shown=11)] == ["pick"]
    every = store.calls.of(job)
    assert store.calls.of(job, first=1, most=3) == every[1:4]
    assert store.calls.of(job, position=0, first=2, most=9) == [row for row in every if row.position == 0][2:]
    counts = (store.calls.count(job), store.calls.count(job, 0), store.calls.count(job, shown=11))
    assert counts == (5, 3, 1)
    assert len(store.calls.of(job, shown=1)) == 4


def test_each_request_of_a_strategy_can_be_had_once_with_the_first_call_that_brought_its_answer(store, job):
    texts = Score(model="p:m", task="score", query="q", texts=("x",), shown=(1,))
    one = Scores(scores=(1.0,), score_kind="logit", cut=(False,), receipt=RECEIPT)
    of_text = {"request": texts, "reply": one}
    keep(store, call("a", run=f"{job}/0/0"))
    keep(store, call("b", run=f"{job}/0/0", reply=Failed("cancelled", "Nobody waited.")))
    keep(store, call("c", run=f"{job}/0/0", reply=Failed("server", "First.")))
    keep(store, call(run=f"{job}/0/0", key=None, parts=("k",), **of_text))
    keep(store, call("uncached", run=f"{job}/0/0", key=None))
    for again in (
        call("a", run=f"{job}/0/0", source="cache"),
        call("b", run=f"{job}/0/0"),
        call("c", run=f"{job}/0/0", reply=Failed("server", "Second.")),
        call(run=f"{job}/0/0", key="k", source="cache", **of_text),
        call("uncached", run=f"{job}/0/0", key=None),
        call("a", run=f"{job}/1/0", source="cache"),
        call("a", run=f"{job}/0/1", source="cache"),
    ):
        keep(store, again)
    once = store.calls.of(job, 0, repetition=0, once=True)
    told = [(row.id, row.source, row.failed and row.failed.message) for row in once]
    assert told == [
        (1, "sent", None),
        (4, "sent", None),
        (5, "sent", None),
        (7, "sent", None),
        (8, "sent", "Second."),
        (10, "sent", None),
    ]
    assert store.calls.of(job, 0, repetition=0, once=True, first=1, most=2) == once[1:3]
    assert [row.id for row in store.calls.of(job, once=True) if row not in once] == [11, 12]
    counts = store.calls.count(job, once=True), store.calls.count(job, 0, once=True), store.calls.count(job)
    assert counts == (8, 7, 12)


def test_texts_with_the_same_words_are_calls_of_their_own_in_both_documents(store, job):
    for shown in ((0,), (1,)):
        request = Generate(model="p:m", task="grade", shown=shown, messages=(Message("user", "same"),))
        keep(store, call("same", run=f"{job}/0/0", request=request))
    assert [store.calls.count(job, 0, shown, once=True) for shown in (0, 1)] == [1, 1]


def test_spending_counts_sent_calls_only_and_says_how_many_prices_are_unknown(store, job):
    keep(
        store,
        call("a", run=f"{job}/0/0"),
        call("b", run="from the command line", reply=Text(text="x")),
        call("c", run=f"{job}/0/0", source="cache"),
        call("d", run=f"{job}/0/0", reply=Failed("timeout", "Too slow.", receipt=Receipt())),
        call("e", run=f"{job}/0/0", reply=Failed("bad-reply", "Unreadable.", receipt=Receipt(cost_usd=0.001))),
        call("f", run=f"{job}/0/0", reply=Failed("rate-limit", "Too fast."), free=True),
    )
    (spent,) = store.calls.spending()
    assert (spent.model, spent.calls, spent.cost_usd, spent.calls_of_unknown_cost) == ("p:m", 4, 0.0014, 2)


def test_what_a_job_sent_and_had_answered_is_told_by_strategy_and_repetition(store, job):
    two = Scores(scores=(1.0, 2.0), score_kind="relevance", cut=(False, False))
    keep(
        store,
        call("a", run=f"{job}/0/0"),
        call("b", run=f"{job}/0/1"),
        call("c", run=f"{job}/0/0", source="cache"),
        call("d", run=f"{job}/1/0", reply=Failed("timeout", "Too slow.")),
        call("e", run=f"{job}/1/0", key=None, parts=(digest("e1"), digest("e2")), reply=two),
        call("f", run=f"{job}/1/0", key=None),
        call("g", run="another/0/0"),
    )
    assert store.calls.answered(job) == {
        (0, 0): {digest("a")}, (0, 1): {digest("b")}, (1, 0): {digest("e1"), digest("e2")},
    }  # fmt: skip
