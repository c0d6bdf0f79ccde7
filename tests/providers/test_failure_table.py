"""Every fault of a server at a real socket: tried again or not, its code, and one plain sentence with the fix."""

import asyncio
import re
import socket
import time

import pytest

from reranking.models import ModelError
from reranking.providers import anthropic_messages, openai_chat
from reranking.providers.connection import Connection
from reranking.providers.refusals import share_that_fits
from reranking.providers.rerank_endpoint import RerankEndpoint
from reranking.providers.waiting import LONGEST_WAIT, retry_after
from reranking.requests import Score
from tests.faulty_server import FAULTS, FaultyServer
from tests.providers.fakes import KEY, ask, generate

RETRIES = 2
ONCE, ALL = 1, RETRIES + 1

TABLE = {
    # fault: (how often it is tried, code, what the sentence says)
    "429": (ALL, "rate-limit", r"limits the rate; 3 tries were not enough \(429\). Wait a minute, or run fewer"),
    "429, 20 ms": (ALL, "rate-limit", r"3 tries were not enough \(429\). Wait a second, or run fewer"),
    "429, an hour": (ONCE, "rate-limit", r"limits the rate \(429\). Wait 60 minutes, or run fewer"),
    "429, a date in an hour": (ONCE, "rate-limit", r"limits the rate \(429\). Wait 60 minutes, or run fewer"),
    "429, no quota": (ONCE, "no-credit", r"account has no credit left \(429\). Check its plan and billing, or use"),
    "429, too large": (ALL, "context-too-long", r"allows in a minute \(429\). Show fewer documents at once"),
    "500": (ALL, "server", r"failed \(500\): the server says no. Try again later"),
    "502": (ALL, "server", r"failed \(502\): Bad gateway. Try again later"),
    "503": (ALL, "server", r"failed \(503\): .* Try again later"),
    "529": (ALL, "server", r"failed \(529\): Overloaded. Try again later"),
    "expired key": (ONCE, "bad-key", r"refused the API key \(401\). Check \w+_API_KEY"),
    "unknown model": (ONCE, "unknown-model", r"does not know the model 'm' \(404\). Check the name"),
    "context too long": (ONCE, "context-too-long", r"too long for 'm' \(400\). Show fewer documents at once, or less"),
    "hang": (ALL, "timeout", r"did not answer within 0.3 seconds \(3 tries\). Try again later, or show fewer"),
    "reset": (ALL, "connection", r"broke off the connection before its reply was complete \(3 tries\). Try again"),
    "half": (ALL, "connection", r"broke off the connection before its reply was complete \(3 tries\). Try again"),
    "malformed": (ONCE, "bad-reply", r"sent something that is not a reply. Check the address http"),
    "page": (ONCE, "bad-reply", r"sent something that is not a reply. Check the address http"),
    "nothing": (ONCE, "bad-reply", r"sent something that is not a reply. Check the address http"),
}
PASSING = [fault for fault, (tries, *_) in TABLE.items() if tries == ALL and fault != "429, too large"]

APIS = ("openai", "anthropic", "rerank")

DOCUMENTS = ("one text", "another text")


