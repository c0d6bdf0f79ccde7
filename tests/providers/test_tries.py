"""Each try of a call: what it counts towards a spending limit, what is recorded of it, and what is kept of it."""

import asyncio
from dataclasses import replace

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.archive import MemoryArchive
from reranking.gateway import Budget, Common, Gateway, Run
from reranking.providers import anthropic_messages, openai_chat
from reranking.providers.rerank_endpoint import RerankEndpoint
from reranking.providers.saved import Prices, SavedConnection
from reranking.replies import Choices, Failed
from reranking.requests import Message, Score
from reranking.store.calls import written
from tests.providers.fake_openai import completion, error, first_token
from tests.providers.fakes import SCHEMA, Script, choose, connection, generate

URL = "http://localhost:9/v1"
APIS = ("openai", "anthropic", "rerank")
PRICES = Prices(0.0, 1000.0, 0.0)
MOST, COST = 0.05, 0.005
"""Dollars: 50 tokens may be written for a tenth of a cent each, 5 are."""

SLOW = httpx2.ReadTimeout("slow")
BROKEN = httpx2.ReadError("broken off")
NO_SERVER = httpx2.ConnectError("nobody there")
BUSY, DOWN, WRONG = (429, error("slow down")), (500, error("down")), (400, error("wrong"))
TOLD_BUSY, TOLD_DOWN = error("slow down", code=429), error("down", code="502")
FINE = completion(usage=(10, 5))


def model(script, api="openai", prices=PRICES, retries=4):
    """A model on a server of one's own, with prices."""
    sdk = "anthropic" if api == "anthropic" else "openai"
    make = anthropic_messages._client if api == "anthropic" else openai_chat.make_client
    saved = SavedConnection("box", api, URL, prices=prices)
    server = connection(script, "box", sdk=sdk, make=make, base_url=URL, saved=saved, retries=retries)
    if api == "rerank":
        return RerankEndpoint("m", server, label="box:m", paths=("/rerank",))
    return (anthropic_messages.AnthropicMessages if api == "anthropic" else openai_chat.OpenAIChat)("m", server)


def question(asked, text="q"):
    if isinstance(asked, RerankEndpoint):
        return Score(model=asked, task="score", query=text, texts=("one", "two"), shown=(0, 1))
    return replace(generate(messages=(Message("user", text),), limit=50), model=asked)


def send(requests, limit=None, spent=0.0):
    """The replies, what was recorded of each call, the run and its spending limit."""
    archive, budget = MemoryArchive(), None if limit is None else Budget(limit, spent)
    run = Run(common=Common(budget))
    replies = asyncio.run(Gateway(lambda ref: ref, archive).ask(requests, run))
    return replies, archive.calls, run, budget


@pytest.mark.parametrize("limit", [10.0, None])
@pytest.mark.parametrize(
    ("faults", "counted"),
    [
        ([FINE], COST),
        ([SLOW, FINE], MOST + COST),
        ([BROKEN, SLOW, FINE], 2 * MOST + COST),
        ([BUSY, DOWN, FINE], COST),
        ([TOLD_BUSY, TOLD_DOWN, FINE], MOST + COST),
        ([TOLD_BUSY, BUSY], 0.0),
        ([TOLD_DOWN], 5 * MOST),
        ([NO_SERVER, FINE], COST),
        ([SLOW], 5 * MOST),
        ([NO_SERVER], 0.0),
        ([SLOW, DOWN], MOST),
        ([SLOW, WRONG], MOST),
        ([BUSY, SLOW, BUSY], MOST),
        ([DOWN], 0.0),
        ([SLOW, completion(usage=None)], 2 * MOST),
    ],
)
def test_a_try_that_nothing_came_back_from_counts_with_the_most_it_may_cost_and_one_turned_down_with_nothing(
    faults, counted, limit
):
    """The same is recorded where there is no limit, so that one that is set later knows of it."""
    asked = model(Script(*faults))
    _, (call,), _, budget = send([question(asked)], limit)
    values = written(call).values
    recorded = values["counted_usd"] if values["counted_usd"] is not None else values["cost_usd"]
    assert recorded == pytest.approx(counted)
    if budget is not None:
        assert budget.spent == budget.at_most == pytest.approx(counted)


def test_a_call_that_ended_with_a_refusal_is_not_free_if_a_try_before_may_have_been_charged():
    (_,), (call,), run, _ = send([question(model(Script(SLOW, WRONG)))])
    assert not call.free
    assert run.cost_usd is None
    (_,), (call,), run, _ = send([question(model(Script(BUSY, WRONG)))])
    assert call.free
    assert run.cost_usd == 0.0


