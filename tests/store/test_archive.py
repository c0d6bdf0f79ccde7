"""The archive: what the gateway may rely on."""

import asyncio
import contextlib
import math
import signal
import sqlite3
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from reranking.replies import (
    Attention,
    Choices,
    Failed,
    LogLikelihood,
    Receipt,
    Scores,
    Text,
    TokenVectors,
    Vectors,
    reply_to_json,
)
from reranking.requests import Score
from reranking.store import StoreError
from reranking.store.store import Store
from tests.store.made_calls import RECEIPT, call, digest, find, keep

REPLIES = [
    Text(text="é\n😀", finish="length", receipt=RECEIPT),
    Text(text="half a pair \ud83d", receipt=RECEIPT),
    Text(text="x", receipt=Receipt(sent={"$type": "tuple", "schema": {"$ref": "#"}})),
    Choices(logprobs=(-0.1, None, -math.inf), by="logprobs"),
    LogLikelihood(logprob=-12.345678901234567, tokens=7),
    Scores(scores=(0.1 + 0.2,), score_kind="logit", cut=(True,)),
    Vectors(vectors=(np.array([1.5, -0.0, 3e-38], "f4"),), cut=(False,)),
    TokenVectors(tokens=(("a", "##b"),), vectors=(np.eye(2, dtype="f4"),), cut=(False,), fallback=True),
    Attention(passages=(np.ones((2, 3), "f4"),), heads=((0, 1), (2, 3))),
]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.kind)
def test_every_kind_of_reply_comes_back_equal(store, reply):
    keep(store, call(reply=reply))
    found = find(store, digest("a"), "no such key")
    assert list(found) == [digest("a")]
    assert type(found[digest("a")]) is type(reply)
    assert reply_to_json(found[digest("a")]) == reply_to_json(reply)


def test_a_reply_to_several_texts_is_found_by_each_of_them(store):
    request = Score(model="p:m", task="score", query="q", texts=("x", "y"), shown=(0, 1))
    reply = Scores(scores=(1.0, 2.0), score_kind="logit", cut=(False, True), receipt=RECEIPT)
    keep(store, call(request=request, reply=reply, parts=("kx", "ky")))
    found = find(store, "kx", "ky")
    assert (found["kx"].scores, found["ky"].scores, found["ky"].cut) == ((1.0,), (2.0,), (True,))
    assert found["kx"].receipt.cost_usd is None  # what one text of a paid call cost is unknown


def test_a_reply_that_is_there_is_not_replaced(store):
    keep(store, call(reply=Text(text="first")))
    keep(store, call(reply=Text(text="second")))
    assert find(store, digest("a"))[digest("a")].text == "first"


def test_failures_and_answers_from_the_cache_add_nothing_to_the_cache(store):
    keep(store, call("a", source="cache"), call("b", source="shared"), call("c", reply=Failed("timeout", "Too slow.")))
    assert store.cache.size().replies == 0


def test_more_keys_than_fit_into_one_query_are_found(store):
    names = [str(at) for at in range(1203)]
    keep(store, *(call(name) for name in names))
    found = find(store, *map(digest, names))
    assert {name: found[digest(name)].text for name in names} == {name: f"reply {name}" for name in names}


def test_a_kept_call_is_there_for_another_connection_when_keep_returns(store):
    other = sqlite3.connect(store.path)

    async def one(at):
        await store.archive.keep(call(str(at)))
        return other.execute("SELECT 1 FROM replies WHERE key = ?", (digest(str(at)),)).fetchone()

    async def main():
        return await asyncio.gather(*(one(at) for at in range(200)))

    assert asyncio.run(main()) == [(1,)] * 200
    other.close()


def test_calls_waiting_together_are_committed_together(store):
    """While the database is held, calls pile up; then they take one transaction, not one each."""
    with store.database.read() as connection:
        begun = []
        connection.set_trace_callback(lambda sql: begun.append(sql) if sql.startswith("BEGIN") else None)

    async def main():
        with store.database.read():
            waiting = [asyncio.ensure_future(store.archive.keep(call(str(at)))) for at in range(100)]
            await asyncio.sleep(0)
            assert not any(item.done() for item in waiting)
        await asyncio.gather(*waiting)

    asyncio.run(main())
    assert store.cache.size().replies == 100
    assert len(begun) <= 2


