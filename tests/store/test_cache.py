"""The reply cache as people see it: what it holds, and what clearing takes away and what not."""

import pytest

from reranking.documents import Document
from reranking.replies import Scores, Text
from reranking.requests import Score
from reranking.store.cache import CacheSize
from reranking.store.store import Store
from reranking.store.values import reply_to_text
from tests.store.made_calls import call, digest, find, keep

DAY = 86_400.0


def add_job(store, *, saved=False, over=True):
    session = store.sessions.new()
    if saved:
        store.sessions.save(session, "Saved")
    job = store.jobs.add(session, "comparison", "q", [Document("x"), Document("y")], {}, 0)
    if over:
        store.jobs.end(job, "done")
    return job


@pytest.fixture
def job(store):
    return add_job(store)


def test_an_empty_cache_has_no_age(store):
    assert store.cache.size() == CacheSize(0, 0, 0, None, None)
    assert store.cache.by_model() == {}


def test_the_size_counts_replies_bytes_and_their_age(store):
    replies = {"a": Text(text="short"), "b": Text(text="é" * 100), "c": Text(text="of another model")}
    for at, (name, reply) in enumerate(replies.items()):
        keep(store, call(name, reply=reply, model="p:n" if name == "c" else "p:m", started=1000.0 + at))
    sizes = {name: len(reply_to_text(reply).encode()) for name, reply in replies.items()}
    assert store.cache.size() == CacheSize(3, sum(sizes.values()), 0, 1000.0, 1002.0)
    assert store.cache.by_model() == {
        "p:m": CacheSize(2, sizes["a"] + sizes["b"], 0, 1000.0, 1001.0),
        "p:n": CacheSize(1, sizes["c"], 0, 1002.0, 1002.0),
    }
    assert store.cache.size("p:n") == store.cache.by_model()["p:n"]
    assert store.cache.size("p:none").replies == 0


def test_what_is_cleared_can_be_narrowed_to_a_model_and_an_age(store, clock):
    for name, model, days in (("a", "p:m", 40), ("b", "p:m", 10), ("c", "p:n", 40), ("d", "p:n", 10)):
        keep(store, call(name, model=model, started=clock.now - days * DAY))
    assert store.cache.size(older_than=30 * DAY).replies == 2
    assert store.cache.clear("p:m", older_than=30 * DAY) == 1
    assert set(find(store, *map(digest, "abcd"))) == set(map(digest, "bcd"))
    assert store.cache.clear("p:n") == 2
    assert store.cache.clear(older_than=30 * DAY) == 0
    assert set(find(store, *map(digest, "abcd"))) == {digest("b")}


def test_clearing_keeps_what_saved_sessions_need_and_says_how_much_that_is(store):
    saved, draft = add_job(store, saved=True), add_job(store)
    request = Score(model="p:m", task="score", query="q", texts=("x", "y"))
    scores = Scores(scores=(1.0, 2.0), score_kind="logit", cut=(False, False))
    keep(store, call("of saved", run=f"{saved}/0/0"), call("of draft", run=f"{draft}/0/0"), call("of neither"))
    keep(store, call(run=f"{saved}/1/0", request=request, reply=scores, parts=("part x", "part y")))
    keep(store, call("used by both", run=f"{draft}/0/0"), call("used by both", run=f"{saved}/0/0", source="cache"))
    keys = [digest("of saved"), "part x", "part y", digest("used by both")]
    assert (store.cache.size().replies, store.cache.size().needed) == (6, 4)
    assert store.cache.clear() == 2
    assert sorted(find(store, *keys, digest("of draft"), digest("of neither"))) == sorted(keys)
    assert store.cache.clear(keep_needed=False) == 4
    assert store.cache.size() == CacheSize()


@pytest.mark.parametrize("state", ["running", "cancelled", "failed"])
def test_clearing_keeps_what_an_unfinished_run_would_pay_again(store, state):
    job = add_job(store, over=False)
    if state != "running":
        store.jobs.end(job, state)
    keep(store, call("a", run=f"{job}/0/0"), call("b"))
    assert store.cache.clear() == 1
    assert set(find(store, digest("a"), digest("b"))) == {digest("a")}
    store.jobs.end(job, "done")
    assert store.cache.clear() == 1


def test_a_cleared_cache_leaves_the_records_and_drops_the_prompts_of_no_session(store, job):
    keep(store, call("a", run=f"{job}/0/0"), call("secret of nobody", run="cli"))
    store.cache.clear(keep_needed=False)
    (row,) = store.calls.of(job)
    assert row.request == [[["user", "prompt a"]], None, 1024]
    assert row.reply is None
    assert row.cost_usd == 0.0004
    assert b"secret of nobody" not in store.path.read_bytes()


def test_clearing_one_model_leaves_the_prompts_to_another(store):
    keep(store, call("kept words", run="cli", model="p:n"), call("lost words", run="cli"))
    store.cache.clear("p:m")
    text = store.path.read_bytes()
    assert b"kept words" in text
    assert b"lost words" not in text


def test_rankings_of_a_saved_session_are_read_without_its_replies(store):
    from reranking.ranking import by_order
    from tests.support import candidates

    job = add_job(store, saved=True)
    keep(store, call("a", run=f"{job}/0/0"))
    ranking = by_order(candidates(2), [1, 0])
    store.jobs.keep_ranking(job, 0, 0, [0, 1], ranking)
    store.cache.clear(keep_needed=False)
    assert [kept.ranking.order for kept in store.jobs.rankings(job)] == [ranking.order]


def test_sizes_are_read_from_an_index_and_not_from_the_replies(path):
    store = Store(path)
    with store.database.read() as connection:
        plan = " ".join(
            row["detail"]
            for row in connection.execute("EXPLAIN QUERY PLAN SELECT model, sum(bytes), min(created) FROM replies "
                                          "GROUP BY model")
        )  # fmt: skip
    store.close()
    assert "COVERING INDEX" in plan
