"""Requests per minute on a real socket: every try counts, those that an SDK makes by itself too."""

import asyncio
import time
from dataclasses import replace

import pytest

from reranking.gateway import Gateway, Run, lines
from reranking.providers.connection import Connection
from reranking.providers.registry import Registry
from reranking.providers.saved import SavedConnection
from reranking.providers.settings import Settings
from reranking.replies import Choices, Failed, Scores, Text
from tests.providers import fake_rerankers
from tests.providers.fake_openai import completion, error
from tests.providers.fake_server import FakeAnthropic, FakeOpenAI, serving
from tests.providers.fakes import choose, generate

MINUTE = 0.8
AT_ONCE = [("Retry-After-Ms", "1")]
EARLY = 0.2
"""By how much less two moments may be apart, where the first was noted late."""


@pytest.fixture(autouse=True)
def _short_minutes(monkeypatch):
    monkeypatch.setattr(lines, "MINUTE", MINUTE)


class Noting:
    """Notes when it is asked; `answer(number, path, body)` makes its replies, the first has number 1."""

    def __init__(self, answer):
        self.answer = answer
        self.at = []

    def __call__(self, method, path, headers, body):
        self.at.append(time.monotonic())
        return self.answer(len(self.at), path, body)


def asked(url, kind, requests, per_minute=2, **options):
    """The replies to `requests` through the gateway, at most `per_minute` tries in a (short) minute."""
    saved = SavedConnection("box", kind, url, per_minute=per_minute)
    registry = Registry(Settings(environment={}, connections={"box": saved}))
    model = registry.resolve("box:m")
    for name, value in options.items():
        setattr(model.server, name, value)

    async def run():
        try:
            await model.server._client()  # importing the SDK takes longer than these minutes
            named = [replace(request, model=model) for request in requests]
            return await asyncio.wait_for(Gateway(registry.resolve).ask(named, Run()), 60)
        finally:
            await registry.aclose()

    return asyncio.run(run())


def most_within_a_minute(moments):
    return max(sum(begin <= at < begin + MINUTE - EARLY for at in moments) for begin in moments)


def test_tries_of_the_sdk_after_a_failure_count_towards_the_rate():
    """Two calls, each answered with its third try: six tries, two in each minute."""
    tries = {}

    def answer(number, path, body):
        text = body["messages"][-1]["content"]
        tries[text] = tries.get(text, 0) + 1
        return (200, completion("fine")) if tries[text] == 3 else (500, error("busy"))

    server = Noting(answer)
    with serving(server) as url:
        messages = [(type(generate().messages[0])("user", name),) for name in ("one", "two")]
        replies = asked(f"{url}/v1", "openai", [generate(messages=each) for each in messages])
    assert [reply.text for reply in replies] == ["fine", "fine"]
    assert [reply.receipt.retries for reply in replies] == [2, 2]
    assert len(server.at) == 6
    assert most_within_a_minute(server.at) <= 2


@pytest.mark.parametrize(
    ("kind", "server", "request_", "kinds"),
    [
        ("openai", FakeOpenAI(schema="refused", limit="max_tokens"), generate(schema='{"type": "object"}'), Text),
        ("openai", FakeOpenAI(logprobs=0, text="yes"), choose("yes", "no"), Choices),
        ("anthropic", FakeAnthropic(schema="refused"), generate(schema='{"type": "object"}'), Text),
    ],
)
def test_calls_that_follow_a_refused_parameter_count_towards_the_rate(kind, server, request_, kinds):
    noting = Noting(lambda number, path, body: server("POST", path, {}, body))
    with serving(noting) as url:
        (reply,) = asked(url if kind == "anthropic" else f"{url}/v1", kind, [request_], per_minute=1)
    assert isinstance(reply, kinds)
    assert len(noting.at) >= 2
    assert most_within_a_minute(noting.at) == 1


def test_looking_for_the_path_of_a_rerank_endpoint_counts_towards_the_rate():
    def answer(number, path, body):
        return fake_rerankers.cohere(body) if path == "/v2/rerank" else (404, {"detail": "Not Found"})

    server = Noting(answer)
    with serving(server) as url:
        (reply,) = asked(url, "rerank", [fake_rerankers.score()], per_minute=1)
    assert isinstance(reply, Scores)
    assert len(server.at) == 3
    assert most_within_a_minute(server.at) == 1


def test_waiting_for_the_rate_is_not_taken_from_the_time_that_a_call_has():
    """Five tries, a minute apart, of a call that has two and a half minutes for all of them."""
    server = Noting(lambda number, path, body: (200, completion()) if number == 5 else (429, error("busy"), AT_ONCE))
    with serving(server) as url:
        (reply,) = asked(f"{url}/v1", "openai", [generate()], per_minute=1, total=MINUTE * 2.5)
    assert not isinstance(reply, Failed)
    assert server.at[-1] - server.at[0] >= 4 * MINUTE - 2 * EARLY


def test_without_a_rate_tries_do_not_wait():
    server = Noting(lambda number, path, body: (200, completion()) if number == 3 else (500, error("busy")))
    with serving(server) as url:
        (reply,) = asked(f"{url}/v1", "openai", [generate()], per_minute=None)
    assert not isinstance(reply, Failed)
    assert len(server.at) == 3


def test_models_of_one_connection_share_a_line_and_those_of_others_at_the_same_address_do_not():
    known = {
        "box": SavedConnection("box", "openai", "http://localhost:11434/v1", per_minute=5),
        "ollama": SavedConnection("ollama", "openai", concurrency=2),
    }
    first, later = (Registry(Settings(environment={}, connections=known)) for _ in range(2))
    names = ("box:a", "box:b", "ollama:a", "openai-compatible:a@http://localhost:11434/v1")
    models = [first.resolve(name) for name in names]
    assert models[0].connection == models[1].connection
    assert len({model.connection for model in models}) == 3
    assert [model.limits_as_of < later.resolve(model.name).limits_as_of for model in models] == [True] * 4
    assert all(isinstance(model.server, Connection) for model in models)