def test_the_call_is_handed_over_even_if_nobody_awaits(path):
    store = Store(path)

    async def main():
        store.archive.keep(call()).close()
        task = asyncio.ensure_future(store.archive.keep(call("b")))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())
    store.close()
    again = Store(path)
    assert set(find(again, digest("a"), digest("b"))) == {digest("a"), digest("b")}
    again.close()


def test_several_event_loops_keep_at_once(store):
    def work(name):
        keep(store, *(call(f"{name}-{at}") for at in range(100)))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.cache.size().replies == 400


def test_a_write_error_reaches_everyone_who_waits_and_the_next_call_is_kept(store):
    with store.database.write() as connection:
        connection.execute("ALTER TABLE replies RENAME TO hidden")

    async def broken():
        waiting = (store.archive.keep(call(str(at))) for at in range(5))
        return await asyncio.gather(*waiting, return_exceptions=True)

    outcomes = asyncio.run(broken())
    assert [type(item) for item in outcomes] == [StoreError] * 5
    with store.database.write() as connection:
        connection.execute("ALTER TABLE hidden RENAME TO replies")
    keep(store, call("later"))
    assert list(find(store, digest("later"))) == [digest("later")]


@pytest.mark.parametrize(
    "broken",
    [
        call("broken", started="not a time"),
        call("broken", parts=("x", "y"), reply=Scores(scores=(1.0,), score_kind="logit", cut=(False,))),
        call("broken", reply=Text(text="x", receipt=Receipt(input_tokens=2**70))),
    ],
    ids=["wrong type", "wrong size", "too large"],
)
def test_a_call_that_cannot_be_written_does_not_take_others_with_it(store, broken):
    async def main():
        with store.database.read():
            waiting = [asyncio.ensure_future(store.archive.keep(item)) for item in (call("a"), broken, call("b"))]
            await asyncio.sleep(0)
        return await asyncio.gather(*waiting, return_exceptions=True)

    outcomes = asyncio.run(main())
    assert [type(item) for item in outcomes] == [type(None), StoreError, type(None)]
    assert set(find(store, digest("a"), digest("b"))) == {digest("a"), digest("b")}


def test_parameters_that_json_cannot_say_are_recorded_as_their_text(store, job):
    keep(store, call(run=f"{job}/0/0", reply=Text(text="x", receipt=Receipt(sent={"format": frozenset({1})}))))
    assert store.calls.of(job)[0].sent == {"format": "frozenset({1})"}


def test_a_closed_store_keeps_nothing_and_says_so(path):
    store = Store(path)
    store.close()

    async def main():
        await store.archive.keep(call())

    with pytest.raises(StoreError, match="closed"):
        asyncio.run(main())


ROOT = Path(__file__).parents[2]

KEEPER = """
import asyncio, sys
from pathlib import Path
from reranking.store.store import Store
from tests.store.made_calls import call
store = Store(Path(sys.argv[1]))
async def worker(name):
    at = 0
    while True:
        await store.archive.keep(call(f"{name}-{at}"))
        print(f"{name}-{at}", flush=True)
        at += 1
async def main():
    await asyncio.gather(*(worker(name) for name in range(8)))
asyncio.run(main())
"""


def test_killing_the_process_loses_nothing_that_was_kept(path):
    command = [sys.executable, "-c", KEEPER, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        said = [process.stdout.readline().strip() for _ in range(300)]
        process.send_signal(signal.SIGKILL)
        said += [line.strip() for line in process.stdout if line.endswith("\n")]
    assert process.returncode == -signal.SIGKILL
    store = Store(path)
    found = find(store, *map(digest, said))
    assert [found[digest(name)].text for name in said] == [f"reply {name}" for name in said]
    with store.database.read() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    store.close()


def test_memory_does_not_grow_with_the_number_of_calls(store):
    async def some(start):
        for at in range(start, start + 300):
            await store.archive.keep(call(str(at), reply=Text(text="x" * 5000)))

    asyncio.run(some(0))
    tracemalloc.start()
    asyncio.run(some(300))
    before, _ = tracemalloc.get_traced_memory()
    asyncio.run(some(600))
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 300 * 5000 / 10
