"""OpenAI's chat API: what is sent, how replies and failures are read, what is remembered of a server."""

import asyncio
import contextlib
import json
import logging
import math
import re
import socket
import traceback

import httpx2
import pytest

from reranking.models import Model, ModelError
from reranking.providers.openai_chat import OpenAIChat, make_client, open_model
from reranking.providers.settings import Settings
from reranking.replies import Choices, Text, reply_to_json
from reranking.requests import Embed, Message
from tests.providers.fakes import KEY, QUESTION, SCHEMA, Script, ask, choose, connection, generate

LOCAL = "http://localhost:9999/v1"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    import openai._base_client

    monkeypatch.setattr(openai._base_client, "INITIAL_RETRY_DELAY", 0.001)


def model(script, name="gpt-4o-mini", provider="openai", **options):
    return OpenAIChat(name, connection(script, provider, sdk="openai", make=make_client, **options))


def completion(text="fine", finish="stop", *, usage=(11, 3), logprobs=None, refusal=None, **body):
    message = {"role": "assistant", "content": text, "refusal": refusal}
    reply = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "finish_reason": finish, "message": message, "logprobs": logprobs}],
    }
    if usage is not None:
        reply["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return reply | body


def first_token(**probabilities):
    """The log-probabilities of a reply of one token; the first name is the token that was sampled."""
    entries = [{"token": token, "logprob": math.log(p), "bytes": None} for token, p in probabilities.items()]
    return {"content": [entries[0] | {"top_logprobs": entries}], "refusal": None}


def error(message, *, code=None, param=None):
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def failure(script, request=None, **options):
    with pytest.raises(ModelError) as caught:
        ask(model(script, **options), request or generate())
    return caught.value


# What is sent


def test_a_request_holds_the_messages_the_schema_and_the_limit_and_no_temperature():
    script = Script(completion('{"score": 3}'))
    reply = ask(model(script), generate(SCHEMA))
    sent = script.sent[0]
    assert sent["messages"] == [
        {"role": "system", "content": "You judge passages."},
        {"role": "user", "content": "Is it about cats?"},
    ]
    assert sent["response_format"]["type"] == "json_schema"
    assert sent["response_format"]["json_schema"]["strict"] is True
    assert sent["response_format"]["json_schema"]["schema"]["required"] == ["score"]
    assert sent["max_completion_tokens"] == 50
    assert set(sent) == {"model", "messages", "response_format", "max_completion_tokens"}
    assert str(script.requests[0].url) == "https://api.openai.com/v1/chat/completions"
    assert script.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert reply.receipt.sent == {key: value for key, value in sent.items() if key != "messages"}


def test_a_request_without_a_schema_asks_for_free_text():
    script = Script(completion())
    ask(model(script), generate())
    assert set(script.sent[0]) == {"model", "messages", "max_completion_tokens"}


def test_half_a_surrogate_pair_in_a_document_can_be_sent():
    script = Script(completion("cut \ud83d"))
    reply = ask(model(script), generate(messages=(Message("user", "broken \ud83d text"),)))
    assert script.sent[0]["messages"][0]["content"] == "broken \ufffd text"
    assert reply.text == "cut \ufffd"


def test_the_organisation_of_the_environment_is_told_to_openai_only(monkeypatch):
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    ours, theirs = Script(completion()), Script(completion())
    ask(model(ours), generate())
    ask(model(theirs, provider="ollama", base_url=LOCAL), generate())
    assert ours.requests[0].headers["openai-organization"] == "org-mine"
    assert "openai-organization" not in theirs.requests[0].headers


# What is read


def test_usage_and_cost_and_the_model_that_answered_are_on_the_receipt():
    details = {"completion_tokens_details": {"reasoning_tokens": 64}, "prompt_tokens_details": {"cached_tokens": 0}}
    body = completion(usage=None) | {"usage": {"prompt_tokens": 1000, "completion_tokens": 100, **details}}
    receipt = ask(model(Script(body)), generate()).receipt
    assert (receipt.input_tokens, receipt.output_tokens, receipt.reasoning_tokens) == (1000, 100, 64)
    assert receipt.model == "gpt-4o-mini-2024-07-18"
    assert receipt.cost_usd == pytest.approx(1000 * 0.15e-6 + 100 * 0.60e-6)  # the list price of gpt-4o-mini
    assert receipt.seconds is not None
    assert receipt.seconds >= 0


def test_the_raw_reply_is_kept_whole():
    raw = '{"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "surprise": [1, 2]}'
    assert ask(model(Script(raw)), generate()).receipt.raw == raw


def test_a_reply_without_usage_has_unknown_tokens_and_cost():
    receipt = ask(model(Script(completion(usage=None))), generate()).receipt
    assert (receipt.input_tokens, receipt.output_tokens, receipt.cost_usd) == (None, None, None)


def test_usage_of_a_model_without_a_price_is_still_read():
    receipt = ask(model(Script(completion(model="never-heard-of")), name="nor-of-this"), generate()).receipt
    assert (receipt.input_tokens, receipt.output_tokens, receipt.cost_usd) == (11, 3, None)


def test_a_snapshot_without_a_price_costs_what_the_model_costs_that_was_asked():
    receipt = ask(model(Script(completion(model="snapshot-of-tomorrow"))), generate()).receipt
    assert receipt.model == "snapshot-of-tomorrow"
    assert receipt.cost_usd == pytest.approx(11 * 0.15e-6 + 3 * 0.60e-6)


def test_a_local_server_costs_an_unknown_amount():
    reply = ask(model(Script(completion()), provider="vllm", base_url=LOCAL), generate())
    assert (reply.receipt.input_tokens, reply.receipt.cost_usd) == (11, None)


def test_another_server_at_openais_base_url_variable_has_no_list_price():
    assert ask(model(Script(completion()), base_url=LOCAL), generate()).receipt.cost_usd is None


@pytest.mark.parametrize(
    ("body", "text", "finish"),
    [
        (completion("whole"), "whole", "stop"),
        (completion('{"score":', "length"), '{"score":', "length"),
        (completion(None, refusal="I cannot help with that."), "I cannot help with that.", "refusal"),
        (completion("", "content_filter"), "", "refusal"),
        (completion(None), "", "stop"),
        (completion("", "length"), "", "length"),
        (completion("", "tool_calls"), "", "other"),
    ],
)
def test_a_reply_says_how_it_ended(body, text, finish):
    reply = ask(model(Script(body)), generate())
    assert isinstance(reply, Text)
    assert (reply.text, reply.finish) == (text, finish)


@pytest.mark.parametrize(
    "body",
    [
        "<html><body>Bad gateway</body></html>",
        '{"choices": [{"message": {"content": "cut off in tra',
        "",
        "[]",
        "null",
        '"text"',
        {"choices": []},
        {"choices": [None]},
        {"choices": [{"message": None}]},
        {"choices": [{"message": {"content": {"a": 1}}, "finish_reason": "stop"}]},
    ],
)
def test_a_reply_that_is_none_is_reported_with_its_raw_text(body):
    script = Script(body)
    problem = failure(script)
    assert problem.code == "bad-reply"
    assert "https://api.openai.com/v1" in problem.message
    assert len(script.requests) == 1
    if isinstance(body, str):
        assert problem.raw == body


# Failures


def test_a_rate_limited_request_is_retried_and_then_answered():
    limited = (429, error("slow down"), {"retry-after-ms": "1"})
    script = Script(limited, limited, completion("at last"))
    reply = ask(model(script), generate())
    assert reply.text == "at last"
    assert reply.receipt.retries == 2


def test_a_server_error_and_a_broken_connection_are_retried():
    script = Script((503, "busy"), httpx2.ReadError("reset"), completion())
    assert ask(model(script), generate()).receipt.retries == 2


def test_a_rate_limited_request_is_retried_and_then_reported():
    script = Script((429, error("slow down"), {"retry-after": "0.001"}))
    problem = failure(script)
    assert problem.code == "rate-limit"
    assert "5 tries" in problem.message
    assert len(script.requests) == 5


def test_a_used_up_quota_is_told_from_a_rate_limit():
    problem = failure(Script((429, error("You exceeded your quota", code="insufficient_quota"))), retries=0)
    assert problem.code == "rate-limit"
    assert "billing" in problem.message


def test_a_refused_key_is_reported_with_the_fix_and_without_the_key():
    problem = failure(Script((401, error(f"Incorrect API key provided: {KEY}. Find yours at ..."))))
    assert problem.code == "bad-key"
    assert problem.message == "OpenAI refused the API key (401). Check OPENAI_API_KEY."
    assert KEY not in problem.raw
    assert "Incorrect API key provided" in problem.raw


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500])
@pytest.mark.parametrize("echoed", [KEY, "sk-proj-another_KEY-12345678", "sk-te***************ghij", f"Bearer {KEY}"])
def test_a_key_that_a_server_echoes_reaches_nobody(status, echoed, caplog):
    caplog.set_level(logging.DEBUG)
    script = Script((status, error(f"No: {echoed} is not welcome", param=echoed, code=echoed)))
    try:
        ask(model(script, retries=0), generate())
    except ModelError as problem:
        told = problem.message + problem.raw + repr(problem) + "".join(traceback.format_exception(problem))
    for secret in (echoed.removeprefix("Bearer "), KEY):
        assert secret not in told
        assert secret not in caplog.text


