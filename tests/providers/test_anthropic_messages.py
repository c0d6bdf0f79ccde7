"""Anthropic's Messages API: what is sent, how replies and failures are read, what is remembered."""

import logging
import traceback

import httpx2
import pytest

from reranking.models import Model, ModelError
from reranking.providers.anthropic_messages import AnthropicMessages, _client, open_model
from reranking.providers.settings import Settings
from reranking.replies import Choices, reply_to_json
from reranking.requests import Message, schema_text
from tests.providers.fakes import KEY, QUESTION, SCHEMA, Script, ask, choose, connection, generate


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    import anthropic._base_client

    monkeypatch.setattr(anthropic._base_client, "INITIAL_RETRY_DELAY", 0.001)


def model(script, name="claude-haiku-4-5", **options):
    return AnthropicMessages(name, connection(script, "anthropic", sdk="anthropic", make=_client, **options))


def message(*texts, stop="end_turn", usage=(11, 3), **body):
    reply = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5-20251001",
        "content": [{"type": "text", "text": text} for text in texts],
        "stop_reason": stop,
        "stop_sequence": None,
    }
    if usage is not None:
        reply["usage"] = {"input_tokens": usage[0], "output_tokens": usage[1]}
    return reply | body


def error(text, kind="invalid_request_error"):
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"}


def failure(script, request=None, **options):
    with pytest.raises(ModelError) as caught:
        ask(model(script, **options), request or generate())
    return caught.value


def test_a_request_holds_the_messages_the_schema_and_the_limit_and_no_temperature():
    script = Script(message('{"score": 3}'))
    reply = ask(model(script), generate(SCHEMA, messages=(Message("system", "First."), *QUESTION)))
    sent = script.sent[0]
    assert sent["system"] == "First.\n\nYou judge passages."
    assert sent["messages"] == [{"role": "user", "content": "Is it about cats?"}]
    assert sent["max_tokens"] == 50
    assert sent["output_config"]["format"]["type"] == "json_schema"
    assert sent["output_config"]["format"]["schema"]["required"] == ["score"]
    assert set(sent) == {"model", "system", "messages", "max_tokens", "output_config"}
    assert str(script.requests[0].url) == "https://api.anthropic.com/v1/messages"
    assert KEY in " ".join(script.requests[0].headers.values())
    assert set(reply.receipt.sent) == {"model", "max_tokens", "output_config"}


def test_the_bounds_in_a_schema_are_told_in_words_because_the_api_takes_none():
    bounded = {"type": "object", "properties": {"score": {"type": "integer", "minimum": 0, "maximum": 10}}}
    script = Script(message("{}"))
    ask(model(script), generate(schema_text(bounded)))
    score = script.sent[0]["output_config"]["format"]["schema"]["properties"]["score"]
    assert "minimum" not in score
    assert "maximum: 10" in score["description"]


def test_a_schema_beyond_the_helper_is_sent_as_it_is():
    odd = {"type": "object", "properties": {"x": {"type": ["string", "null"]}}}
    script = Script(message("{}"))
    ask(model(script), generate(schema_text(odd)))
    assert script.sent[0]["output_config"]["format"]["schema"] == odd


def test_a_prompt_of_system_messages_only_is_sent_as_the_users():
    script = Script(message("x"))
    ask(model(script), generate(messages=QUESTION[:1]))
    assert script.sent[0]["messages"] == [{"role": "user", "content": "You judge passages."}]
    assert "system" not in script.sent[0]


def test_cached_tokens_count_as_input_tokens_and_at_their_price():
    usage = {
        "input_tokens": 100,
        "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 0,
        "output_tokens": 50,
        "output_tokens_details": {"thinking_tokens": 20},
    }
    receipt = ask(model(Script(message("x", usage=None) | {"usage": usage})), generate()).receipt
    assert (receipt.input_tokens, receipt.output_tokens, receipt.reasoning_tokens) == (1100, 50, 20)
    # The list prices of Claude Haiku 4.5: $1 in, $0.10 read from the cache, $5 out, per million.
    assert receipt.cost_usd == pytest.approx(100e-6 + 1000 * 0.1e-6 + 50 * 5e-6)
    assert receipt.model == "claude-haiku-4-5-20251001"