@pytest.mark.parametrize("api", APIS)
def test_no_try_follows_that_the_limit_has_no_room_for(api):
    script = Script(SLOW)
    asked = model(script, api, Prices(1000.0, 1000.0, 0.0))
    request = question(asked)
    most = asked.predicted(request).most
    (failed,), (call,), run, budget = send([request], limit=2.5 * most)
    assert len(script.requests) == 2
    assert budget.spent == call.counted_usd == pytest.approx(2 * most)
    assert failed.code == "timeout"
    assert failed.message.endswith("not enough to ask again. Raise the limit and resume the run.")
    assert budget.reasons
    assert run.cost_usd is None


@pytest.mark.parametrize("api", APIS)
def test_tries_are_repeated_as_often_as_ever_where_the_limit_has_room(api):
    script = Script(SLOW)
    asked = model(script, api, Prices(1000.0, 1000.0, 0.0))
    most = asked.predicted(question(asked)).most
    (failed,), _, _, budget = send([question(asked)], limit=5 * most)
    assert len(script.requests) == 5
    assert "5 tries" in failed.message
    assert budget.spent == pytest.approx(5 * most)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("told", "code", "sent"),
    [
        (TOLD_BUSY, "rate-limit", 5),
        (TOLD_DOWN, "server", 5),
        ({"error": {"status": 503, "message": "overloaded"}}, "server", 5),
        (error("insufficient credits", code=429), "no-credit", 1),
        (error("wrong", code=400), "bad-request", 1),
        (error("no such thing"), "bad-reply", 1),
        (error("strange", code="5" * 5000), "bad-reply", 1),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, "server", 5),
        ({"type": "error", "error": {"type": "rate_limit_error", "message": "later"}}, "rate-limit", 5),
    ],
)
def test_a_failure_that_a_reply_reports_is_tried_again_where_one_with_that_status_would_be(api, told, code, sent):
    script = Script((200, told, {"retry-after-ms": "1"}))
    (failed,), _, _, _ = send([question(model(script, api))])
    assert failed.code == code
    assert len(script.requests) == sent


def test_a_reply_with_an_error_beside_it_is_a_reply():
    script = Script(FINE | {"error": {"code": 502, "message": "the last word was lost"}})
    send([question(model(script))])
    assert len(script.requests) == 1


@pytest.mark.parametrize("body", [{}, {"choices": []}])
def test_a_failure_that_says_what_it_took_is_not_asked_for_again_and_is_not_free(body):
    used = {"prompt_tokens": 10, "completion_tokens": 5}
    script = Script(error("down", code=502) | body | {"usage": used})
    (failed,), (call,), run, _ = send([question(model(script))])
    assert failed.code == "server"
    assert len(script.requests) == 1
    assert not call.free
    assert run.cost_usd != 0


@settings(max_examples=15, deadline=None)
@given(
    faults=st.lists(st.sampled_from(["slow", "broken", "down", "told", "no server", "fine"]), min_size=1, max_size=30),
    limit=st.integers(0, 12),
)
def test_whatever_becomes_of_tries_the_limit_holds(faults, limit):
    """A server that charges the most for each try that it does not answer never takes more than the limit."""
    outcomes = {
        "slow": SLOW, "broken": BROKEN, "down": DOWN, "told": TOLD_DOWN, "no server": NO_SERVER, "fine": FINE,
    }  # fmt: skip
    prices = {"slow": MOST, "broken": MOST, "told": MOST, "down": 0.0, "no server": 0.0, "fine": COST}
    bills = []

    def reply(body):
        fault = faults[len(bills) % len(faults)]
        bills.append(prices[fault])
        return outcomes[fault]

    asked = model(Script(reply), retries=2)
    requests = [question(asked, str(at)) for at in range(6)]
    _, calls, _, budget = send(requests, limit * MOST)
    assert sum(bills) <= limit * MOST + 1e-9
    assert [budget.spent, budget.at_most] == pytest.approx([sum(bills)] * 2)
    assert sum(call.counted_usd for call in calls) == pytest.approx(sum(bills))


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("fault", "code", "retries"),
    [(SLOW, "timeout", 4), (DOWN, "server", 4), (BUSY, "rate-limit", 4), (WRONG, "bad-request", 0)],
)
def test_a_failed_call_is_recorded_with_what_was_sent_and_how_often(fault, code, retries, api):
    script = Script(fault)
    _, (call,), _, _ = send([question(model(script, api))])
    values = written(call).values
    assert (values["failed_code"], values["retries"]) == (code, retries)
    assert len(script.requests) == retries + 1
    told = [name for name in script.sent[-1] if name not in {"messages", "query", "documents"}]
    assert sorted(call.sent) == sorted(told)
    assert values["sent"] != "{}"


def test_a_failed_call_is_recorded_with_the_parameters_of_the_form_that_was_tried_last():
    def old(body):
        return (400, error("Unknown field max_completion_tokens")) if "max_completion_tokens" in body else DOWN

    _, (call,), _, _ = send([question(model(Script(old)))])
    assert call.sent == {"model": "m", "max_tokens": 50}
    assert call.retries == 4


