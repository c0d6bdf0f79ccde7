"""A server at which a fifth of all requests meets a fault: no ranking, request or reply is lost, and all is told."""

import json
import math
import random
import re
import time
from collections import Counter

import pytest

from reranking.documents import Document
from reranking.jobs import Jobs
from reranking.loop import wait_for
from reranking.providers.connection import Connection
from reranking.providers.openai_chat import OpenAIChat, make_client
from reranking.ranking import is_permutation
from reranking.store import open_store
from reranking.strategies.catalogue import make
from tests.faulty_server import FaultyServer, short_pauses
from tests.providers.fakes import KEY

SHARE = 0.2

PASSING = ("429", "429, 20 ms", "500", "502", "503", "529", "reset", "half")
"""Faults that are tried over."""

LASTING = ("malformed", "nothing", "page", "context too long")
"""Faults that end a request; the last one is followed by a shorter prompt."""

UNUSABLE = ("empty", "refusal", "length")
"""Replies that come in full and hold no answer."""

FAULTS = (*PASSING * 2, *LASTING, *UNUSABLE)

HANGS = 0.004
"""Share of requests that are never answered: each costs the time for one try."""

TIMEOUT = 4.0
"""Seconds for one try: an answer that is slow since the machine is busy must not be taken for none."""

AT_MOST = 120.0
"""Seconds for a whole run, so that a hang is a failure."""

CONCURRENCY = 16


def documents(count, number=0):
    chance = random.Random(f"{count} {number}")
    worths = chance.sample(range(1000), count)
    return [Document(f"worth {worth} " + " ".join(f"word{at}" for at in range(40))) for worth in worths]


def worths(prompt):
    return [int(found) for found in re.findall(r"worth (\d+)", prompt)]


def completion(text="", finish="stop", refusal=None, logprobs=None):
    message = {"role": "assistant", "content": text, "refusal": refusal}
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105}
    choice = {"index": 0, "finish_reason": finish, "message": message, "logprobs": logprobs}
    return {"model": "m", "choices": [choice], "usage": usage}


