"""OpenAI's chat API: how failures are reported, and what is not tried again."""

import logging
import socket
import traceback

import httpx2
import pytest

from reranking.models import ModelError
from reranking.providers.openai_chat import open_model
from reranking.providers.settings import Settings
from reranking.replies import reply_to_json
from reranking.requests import Embed, Message
from tests.providers.fake_openai import LOCAL, completion, error, failure, model
from tests.providers.fakes import KEY, Script, ask, generate


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


@pytest.mark.parametrize(
    "reply",
    [
        (429, error("You exceeded your current quota, please check your plan", code="insufficient_quota")),
        (402, error("Insufficient credits. Add more at ...")),
        (402, {"error": "Payment required"}),
        (402, ""),
        (400, error("Your credit balance is too low to access the API")),
        (403, error("Your newly created team does not have any credits yet")),
    ],
)
def test_an_account_without_credit_is_asked_once_and_told_from_a_rate_limit(reply):
    script = Script(reply)
    problem = failure(script)
    assert problem.code == "no-credit"
    assert problem.message.endswith("Check its plan and billing, or use another key.")
    assert problem.receipt is None
    assert len(script.requests) == 1


def test_the_quota_of_a_minute_is_waited_for():
    said = error("You exceeded your current quota, please check your plan and billing details.")
    script = Script((429, said, {"retry-after-ms": "1"}), completion("at last"))
    assert ask(model(script), generate()).receipt.retries == 1


def test_a_rate_limit_whose_words_break_off_is_tried_again():
    class Broken(httpx2.AsyncByteStream):
        async def __aiter__(self):
            yield b'{"error": {"mess'
            raise httpx2.ReadError("reset")

    replies = [httpx2.Response(429, stream=Broken()), httpx2.Response(200, json=completion("at last"))]
    assert ask(model(lambda request: replies.pop(0)), generate()).text == "at last"


def test_a_refused_key_is_reported_with_the_fix_and_without_the_key():
    problem = failure(Script((401, error(f"Incorrect API key provided: {KEY}. Find yours at ..."))))
    assert problem.code == "bad-key"
    assert problem.message == "OpenAI refused the API key (401). Check OPENAI_API_KEY."
    assert KEY not in problem.raw
    assert "Incorrect API key provided" in problem.raw


@pytest.mark.parametrize("said", ["API key not valid. Please pass a valid API key.", "API key expired. Renew it."])
def test_a_key_that_is_refused_as_a_bad_request_is_named_with_the_fix(said):
    problem = failure(Script((400, [error(said)])))
    assert problem.code == "bad-key"
    assert problem.message == "OpenAI refused the API key (400). Check OPENAI_API_KEY."
    assert failure(Script((400, error(said))), key=None, provider="vllm", base_url=LOCAL).code == "no-key"


@pytest.mark.parametrize(
    ("said", "with_key", "without"),
    [
        (error("This key may not use this model"), "bad-key", "no-key"),
        (error("You have insufficient permissions for this operation."), "bad-key", "no-key"),
        ("<html><h1>403 Forbidden</h1></html>", "bad-key", "no-key"),
        ("", "bad-key", "no-key"),
        (error("Country, region, or territory not supported"), "bad-request", "bad-request"),
        (error("Your chosen model requires moderation and your input was flagged"), "refused", "refused"),
        (error("Project `p` cannot use it", code="model_not_found"), "unknown-model", "unknown-model"),
    ],
)
def test_a_403_blames_the_key_only_where_one_was_sent_and_the_words_speak_of_it(said, with_key, without):
    assert failure(Script((403, said))).code == with_key
    problem = failure(Script((403, said)), key=None, provider="vllm", base_url=LOCAL)
    assert problem.code == without
    assert "refused the API key" not in problem.message


@pytest.mark.parametrize(
    ("status", "said", "is_charged"),
    [
        (403, error('Your chosen model requires moderation and your input was flagged for "violence".'), False),
        (400, error("Your prompt was flagged as violating our usage policy", code="invalid_prompt"), False),
        (400, error("The response was filtered due to the content management policy", code="content_filter"), True),
        (400, error("Content Exists Risk"), False),
    ],
)
def test_what_a_filter_or_a_moderation_refuses_is_told_from_a_bad_key_and_a_bad_request(status, said, is_charged):
    script = Script((status, said))
    problem = failure(script, key=KEY)
    assert problem.code == "refused"
    assert said["error"]["message"] in problem.message
    assert problem.message.endswith("Check the query and the documents, or choose another model.")
    assert len(script.requests) == 1
    assert (problem.receipt is not None) == is_charged  # a filter works beside the model, which may be charged for