def test_a_key_of_another_shape_is_scrubbed_too():
    key = "0123456789abcdef0123456789abcdef"
    problem = failure(Script((400, f"bad header: {key}")), key=key)
    assert key not in problem.message + problem.raw


def test_nothing_recorded_of_a_call_holds_the_key():
    asked = model(Script(completion(f"you sent {KEY}", system_fingerprint=KEY)))
    reply = ask(asked, generate())
    recorded = str(reply_to_json(reply)) + asked.fingerprint + asked.connection + asked.name
    assert KEY not in recorded
    assert "you sent [key]" in reply.text


def test_a_placeholder_key_leaves_replies_alone():
    reply = ask(model(Script(completion("ollama is a runtime")), key="ollama"), generate())
    assert reply.text == "ollama is a runtime"


def test_an_unknown_model_is_named():
    problem = failure(Script((404, error("does not exist", code="model_not_found"))), name="gpt-nope")
    assert problem.code == "unknown-model"
    assert "gpt-nope" in problem.message
    listed = error("Invalid model name passed in model=gpt-nope. Call `/v1/models` to view available models.")
    assert failure(Script((400, listed)), name="gpt-nope").code == "unknown-model"
    local = failure(Script((404, {"error": "model not found"})), name="llama", provider="ollama", base_url=LOCAL)
    assert "ollama pull llama" in local.message


