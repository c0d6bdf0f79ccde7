"""OpenAI's chat API: what a server does not take, and choices with and without log-probabilities."""

import asyncio
import json
import math

import pytest

from reranking.gateway import Budget, Common, Gateway, Run
from reranking.models import ModelError
from reranking.providers.saved import Prices, SavedConnection
from reranking.replies import Choices, reply_from_json, reply_to_json
from reranking.requests import Message
from tests.providers.fake_openai import LOCAL, completion, error, first_token, model
from tests.providers.fakes import QUESTION, SCHEMA, Script, ask, choose, generate

# What a server does not take


def no_response_format(body):
    refused = (400, error("Invalid parameter: 'response_format' of type 'json_schema' is not supported."))
    return refused if "response_format" in body else completion('{"score": 1}')


def test_a_server_that_takes_no_schema_gets_it_as_an_instruction_from_then_on():
    script = Script(no_response_format)
    replies = ask(model(script), generate(SCHEMA), generate(SCHEMA), generate())
    assert ["response_format" in sent for sent in script.sent] == [True, False, False, False]
    system = script.sent[1]["messages"][0]["content"]
    assert system.startswith("You judge passages.")
    assert system.endswith(SCHEMA)
    assert script.sent[3]["messages"][0]["content"] == "You judge passages."
    assert replies[0].receipt.sent["schema_in_prompt"] is True
    assert "schema_in_prompt" not in replies[2].receipt.sent


def test_a_prompt_without_a_system_message_gets_one_for_the_schema():
    script = Script(no_response_format)
    ask(model(script), generate(SCHEMA, messages=QUESTION[1:]))
    assert [message["role"] for message in script.sent[1]["messages"]] == ["system", "user"]


UNKNOWN_LIMIT = [
    (422, {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "{}"]}]}}),
    (400, error("Unrecognized request argument supplied: {}")),
]


@pytest.mark.parametrize(("status", "template"), UNKNOWN_LIMIT)
def test_a_server_that_knows_only_the_old_limit_gets_it_from_then_on(status, template):
    def only_max_tokens(body):
        text = str(template).replace("{}", "max_completion_tokens").replace("'", '"').replace("None", "null")
        return (status, text) if "max_completion_tokens" in body else completion()

    script = Script(only_max_tokens)
    replies = ask(model(script), generate(limit=50), generate(limit=60))
    assert [sent.get("max_tokens") for sent in script.sent] == [None, 50, 60]
    assert replies[1].receipt.sent == {"model": "gpt-4o-mini", "max_tokens": 60}