def test_a_reply_without_usage_has_unknown_tokens_and_cost():
    receipt = ask(model(Script(message("x", usage=None))), generate()).receipt
    assert (receipt.input_tokens, receipt.output_tokens, receipt.cost_usd) == (None, None, None)


@pytest.mark.parametrize(
    ("body", "text", "finish"),
    [
        (message("one ", "two"), "one two", "stop"),
        (message('{"score":', stop="max_tokens"), '{"score":', "length"),
        (message("cut", stop="model_context_window_exceeded"), "cut", "length"),
        (message("I would rather not.", stop="refusal"), "I would rather not.", "refusal"),
        (message(stop="refusal", stop_details={"type": "refusal", "explanation": "Harm."}), "Harm.", "refusal"),
        (message(stop="refusal", stop_details=None), "", "refusal"),
        (message(), "", "stop"),
        (message("x", stop="pause_turn"), "x", "other"),
    ],
)
def test_a_reply_says_how_it_ended(body, text, finish):
    reply = ask(model(Script(body)), generate())
    assert (reply.text, reply.finish) == (text, finish)


def test_thinking_is_no_part_of_the_answer():
    body = message("B") | {"content": [{"type": "thinking", "thinking": "A?"}, {"type": "text", "text": "B"}]}
    assert ask(model(Script(body)), generate()).text == "B"


@pytest.mark.parametrize("body", ["<html></html>", '{"content": [', "[]", {"type": "message"}, {"content": None}])
def test_a_reply_that_is_none_is_reported_with_its_raw_text(body):
    problem = failure(Script(body))
    assert problem.code == "bad-reply"
    assert problem.raw


def test_a_rate_limited_request_is_retried_and_then_answered():
    script = Script((429, error("slow", "rate_limit_error"), {"retry-after": "0.001"}), message("at last"))
    reply = ask(model(script), generate())
    assert (reply.text, reply.receipt.retries) == ("at last", 1)


def test_a_rate_limited_request_is_retried_and_then_reported():
    script = Script((429, error("slow", "rate_limit_error"), {"retry-after-ms": "1"}))
    problem = failure(script)
    assert problem.code == "rate-limit"
    assert "5 tries" in problem.message
    assert len(script.requests) == 5


def test_a_pause_of_an_hour_is_reported_instead_of_waited_for():
    script = Script((429, error("slow", "rate_limit_error"), {"retry-after": "3600"}))
    problem = failure(script)
    assert problem.code == "rate-limit"
    assert "Wait 60 minutes" in problem.message
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("reply", "code", "part"),
    [
        ((401, error(f"invalid x-api-key {KEY}", "authentication_error")), "bad-key", "Check ANTHROPIC_API_KEY"),
        ((403, error("not for you", "permission_error")), "bad-key", "not for you"),
        ((404, error("model: claude-nope", "not_found_error")), "unknown-model", "'claude-haiku-4-5'"),
        ((400, error("prompt is too long: 210000 tokens > 200000 maximum")), "context-too-long", "too long"),
        ((413, error("Request exceeds the maximum size", "request_too_large")), "context-too-long", "too long"),
        ((400, error("Your credit balance is too low to access the API")), "no-credit", "Check its plan and billing"),
        ((402, error("Payment required", "billing_error")), "no-credit", "Check its plan and billing"),
        ((400, error("input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000")),
         "context-too-long", "fewer documents"),
        ((400, error("Output blocked by content filtering policy")), "refused", "Check the query and the documents"),
        ((403, error("Request not allowed", "forbidden")), "bad-key", "Request not allowed"),
        ((529, error("Overloaded", "overloaded_error")), "server", "Overloaded"),
        (httpx2.ReadTimeout("slow"), "timeout", "120 seconds"),
        (httpx2.ConnectError("refused"), "connection", "api.anthropic.com"),
    ],
)  # fmt: skip
def test_a_failure_is_reported_with_what_to_do(reply, code, part):
    problem = failure(Script(reply), retries=1)
    assert problem.code == code
    assert part in problem.message
    assert KEY not in problem.message + problem.raw