@pytest.mark.parametrize(
    "body",
    [
        error("This model's maximum context length is 128000 tokens.", code="context_length_exceeded"),
        {"object": "error", "message": "This model's maximum context length is 4096 tokens. You requested 5000."},
        error("'max_tokens' is too large: 8000. This model's maximum context length is 4096 tokens"),
        error("the request exceeds the available context size"),
    ],
)
def test_a_prompt_that_is_too_long_is_reported_as_such(body):
    script = Script((400, body))
    problem = failure(script)
    assert problem.code == "context-too-long"
    assert len(script.requests) == 1


def test_another_bad_request_is_reported_with_what_the_server_said():
    problem = failure(Script((400, error("Invalid role: 'wizard'"))))
    assert problem.code == "bad-request"
    assert problem.message == "OpenAI turned the request down (400): Invalid role: 'wizard'."


def test_a_server_that_fails_for_good_is_reported():
    problem = failure(Script((502, "<html><h1>Bad gateway</h1></html>")), retries=1)
    assert problem.code == "server"
    assert problem.message == "OpenAI failed (502): Bad gateway. Try again later."


def test_silence_is_reported_as_a_timeout():
    problem = failure(Script(httpx2.ReadTimeout("slow")), retries=1, timeout=7.0)
    assert problem.code == "timeout"
    assert "7 seconds (2 tries)" in problem.message