def reply(path, body):
    if path.endswith("/chat/completions"):
        message = {"role": "assistant", "content": "fine"}
        return {"model": "m", "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
    if path.endswith("/messages"):
        return {"model": "m", "content": [{"type": "text", "text": "fine"}], "stop_reason": "end_turn", "usage": {}}
    return {"results": [{"index": at, "relevance_score": at / 10} for at in range(len(body["documents"]))]}


def model(api, url, **options):
    options = {"retries": RETRIES, "timeout": 0.3, "total": 20.0, **options}
    if api == "anthropic":
        server = Connection("anthropic", url, KEY, sdk="anthropic", make=anthropic_messages._client, **options)
        return anthropic_messages.AnthropicMessages("m", server)
    path = "/v1" if api == "openai" else ""
    provider = "openai" if api == "openai" else "rerank"
    server = Connection(provider, url + path, KEY, sdk="openai", make=openai_chat.make_client, **options)
    return openai_chat.OpenAIChat("m", server) if api == "openai" else RerankEndpoint("m", server, label="rerank:m")


def request(api):
    if api == "rerank":
        return Score(model="m", task="score", query="q", texts=DOCUMENTS, shown=(0, 1))
    return generate()


def failure(api, url, **options):
    with pytest.raises(ModelError) as caught:
        ask(model(api, url, **options), request(api))
    return caught.value


def check_sentence(problem):
    """One plain line with what to do, without a key and without the words of a programmer."""
    assert re.search(r"\b(Check|Wait|Try|Start|Show|Send|Set|Choose)\b", problem.message)
    assert problem.message.endswith(".")
    assert "\n" not in problem.message
    assert len(problem.message) < 300
    assert KEY not in problem.message + problem.raw
    assert not re.search(r"Traceback|Error\b|Exception|httpx|errno|None", problem.message)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("fault", TABLE)
def test_each_fault_is_tried_as_often_as_it_should_be_and_reported_with_the_fix(fault, api):
    tries, code, sentence = TABLE[fault]
    with FaultyServer(reply, lambda asked: fault) as server:
        problem = failure(api, server.url)
    assert len(server.log) == tries
    assert problem.code == code
    assert re.search(sentence, problem.message)
    check_sentence(problem)
    if fault in {"hang", "reset", "half"}:  # it may have been charged for
        assert problem.receipt is not None
        assert problem.receipt.cost_usd is None


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_is_tried_over_and_the_reply_counts_its_tries(fault, api):
    with FaultyServer(reply, lambda asked: fault if asked.before == 0 else None) as server:
        answer = ask(model(api, server.url), request(api))
    assert answer.receipt.retries == 1
    assert len(server.log) == 2
    assert server.again == []


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("fault", ["429, 1 s", "429, a date"])
def test_a_pause_that_the_server_asks_for_is_kept(fault, api):
    with FaultyServer(reply, lambda asked: fault if asked.before == 0 else None) as server:
        ask(model(api, server.url), request(api))
    first, second = (entry.seconds for entry in server.log)
    least = 0.99 if fault == "429, 1 s" else 0.0  # a date has whole seconds, of which a part has passed
    assert second - first >= least


@pytest.mark.parametrize("api", APIS)
def test_a_pause_that_would_outlast_all_tries_is_not_begun(api):
    with FaultyServer(reply, lambda asked: "429, 1 s") as server:
        clock = time.monotonic()
        problem = failure(api, server.url, total=0.8)
        assert time.monotonic() - clock < 0.8
    assert problem.code == "rate-limit"
    assert "Wait a second" in problem.message
    assert len(server.log) == 1


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_all_tries_together_come_to_an_end(fault, api):
    """A reply that drips keeps every single read short, and would never be over."""
    with FaultyServer(reply, lambda asked: fault) as server:
        problem = failure(api, server.url, total=0.5, timeout=5.0)
    assert problem.code == "timeout"
    assert "within 0.5 seconds, for all tries together" in problem.message
    assert len(server.log) == 1
    check_sentence(problem)


@pytest.mark.parametrize("api", APIS)
def test_a_reply_that_cannot_be_unpacked_is_reported(api):
    with FaultyServer(reply, lambda asked: "garbled") as server:
        problem = failure(api, server.url)
    assert problem.code in {"bad-reply", "connection"}
    check_sentence(problem)


@pytest.mark.parametrize("api", APIS)
def test_a_server_that_is_not_there_is_named_with_the_fix(api):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    problem = failure(api, f"http://127.0.0.1:{port}")
    assert problem.code == "connection"
    assert f"No connection to 127.0.0.1:{port}." in problem.message
    assert problem.receipt is None
    check_sentence(problem)


@pytest.mark.parametrize("api", APIS)
def test_a_host_that_takes_no_connection_is_given_up_after_the_time_for_connecting(api):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        queue = [socket.socket() for _ in range(4)]  # more than wait in line: what comes next is not taken up
        for waiting in queue:
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        problem = failure(api, f"http://127.0.0.1:{full.getsockname()[1]}", connect_timeout=0.1, timeout=30.0)
        for waiting in queue:
            waiting.close()
    assert problem.code == "connection"
    assert "No connection to 127.0.0.1" in problem.message
    check_sentence(problem)


@pytest.mark.parametrize("api", APIS)
def test_a_host_without_an_address_is_named(api, monkeypatch):
    def unknown(host, *rest, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    problem = failure(api, "http://models.invalid:8000")
    assert problem.code == "connection"
    assert "There is no host 'models.invalid', or no network to find it by." in problem.message
    check_sentence(problem)


@pytest.mark.parametrize("api", APIS)
def test_a_server_that_speaks_no_tls_is_told_from_one_that_is_not_there(api):
    with FaultyServer(reply) as server:
        problem = failure(api, server.url.replace("http:", "https:"), retries=0)
    assert problem.code == "connection"
    assert "No secure connection" in problem.message
    check_sentence(problem)


def test_every_fault_of_the_server_is_in_a_table_here():
    elsewhere = {"429, 1 s", "429, a date", "garbled", "drip"}
    assert set(TABLE) | elsewhere == set(FAULTS)


def test_a_pause_is_read_as_a_number_or_a_date():
    assert retry_after({}) is None
    assert retry_after({"retry-after": "7"}) == 7
    assert retry_after({"retry-after": "0.5"}) == 0.5
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert retry_after({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}) == 0
    assert retry_after({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}) > LONGEST_WAIT
    for nonsense in ("soon", "", "nan", "inf", "Fri, 99 Foo 2020"):
        assert retry_after({"retry-after": nonsense}) is None


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        ("maximum context length is 128000 tokens. However, your messages resulted in 160000 tokens.", 0.8),
        ("prompt is too long: 250000 tokens > 200000 maximum", 0.8),
        ("maximum context length is 4000 tokens. However, you requested 5000 tokens (4000 in the messages)", 0.8),
        ("Input length (640) exceeds model's maximum context length (512).", 0.8),
        ("The decoder prompt (length 5120) is longer than the maximum model length of 4096.", 0.8),
        ('{"message":"exceeds the available context size","n_prompt_tokens":5120,"n_ctx":4096}', 0.8),
        ("the request (5120 tokens) exceeds the available context size (4096 tokens), try increasing it", 0.8),
        ("The input token count (1,250,000) exceeds the maximum number of tokens allowed (1,000,000).", 0.8),
        ("input length and `max_tokens` exceed context limit: 180000 + 40000 > 200000, decrease input", 160 / 180),
        ("`inputs` tokens + `max_new_tokens` must be <= 90. Given: 100 `inputs` tokens and 10 `max_new_tokens`", 0.8),
        ("`inputs` must have less than 4096 tokens. Given: 5120", 0.8),
        ("too many tokens: total number of tokens in the prompt cannot exceed 4000 - received 5000", 0.8),
        ("context limit: 100 + 300 > 200", None),
        ("the request exceeds the available context size", None),
        ("the maximum is 100 tokens", None),
        ("", None),
    ],
)
def test_how_much_of_a_prompt_fits_is_read_from_the_words_of_servers(said, fits):
    assert share_that_fits(said) == (None if fits is None else pytest.approx(fits))


def test_a_dead_task_leaves_no_request_behind():
    """A caller that goes away takes its request with it."""

    async def give_up(url):
        asking = asyncio.ensure_future(model("openai", url, timeout=30.0).answer(generate()))
        await asyncio.sleep(0.2)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    with FaultyServer(reply, lambda asked: "hang") as server:
        asyncio.run(give_up(server.url))
        assert len(server.log) <= 1