def right(path, body):
    """The right answer to any question: each passage states what it is worth."""
    prompt = body["messages"][-1]["content"]
    found = worths(prompt)
    letters = "ABCDEFGHIJKLMNOPQRST"[: len(found)]
    if "response_format" not in body and not body.get("logprobs"):
        return completion(letters[found.index(max(found))])
    if body.get("logprobs"):
        entries = [{"token": letter, "logprob": -abs(max(found) - worth) / 100 - 0.1, "bytes": None}
                   for letter, worth in zip(letters, found, strict=True)]  # fmt: skip
        best = max(entries, key=lambda entry: entry["logprob"])
        return completion(best["token"], logprobs={"content": [best | {"top_logprobs": entries}]})
    if "score" in body["response_format"]["json_schema"]["schema"]["properties"]:
        return completion(json.dumps({"reason": "known", "quotes": [], "score": found[0] // 100}))
    order = sorted(range(len(found)), key=lambda at: -found[at])
    return completion(json.dumps({"ranking": [at + 1 for at in order]}))


OTHERS = {
    "empty": lambda path, body: completion("", logprobs=None if not body.get("logprobs") else {"content": []}),
    "refusal": lambda path, body: completion(None, refusal="I cannot help with that."),
    "length": lambda path, body: completion('{"reason": "because it', finish="length"),
}


def chaos(seed, share=SHARE):
    """The fault that a request meets; it depends on nothing but the request and how often it came."""

    def plan(asked):
        chance = random.Random(f"{seed} {asked.key} {asked.before}")
        if chance.random() < HANGS:
            return "hang"
        return chance.choice(FAULTS) if chance.random() < share - HANGS else None

    return plan


@pytest.fixture
def world(tmp_path, monkeypatch):
    """What starts jobs on a server: `(jobs, store, server, start)`."""
    short_pauses(monkeypatch)
    opened = []

    def begin(plan):
        server = FaultyServer(right, plan, OTHERS).__enter__()
        line = Connection("openai", f"{server.url}/v1", KEY, sdk="openai", make=make_client, timeout=TIMEOUT)
        model = OpenAIChat("m", line)
        store = open_store(tmp_path / "chaos.db")
        jobs = Jobs(store, lambda ref: model)
        asked = Counter()
        gateway_ask = jobs.gateway.ask

        async def ask(requests, run):
            asked[run.label] += len(requests)
            return await gateway_ask(requests, run)

        jobs.gateway.ask = ask

        def start(items, *names):
            session = store.sessions.new({})
            return jobs.start(session, "comparison", "query", items, [make(name) for name in names], lambda ref: model)

        opened.append((server, model, store))
        return jobs, store, server, start, asked

    yield begin
    for server, model, store in opened:
        wait_for(model.aclose())
        store.close()
        server.__exit__()


def check_accounts(store, job, status, asked):
    """Every request of each strategy is recorded, and what was lost is told."""
    lost = 0
    for part in status.parts:
        calls = store.calls.of(job, part.position)
        assert len(calls) == asked[f"{job}/{part.position}/0"] == part.ranking.usage.requests
        assert is_permutation(part.ranking, status.candidates)
        told = {note.code for note in part.ranking.diagnostics}
        failed = Counter(call.failed.code for call in calls if call.failed is not None)
        shortened = {index for note in part.ranking.diagnostics if note.code == "shortened" for index in note.indexes}
        assert bool(shortened) <= bool(failed["context-too-long"])
        gone = {code for code in failed if code != "context-too-long"}
        assert gone <= told
        if gone:
            assert part.ranking.outcome in {"partial", "failed"}
        if part.ranking.outcome != "complete":
            assert told - {"shortened"}
        if part.strategy.spec()["kind"] == "grade":
            without = {item.index for item in part.ranking if item.score is None}
            named = {index for note in part.ranking.diagnostics if note.code != "shortened" for index in note.indexes}
            assert without == named
            assert {call.shown[0] for call in calls} == set(range(len(status.candidates)))
        lost += sum(failed.values())
    return lost


def waited(jobs, job, clock):
    return jobs.wait(job, max(1.0, AT_MOST - (time.monotonic() - clock)))


def test_two_thousand_requests_of_four_strategies_at_a_server_that_fails_a_fifth_of_them(world):
    jobs, store, server, start, asked = world(chaos(seed=4))
    clock = time.monotonic()
    wide = start(documents(100), "grade(model='m')", "listwise-window(model='m', window=10, stride=5)",
                 "setwise(model='m', method='tree')")  # fmt: skip
    deep = start(documents(43), "pairwise-all(model='m')")
    ended = {job: waited(jobs, job, clock) for job in (wide, deep)}
    assert {status.state for status in ended.values()} == {"done"}
    lost = sum(check_accounts(store, job, status, asked) for job, status in ended.items())
    requests = sum(asked.values())
    assert requests >= 2000
    assert server.again == []
    faulty = server.faults.total()
    assert SHARE * 0.8 < faulty / len(server.log) < SHARE * 1.2
    assert set(server.faults) >= {*PASSING, *LASTING, *UNUSABLE, "hang"}
    calls = [call for job in ended for call in store.calls.of(job)]
    retries = sum(call.retries for call in calls)
    print(f"\n{requests} requests, {len(server.log)} arrived, {faulty} met a fault: {dict(server.faults)}; "
          f"{retries} retries in answered calls, {lost} failed for good; {time.monotonic() - clock:.1f} s")  # fmt: skip
    for status in ended.values():
        for part in status.parts:
            notes = [(note.code, len(note.indexes)) for note in part.ranking.diagnostics]
            print(part.strategy.name, part.ranking.outcome, notes[:6])


def test_a_run_that_is_cancelled_amid_the_chaos_and_resumed_asks_for_nothing_that_it_had(world):
    jobs, store, server, start, _ = world(chaos(seed=5))
    clock = time.monotonic()
    job = start(documents(24, 1), "pairwise-all(model='m')", "grade(model='m')",
                "listwise-window(model='m', window=6, stride=3)", "setwise(model='m')")  # fmt: skip
    while len(server.log) < 250:
        assert time.monotonic() - clock < AT_MOST
        time.sleep(0.005)
    jobs.cancel(job)
    assert waited(jobs, job, clock).state == "cancelled"
    had = {json.dumps(call.request) for call in store.calls.of(job) if call.failed is None}
    known = {json.dumps(content_of(server.bodies[key])): key for key in server.in_full}
    unread = frozenset(key for content, key in known.items() if content not in prompts(had))
    assert len(unread) <= CONCURRENCY
    before = len(store.calls.of(job))
    model = jobs.gateway.resolve("m")
    jobs.resume(job, lambda ref: model)
    status = waited(jobs, job, clock)
    assert status.state == "done"
    assert set(server.again) <= unread
    for part in status.parts:
        assert is_permutation(part.ranking, status.candidates)
    assert any(part.ranking.usage.cached for part in status.parts)
    assert len(store.calls.of(job)) > before


def content_of(body):
    return [[message["role"], message["content"]] for message in body["messages"]]


def prompts(contents):
    """The messages of recorded requests: their content begins with them."""
    return {json.dumps(json.loads(content)[0]) for content in contents}


def test_a_key_that_expires_on_the_way_ends_the_asking_and_is_told_once(world):
    answered = 60

    jobs, store, server, start, _ = world(lambda asked: "expired key" if len(server.log) >= answered else None)
    job = start(documents(100), "grade(model='m')", "bm25")
    status = waited(jobs, job, time.monotonic())
    ranking = status.parts[0].ranking
    assert ranking.outcome == "partial"
    assert sum(item.score is not None for item in ranking) == answered
    (note,) = ranking.diagnostics
    assert note.code == "bad-key"
    assert len(note.indexes) == 100 - answered
    assert len(server.log) <= answered + CONCURRENCY
    assert status.parts[1].ranking.outcome == "complete"
    assert math.isclose(len(store.calls.of(job, 0)), len(server.log))