def _called_off(script, hang):
    """What is recorded of a choice that is called off when its second call has begun, and the model."""
    archive, run = MemoryArchive(), Run(common=Common(Budget(100.0)))
    asked = model(script)

    async def cancel():
        client = await asked.server._client()
        send = client._client._transport.handle_async_request

        async def wait(request):
            response = await send(request)
            if hang(script.sent[-1]) and not begun.is_set():
                begun.set()
                await asyncio.sleep(60)
            return response

        client._client._transport.handle_async_request = wait
        begun, door = asyncio.Event(), Gateway(lambda ref: ref, archive)
        asking = asyncio.ensure_future(door.ask([replace(choose("yes", "no"), model=asked)], run))
        await asyncio.wait_for(begun.wait(), 20)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(cancel())
    return archive.calls[0], asked, run


def test_a_reply_that_was_received_is_kept_when_the_call_that_follows_it_is_called_off():
    script = Script(completion("perhaps", usage=(10, 1)), completion("yes"))
    call, _, run = _called_off(script, lambda body: "logprobs" not in body)
    assert isinstance(call.reply, Failed)
    assert call.reply.code == "cancelled"
    assert '"perhaps"' in call.reply.raw == call.reply.receipt.raw
    assert call.reply.receipt.model == "gpt-4o-mini-2024-07-18"
    assert (call.reply.receipt.cost_usd, call.reply.receipt.input_tokens) == (None, None)  # the second: unknown
    assert call.counted_usd == pytest.approx(1.0 * (1 + 16 + 2048) / 1000)
    assert run.cost_usd is None


def test_a_choice_that_was_called_off_is_not_asked_for_again_in_the_form_that_was_answered():
    script = Script(completion("perhaps", usage=(10, 1)), completion("yes"))
    _, asked, _ = _called_off(script, lambda body: "logprobs" not in body)
    (reply,), *_ = send([replace(choose("yes", "no"), model=asked)])
    assert isinstance(reply, Choices)
    assert reply.logprobs == (0.0, None)
    assert ["logprobs" in body for body in script.sent] == [True, False, False]


def test_a_call_that_nothing_was_received_of_has_no_receipt_when_it_is_called_off():
    told = completion("yes", logprobs=first_token(yes=0.9, no=0.1))
    call, _, run = _called_off(Script(told), lambda body: True)
    assert (call.reply.code, call.reply.receipt, run.cost_usd) == ("cancelled", None, None)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (BUSY, "rate limit"),
        (DOWN, "error 500"),
        (TOLD_DOWN, "error 502"),
        (SLOW, "no reply"),
        (BROKEN, "connection lost"),
        (NO_SERVER, "no connection"),
    ],
)
def test_a_run_tells_of_a_call_that_is_tried_again_while_it_is_and_no_longer(api, fault, trouble):
    fine = {"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
            "content": [{"type": "text", "text": "fine"}], "usage": {"input_tokens": 1, "output_tokens": 1},
            "results": [{"index": 0, "relevance_score": 0.5}, {"index": 1, "relevance_score": 0.1}],
            "choices": FINE["choices"]}  # fmt: skip
    told = []
    run = Run(on_progress=lambda run: told.append([*run.troubles.values()]))
    asked = model(Script(fault, fault, fine), api)
    (reply,) = asyncio.run(Gateway(lambda ref: ref).ask([question(asked)], run))
    assert not isinstance(reply, Failed)
    assert told == [[trouble], [trouble], []]


def test_what_a_call_met_with_is_not_told_of_the_next_call_for_the_same_answer():
    refused = (400, error("no response_format here", param="response_format"))
    told = []
    script = Script(BUSY, refused, lambda _: told.append("asked without") or FINE)
    run = Run(on_progress=lambda run: told.append([*run.troubles.values()]))
    asked = replace(question(model(script)), schema=SCHEMA)
    asyncio.run(Gateway(lambda ref: ref).ask([asked], run))
    assert told == [["rate limit"], ["error 400"], [], "asked without", []]


def test_all_runs_that_wait_for_a_call_are_told_of_its_tries_and_none_that_does_not_any_more():
    told = {"first": [], "second": []}

    async def two_runs():
        met = asyncio.Event()

        def note(run):
            told[run.label].append([*run.troubles.values()])
            met.set()

        gateway, asked = Gateway(lambda ref: ref), question(model(Script(DOWN, DOWN, FINE)))
        first, second = Run("first", on_progress=note), Run("second", on_progress=note)
        leaving, staying = (asyncio.ensure_future(gateway.ask([asked], run)) for run in (first, second))
        await asyncio.wait_for(met.wait(), 20)
        leaving.cancel()
        await asyncio.wait_for(staying, 20)
        assert not first.troubles
        assert not second.troubles

    asyncio.run(two_runs())
    assert told == {"first": [["error 500"]], "second": [["error 500"], ["error 500"], []]}