def test_a_refused_connection_names_host_and_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = Settings(environment={"VLLM_BASE_URL": f"http://127.0.0.1:{port}/v1"})
    with pytest.raises(ModelError) as caught:
        ask(open_model("vllm", "m", settings), generate())
    assert caught.value.code == "connection"
    assert f"127.0.0.1:{port}" in caught.value.message
    assert "VLLM_BASE_URL" in caught.value.message


def test_an_unreachable_host_is_a_connection_problem_not_a_slow_model():
    assert failure(Script(httpx2.ConnectTimeout("nobody")), retries=0).code == "connection"


def test_a_request_of_another_kind_is_turned_down_without_a_call():
    script = Script(completion())
    embed = Embed(model="m", task="embed", texts=("a",), role="query")
    assert failure(script, embed).code == "cannot-answer"
    assert script.requests == []


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


# Identity


def test_models_of_a_server_share_its_connection_and_differ_in_their_fingerprints():
    settings = Settings(keys={"openai": KEY}, environment={})
    one, two = (open_model("openai", name, settings) for name in ("gpt-a", "gpt-b"))
    assert isinstance(one, Model)
    assert one._server is two._server
    assert one.connection == two.connection == "https://api.openai.com/v1"
    assert one.concurrency == 16
    assert one.fingerprint != two.fingerprint
    other = open_model("openai", "gpt-a", Settings(keys={"openai": "sk-other-key-1234567890"}, environment={}))
    assert other.fingerprint == one.fingerprint
    assert other._server is not one._server


def test_a_server_is_named_in_the_models_name():
    settings = Settings(environment={"OPENAI_COMPATIBLE_API_KEY": KEY})
    named = open_model("openai-compatible", "org/model@v2@http://gpu.example:8080/v1/", settings)
    assert named.connection == "http://gpu.example:8080/v1"
    assert named.name == "openai-compatible:org/model@v2@http://gpu.example:8080/v1/"
    assert named._model == "org/model@v2"
    assert named._server.key == KEY


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("model", "unknown-model"),
        ("model@host:80", "unknown-model"),
        ("m@http://user:secret-word@host/v1", "bad-request"),
        ("m@http://host/v1?api-key=secret-word", "bad-request"),
        ("m@http://host:notaport/v1", "bad-request"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_without_its_secrets(name, code):
    with pytest.raises(ModelError) as caught:
        open_model("openai-compatible", name, Settings(environment={}))
    assert caught.value.code == code
    assert "secret-word" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("closing", [True, False])
def test_one_model_can_be_asked_from_one_event_loop_after_another(closing):
    """A client belongs to its loop; within a loop its sockets are used again."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    asked = open_model("vllm", "m", Settings(environment={"VLLM_BASE_URL": f"http://127.0.0.1:{port}/v1"}))
    body = json.dumps(completion("from a socket")).encode()
    connections = []

    async def serve(reader, writer):
        connections.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1]))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
                writer.write(b"content-length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    async def three():
        async with await asyncio.start_server(serve, "127.0.0.1", port):
            texts = [(await asked.answer(generate())).text for _ in range(3)]
            if closing:
                await asked.aclose()
                await connections[-1].wait_closed()
            return texts

    for _ in range(2):
        assert asyncio.run(three()) == ["from a socket"] * 3
    assert len(connections) == 2