OTHER_KEY = "sk-ant-api03-other-key-1234"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_a_key_that_a_server_echoes_reaches_nobody(status, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(ModelError) as caught:
        ask(model(Script((status, error(f"key {KEY} and {OTHER_KEY}"))), retries=0), generate())
    told = caught.value.message + caught.value.raw + "".join(traceback.format_exception(caught.value))
    for secret in (KEY, OTHER_KEY):
        assert secret not in told
        assert secret not in caplog.text


def test_nothing_recorded_of_a_call_holds_the_key():
    asked = model(Script(message(f"you sent {KEY}")))
    recorded = str(reply_to_json(ask(asked, generate()))) + asked.fingerprint + asked.connection + asked.name
    assert KEY not in recorded


@pytest.mark.parametrize(
    "refusal",
    [
        "output_config: Extra inputs are not permitted",
        "output_config.format: This model does not support structured outputs",
        "'claude-3-haiku' does not support output format json_schema.",
    ],
)
def test_a_model_that_takes_no_schema_gets_it_as_an_instruction_from_then_on(refusal):
    script = Script(lambda body: (400, error(refusal)) if "output_config" in body else message('{"score": 1}'))
    replies = ask(model(script), generate(SCHEMA), generate(SCHEMA))
    assert ["output_config" in sent for sent in script.sent] == [True, False, False]
    assert script.sent[2]["system"].endswith(SCHEMA)
    assert [reply.text for reply in replies] == ['{"score": 1}'] * 2
    assert replies[1].receipt.sent["schema_in_prompt"] is True


def test_a_choice_is_written_out():
    script = Script(message("(B)"))
    reply = ask(model(script), choose("A", "B", "C"))
    assert isinstance(reply, Choices)
    assert (reply.by, reply.logprobs) == ("generated", (None, 0.0, None))
    assert set(script.sent[0]) == {"model", "system", "messages", "max_tokens"}
    assert script.sent[0]["max_tokens"] < 100


@pytest.mark.parametrize(("text", "stop"), [("Both", "end_turn"), ("", "end_turn"), ("A", "refusal")])
def test_a_written_answer_that_is_no_choice_chooses_nothing(text, stop):
    assert ask(model(Script(message(text, stop=stop))), choose("A", "B")).logprobs == (None, None)


def test_a_model_that_thinks_before_it_chooses_gets_room_for_it_from_then_on():
    script = Script(lambda body: message(stop="max_tokens") if body["max_tokens"] < 500 else message("B"))
    first, second = ask(model(script), choose("A", "B"), choose("A", "B"))
    assert first.logprobs == second.logprobs == (None, 0.0)
    assert len(script.requests) == 3
    assert (first.receipt.input_tokens, second.receipt.input_tokens) == (22, 11)


def test_a_talkative_model_is_not_asked_twice():
    script = Script(message("Let me consider both passages with", stop="max_tokens"))
    assert ask(model(script), choose("A", "B")).logprobs == (None, None)
    assert len(script.requests) == 1


def test_an_opened_model_has_the_address_and_no_key_in_its_identity():
    settings = Settings(keys={"anthropic": KEY}, environment={"ANTHROPIC_BASE_URL": "http://proxy.example/v1/"})
    opened = open_model("anthropic", "claude-x", settings)
    assert isinstance(opened, Model)
    assert opened.name == "anthropic:claude-x"
    assert opened.place == "http://proxy.example"  # the SDK adds /v1 itself
    assert KEY not in opened.fingerprint