def test_what_a_server_repeats_of_a_document_is_not_taken_for_its_reason():
    document = "The API key expired, the credit balance is too low, and the input was flagged."
    entry = {"type": "missing", "loc": ["body", "n"], "msg": "Field required", "input": {"messages": document}}
    for said in ({"detail": [entry]}, error(f"1 validation error: {entry}")):
        assert failure(Script((422, said))).code == "bad-request"
        assert failure(Script((400, said))).code == "bad-request"


def answered_with(body, **options):
    return failure(Script(body), provider="vllm", base_url=LOCAL, **options)


@pytest.mark.parametrize(
    ("reported", "code", "part"),
    [
        ({"message": "maximum context length is 10 tokens", "code": 400}, "context-too-long", "Show fewer documents"),
        ({"message": "No credits", "code": 402}, "no-credit", "Check its plan and billing"),
        ({"message": "API key expired"}, "bad-key", "refused the API key"),
        ("Unexpected endpoint or method.", "bad-reply", f"Unexpected endpoint or method. Check the address {LOCAL}"),
        ({"code": True}, "bad-reply", f"Check the address {LOCAL}"),
    ],
)  # fmt: skip
def test_an_error_that_comes_as_a_success_is_passed_on_and_judged_like_any_other(reported, code, part):
    problem = answered_with({"error": reported})
    assert problem.code == code
    assert part in problem.message
    assert problem.receipt.sent["model"] == "gpt-4o-mini"
    assert problem.receipt.cost_usd is None  # what came may have been worked for


@pytest.mark.parametrize(
    ("reported", "code", "part", "is_free"),
    [
        ({"message": "Rate limit exceeded upstream", "code": 429}, "rate-limit", "limits the rate; 5 tries", True),
        ({"message": "Provider returned error", "code": "502"}, "server", "(502): Provider returned error. Try", False),
    ],
)
def test_a_failure_that_comes_as_a_success_is_tried_again_and_free_only_if_nothing_began(reported, code, part, is_free):
    problem = answered_with((200, {"error": reported}, {"retry-after-ms": "1"}))
    assert problem.code == code
    assert part in problem.message
    assert (problem.receipt is None) == is_free
    assert is_free or problem.receipt.cost_usd is None


@pytest.mark.parametrize("body", ["<html></html>", "[]", "null", {"choices": []}, {"choices": [], "error": None}])
def test_a_reply_that_is_none_names_the_address_and_keeps_what_was_sent(body):
    problem = answered_with(body)
    assert problem.code == "bad-reply"
    assert "sent something that is not a reply. Check the address" in problem.message
    assert problem.receipt.sent["model"] == "gpt-4o-mini"
    assert problem.receipt.raw == problem.raw


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
        error("input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease `max_tokens`"),
        error("`inputs` tokens + `max_new_tokens` must be <= 819. Given: 900 `inputs` tokens and 10 `max_new_tokens`"),
        error("too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000"),
    ],
)
def test_a_prompt_that_is_too_long_is_reported_as_such(body):
    script = Script((400, body))
    problem = failure(script)
    assert problem.code == "context-too-long"
    assert len(script.requests) == 1


def test_how_much_of_a_prompt_fits_is_taken_from_the_server_or_else_from_the_limit_that_a_test_found():
    told = Script((400, error("maximum context length is 800 tokens. However, you requested 1000 tokens.")))
    silent = Script((400, error("the request exceeds the available context size")))
    long = generate(messages=(Message("user", "word " * 4000),))
    assert failure(told, long).fits == pytest.approx(0.8)
    assert failure(silent, long).fits is None
    asked = model(silent)
    asked.context = 1000
    with pytest.raises(ModelError) as caught:
        ask(asked, long)
    assert caught.value.fits == pytest.approx(1000 / 5000)


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