def test_a_limit_that_is_too_large_is_not_taken_for_an_unknown_parameter():
    def strict(body):
        if "max_tokens" in body:
            return 400, error("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        too_large = body["max_completion_tokens"] > 1000
        return (400, error("max_completion_tokens is too large: 5000.")) if too_large else completion()

    script = Script(strict)
    asked = model(script)
    with pytest.raises(ModelError, match="too large: 5000"):
        ask(asked, generate(limit=5000))
    ask(asked, generate(limit=50))
    assert script.sent[-1]["max_completion_tokens"] == 50


def test_a_server_that_passes_over_the_limit_gets_the_old_one_from_then_on():
    script = Script(completion(usage=(11, 400)))
    ask(model(script, base_url=LOCAL), generate(limit=50), generate(limit=50))
    assert "max_completion_tokens" in script.sent[0]
    assert script.sent[1]["max_tokens"] == 50


def test_several_refusals_are_worked_through_in_one_request():
    def picky(body):
        if "max_completion_tokens" in body:
            return 400, error("Unknown field max_completion_tokens")
        return no_response_format(body)

    script = Script(picky)
    replies = ask(model(script), generate(SCHEMA), generate(SCHEMA))
    assert [reply.text for reply in replies] == ['{"score": 1}'] * 2
    assert len(script.requests) == 4


# Choices


def test_a_choice_sums_the_probabilities_of_its_spellings():
    tokens = {"Yes": 0.5, " yes": 0.2, "YES": 0.1, "No": 0.05, "Maybe": 0.05}
    script = Script(completion("Yes", "length", logprobs=first_token(**tokens)))
    reply = ask(model(script), choose("yes", "no", "unclear"))
    assert isinstance(reply, Choices)
    assert reply.by == "logprobs"
    assert [None if value is None else math.exp(value) for value in reply.logprobs] == [
        pytest.approx(0.8),
        pytest.approx(0.05),
        None,
    ]
    sent = script.sent[0]
    assert (sent["logprobs"], sent["top_logprobs"], sent["max_completion_tokens"]) == (True, 20, 1)
    assert "temperature" not in sent


def test_a_grade_that_may_be_the_beginning_of_another_is_not_guessed_and_its_reply_is_kept():
    grades = [str(grade) for grade in range(11)]
    split = Script(completion("1", "length", logprobs=first_token(**{"1": 0.6, "3": 0.4})))
    kept = ask(model(split), choose(*grades))
    assert kept.logprobs == (None,) * 11
    assert '"logprobs"' in kept.receipt.raw
    whole = Script(completion("1", "length", logprobs=first_token(**{"1": 0.6, "10": 0.4})))
    reply = ask(model(whole), choose(*grades))
    assert math.exp(reply.logprobs[10]) == pytest.approx(0.4)
    other = Script(completion("3", "length", logprobs=first_token(**{"3": 0.9, "4": 0.1})))
    assert math.exp(ask(model(other), choose(*grades)).logprobs[3]) == pytest.approx(0.9)


@pytest.mark.parametrize(
    "refusal",
    [
        (400, error("Unsupported parameter: 'logprobs' is not supported with this model.", param="logprobs")),
        (403, error("You are not allowed to request logprobs from this model")),
    ],
)
def test_a_model_that_refuses_logprobs_writes_its_choice_from_then_on(refusal):
    script = Script(lambda body: refusal if "logprobs" in body else completion("**No**, it is not."))
    replies = ask(model(script), choose("yes", "no"), choose("yes", "no"))
    assert ["logprobs" in sent for sent in script.sent] == [True, False, False]
    for reply in replies:
        assert (reply.by, reply.logprobs) == ("generated", (None, 0.0))


def test_a_model_that_returns_no_logprobs_writes_its_choice_and_both_calls_are_counted():
    script = Script(completion("B", "length", usage=(10, 1)), completion("B", usage=(10, 2)))
    first, second = ask(model(script), choose("A", "B"), choose("A", "B"))
    assert ["logprobs" in sent for sent in script.sent] == [True, False, False]
    assert (first.by, first.logprobs) == ("generated", (None, 0.0))
    assert (first.receipt.input_tokens, first.receipt.output_tokens) == (20, 3)
    assert (second.receipt.input_tokens, second.receipt.output_tokens) == (10, 2)


def test_what_two_calls_cost_is_unknown_if_the_second_was_paid_perhaps_and_not_answered():
    script = Script(completion("B", "length", usage=(10, 1)), "no reply at all")
    with pytest.raises(ModelError) as caught:
        ask(model(script), choose("A", "B"))
    assert caught.value.code == "bad-reply"
    assert (caught.value.receipt.cost_usd, caught.value.receipt.input_tokens) == (None, None)


@pytest.mark.parametrize("text", ["The answer is B", "", "Neither", "10/10", "I cannot tell."])
def test_a_written_answer_that_is_no_choice_chooses_nothing(text):
    script = Script((400, error("no logprobs")), completion(text))
    reply = ask(model(script), choose("A", "B", "1", "10"))
    assert (reply.by, reply.logprobs) == ("generated", (None,) * 4)


def test_a_refusal_chooses_nothing():
    script = Script(completion(None, refusal="No."))
    reply = ask(model(script), choose("no", "yes"))
    assert reply.logprobs == (None, None)
    assert len(script.requests) == 1


def test_a_model_that_thinks_before_it_chooses_gets_room_for_it_from_then_on():
    def thinking(body):
        if "logprobs" in body:
            return 400, error("logprobs are not supported with reasoning models")
        return completion("", "length") if body["max_completion_tokens"] < 500 else completion("B")

    script = Script(thinking)
    first, second = ask(model(script), choose("A", "B"), choose("A", "B"))
    assert first.logprobs == second.logprobs == (None, 0.0)
    assert len(script.requests) == 4
    assert first.receipt.input_tokens == 22


def test_requests_under_way_while_a_refusal_is_learnt_are_answered_all_the_same():
    def thinking(body):
        if "logprobs" in body or "max_completion_tokens" in body:
            return 400, error("Unknown fields: logprobs" if "logprobs" in body else "Unknown: max_completion_tokens")
        return completion("", "length") if body["max_tokens"] < 500 else completion("B")

    async def at_once(asked):
        return await asyncio.gather(*(asked.answer(choose("A", "B")) for _ in range(8)))

    for reply in asyncio.run(at_once(model(Script(thinking)))):
        assert reply.logprobs == (None, 0.0)


def test_a_limit_reported_as_an_error_counts_as_a_cut_off_reply():
    message = "Could not finish the message because max_tokens or model output limit was reached."
    reply = ask(model(Script((400, error(message)))), generate())
    assert (reply.text, reply.finish) == ("", "length")
    assert reply.receipt.input_tokens is None
    assert "output limit" in reply.receipt.raw


def test_a_server_with_a_least_number_of_tokens_gets_it():
    def at_least_16(body):
        if body["max_completion_tokens"] < 16:
            return 400, error("Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16.")
        return completion("Yes", "length", logprobs=first_token(Yes=0.9, No=0.1))

    script = Script(at_least_16)
    replies = ask(model(script), choose("yes", "no"), choose("yes", "no"))
    assert [sent["max_completion_tokens"] for sent in script.sent] == [1, 16, 16]
    assert [reply.by for reply in replies] == ["logprobs"] * 2


def test_one_reply_without_log_probabilities_does_not_take_them_from_a_model_that_tells_them():
    told = completion("yes", logprobs=first_token(yes=0.8, no=0.2))
    script = Script(told, completion(""), completion("no"), told)
    replies = ask(model(script), *[choose("yes", "no")] * 4)
    assert [reply.by for reply in replies] == ["logprobs", "logprobs", "generated", "logprobs"]
    assert [reply.logprobs for reply in replies[1:3]] == [(None, None), (None, 0.0)]
    assert ["logprobs" in sent for sent in script.sent] == [True] * 4


def test_a_written_grade_that_may_be_the_beginning_of_another_is_not_guessed_either():
    told = completion("3", logprobs=first_token(**{"3": 0.8, "2": 0.2}))
    grades = [str(grade) for grade in range(11)]
    _, lost, written = ask(model(Script(told, completion("1"), completion("3"))), *[choose(*grades)] * 3)
    assert lost.logprobs == (None,) * 11
    assert (written.by, written.logprobs.index(0.0)) == ("generated", 3)


def test_a_model_that_told_log_probabilities_and_then_refuses_them_is_not_asked_to_write():
    told, refusal = completion("yes", logprobs=first_token(yes=0.8, no=0.2)), (400, error("logprobs are not on offer"))
    script = Script(told, refusal, told)
    asked = model(script)
    ask(asked, choose("yes", "no"))
    with pytest.raises(ModelError, match="not on offer"):
        ask(asked, choose("yes", "no"))
    assert ask(asked, choose("yes", "no")).by == "logprobs"
    assert len(script.requests) == 3


def test_no_choice_takes_more_than_was_predicted_for_it():
    """A server that tells log-probabilities at its whim, and writes all that it may, keeps to a spending limit."""

    def whimsical(body):
        limit = body["max_completion_tokens"]
        if limit < 16:
            return 400, error("integer below minimum value. Expected a value >= 16")
        tells = "logprobs" in body and len(script.requests) % 3 == 2
        logprobs = first_token(yes=0.9, no=0.1) if tells else None
        return completion("yes" if tells else "", "length", logprobs=logprobs, usage=(0, limit))

    script = Script(whimsical)
    server = {"saved": SavedConnection("box", "openai", LOCAL, prices=Prices(0.0, 1e6, 0.0)), "base_url": LOCAL}
    asked = model(script, provider="box", **server)
    requests = [choose("yes", "no", messages=(Message("user", str(at)),)) for at in range(12)]
    budget = Budget(2500.0)

    async def one_by_one():
        door, run = Gateway(lambda ref: asked), Run(common=Common(budget))
        for request in requests:
            most = asked.predicted(request).most
            before = budget.spent
            (reply,) = await door.ask([request], run)
            yield most, budget.spent - before, reply

    async def collect():
        return [item async for item in one_by_one()]

    found = asyncio.run(collect())
    assert all(cost <= most for most, cost, _ in found)
    assert budget.spent <= budget.limit
    assert [reply.logprobs[0] is not None for *_, reply in found] == [True, False, False] * 4
    assert len(script.requests) == 1 + len(requests)


@pytest.mark.parametrize(
    ("reply", "finish", "text"),
    [
        (completion(""), "stop", ""),
        (completion("Both of them."), "stop", "Both of them."),
        (completion("I would say that", "length"), "length", "I would say that"),
        (completion(None, refusal="I cannot help."), "refusal", "I cannot help."),
        (completion("", "content_filter"), "refusal", ""),
    ],
)
def test_a_choice_that_was_not_made_tells_how_the_answer_ended_and_what_it_said(reply, finish, text):
    script = Script(reply)
    found = ask(model(script, base_url=LOCAL), choose("yes", "no"))
    assert (found.logprobs, found.finish, found.text) == ((None, None), finish, text)
    assert reply_from_json(json.loads(json.dumps(reply_to_json(found)))) == found


def test_the_one_token_of_a_thought_is_no_empty_answer():
    script = Script(completion("", "length", logprobs=first_token(Well=0.9, So=0.1)))
    found = ask(model(script), choose("yes", "no"))
    assert (found.logprobs, found.finish, found.text) == ((None, None), "stop", None)
