"""OpenAI's chat API: what is sent, what is read, and what a model is called."""

import asyncio
import contextlib
import json
import re
import socket

import pytest

from reranking.models import Model, ModelError
from reranking.providers.openai_chat import make_client, open_model, post
from reranking.providers.settings import Settings
from reranking.replies import Text
from reranking.requests import Message
from tests.providers.fake_openai import LOCAL, completion, failure, model
from tests.providers.fakes import KEY, SCHEMA, Script, ask, connection, generate

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


@pytest.mark.parametrize("base_url", ["https://api.openai.com/v1", "http://localhost:9/a%20b/v1/", "http://[::1]:8000"])
def test_a_request_is_what_the_sdks_own_method_sends(base_url):
    script = Script(completion())

    async def both_ways():
        made = make_client(connection(script, "openai", sdk="openai", make=make_client, base_url=base_url))
        messages = [{"role": "user", "content": "Is it about cats?"}]
        await post(made, "/chat/completions", {"messages": messages, "model": "m"})
        await made.chat.completions.create(messages=messages, model="m")

    asyncio.run(both_ways())
    ours, theirs = script.requests
    assert (ours.method, ours.url, json.loads(ours.content)) == (theirs.method, theirs.url, json.loads(theirs.content))
    assert dict(ours.headers) == dict(theirs.headers)
    assert ours.extensions["timeout"] == theirs.extensions["timeout"]


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


@pytest.mark.parametrize(
    ("kind", "encoding", "text"),
    [
        ("application/json", "utf-8", "größer, 日本"),
        ("application/json; charset=utf-8", "utf-8", "größer, 日本"),
        ("application/json; charset=UTF-8", "utf-8", "größer, 日本"),
        ("application/json; charset=latin-1", "latin-1", "größer"),
        ("application/json; charset=shift_jis", "shift_jis", "日本"),
        ("application/json; charset=utf-16le", "utf-16le", "each byte is one of UTF-8, too"),
        ("text/plain", "utf-8", "größer, 日本"),
        ("application/json; charset=latin-1", "utf-8", "größer, 日本"),
    ],
)
def test_a_reply_is_read_as_utf_8_or_if_it_cannot_be_that_in_the_encoding_that_it_names(kind, encoding, text):
    body = json.dumps(completion(text), ensure_ascii=False).encode(encoding)
    reply = ask(model(Script((200, body, {"content-type": kind}))), generate())
    assert reply.text == text


def test_bytes_that_no_encoding_explains_cost_their_characters_and_not_the_reply():
    body = json.dumps(completion("a?b")).encode().replace(b"?", b"\xff")
    assert ask(model(Script((200, body))), generate()).text == "a\ufffdb"


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


# Identity


def test_models_of_a_server_share_its_connection_and_differ_in_their_fingerprints():
    settings = Settings(keys={"openai": KEY}, environment={})
    one, two = (open_model("openai", name, settings) for name in ("gpt-a", "gpt-b"))
    assert isinstance(one, Model)
    assert one._server is two._server
    assert one.connection == two.connection == "openai https://api.openai.com/v1"
    assert one.concurrency == 16
    assert one.fingerprint != two.fingerprint
    other = open_model("openai", "gpt-a", Settings(keys={"openai": "sk-other-key-1234567890"}, environment={}))
    assert other.fingerprint == one.fingerprint
    assert other._server is not one._server


def test_a_server_is_named_in_the_models_name():
    environment = {"OPENAI_COMPATIBLE_API_KEY": KEY, "OPENAI_COMPATIBLE_BASE_URL": "http://gpu.example:8080/v1"}
    settings = Settings(environment=environment)
    named = open_model("openai-compatible", "org/model@v2@http://gpu.example:8080/v1/", settings)
    assert named.connection == "openai-compatible http://gpu.example:8080/v1"
    assert named.name == "openai-compatible:org/model@v2@http://gpu.example:8080/v1/"
    assert named._model == "org/model@v2"
    assert named._server.key == KEY
    assert open_model("openai-compatible", "m@http://other.example:8080/v1", settings)._server.key is None


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
