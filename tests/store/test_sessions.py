"""Sessions: drafts, lists, and what deleting one takes along."""

import asyncio
import re

import pytest

from reranking.documents import Document, as_candidates
from reranking.ranking import by_order
from reranking.replies import Failed, Text
from reranking.store import StoreError
from reranking.store.sessions import ChangedElsewhereError, MissingSessionError
from tests.store.made_calls import call, digest, keep


def test_a_draft_comes_back_as_it_was(store, clock):
    draft = {"query": "", "text": "a\r\n\n b\ud83d", "split": None, "strategies": [{"kind": "bm25", "k1": 1.2}], "n": 3}
    id = store.sessions.new()
    assert store.sessions.get(id).draft == {}
    clock.now += 5
    store.sessions.save_draft(id, draft)
    session = store.sessions.get(id)
    assert session.draft == draft
    assert (session.title, session.saved, session.updated - session.created) == (None, None, 5)


def test_a_draft_that_was_changed_elsewhere_is_not_overwritten(store, clock):
    first, mine, theirs = ({"query": text, "text": "\ud83d", "share": 0.1} for text in ("first", "mine", "theirs"))
    id = store.sessions.new(first)
    read = store.sessions.get(id).draft
    store.sessions.save_draft(id, theirs, was=read)
    clock.now += 1
    with pytest.raises(ChangedElsewhereError):
        store.sessions.save_draft(id, mine, was=read)
    assert store.sessions.get(id).draft == theirs
    assert store.sessions.all()[0].updated == clock.now - 1


def test_a_title_or_a_job_given_elsewhere_is_no_change_of_the_draft(store):
    id = store.sessions.new({"query": "first"})
    read = store.sessions.get(id).draft
    store.sessions.save(id, "Title")
    store.jobs.add(id, "comparison", "q", [Document("x")], {}, 0)
    store.sessions.save_draft(id, {"query": "second"}, was=read)
    store.sessions.save_draft(id, {"query": "second"}, was=read)  # the same change in two places
    assert store.sessions.get(id).draft == {"query": "second"}


def test_whether_a_session_exists_and_that_it_is_missing_can_be_told(store):
    id = store.sessions.new()
    assert store.sessions.exists(id)
    store.sessions.delete(id)
    assert not store.sessions.exists(id)
    with pytest.raises(MissingSessionError):
        store.sessions.save_draft(id, {}, was={})


def test_saving_gives_a_title_and_a_later_change_shows_as_unsaved(store, clock):
    id = store.sessions.new({"query": "q"})
    clock.now += 10
    store.sessions.save(id, "  Which one?  ")
    session = store.sessions.get(id)
    assert (session.title, session.saved, session.updated) == ("Which one?", clock.now, clock.now)
    clock.now += 1
    store.sessions.save_draft(id, {"query": "other"})
    session = store.sessions.get(id)
    assert session.title == "Which one?"
    assert session.updated > session.saved


def test_a_blank_title_is_refused(store):
    id = store.sessions.new()
    with pytest.raises(StoreError, match="title"):
        store.sessions.save(id, "  \n")
    assert store.sessions.get(id).saved is None


@pytest.mark.parametrize("act", [lambda s: s.save_draft("gone", {}), lambda s: s.save("gone", "T")])
def test_a_session_that_is_not_there_is_not_written_silently(store, act):
    with pytest.raises(StoreError, match="no session 'gone'"):
        act(store.sessions)
    assert store.sessions.get("gone") is None


def test_ids_fit_into_urls_and_command_lines(store):
    ids = {store.sessions.new() for _ in range(50)}
    assert len(ids) == 50
    assert all(re.fullmatch(r"[0-9a-z]+", id) for id in ids)


def test_the_list_is_newest_first_and_searches_titles_and_queries_in_any_case(store, clock):
    names = ["ÉCLAIR recipes", "100% wool", "snake_case"]
    ids = []
    for name in names:
        clock.now += 1
        ids.append(store.sessions.new({"query": name, "strategies": [1, 2]}))
    clock.now += 1
    store.sessions.save(ids[0], "Straße")
    assert [row.id for row in store.sessions.all()] == [ids[0], ids[2], ids[1]]
    assert [row.query for row in store.sessions.all("éclair")] == ["ÉCLAIR recipes"]
    assert [row.title for row in store.sessions.all("STRASSE")] == ["Straße"]
    assert [row.query for row in store.sessions.all("100%")] == ["100% wool"]
    assert [row.query for row in store.sessions.all("e_c")] == ["snake_case"]
    assert {row.strategies for row in store.sessions.all()} == {2}


def test_the_list_counts_judged_documents_of_the_newest_job(store, clock):
    id = store.sessions.new()
    store.jobs.add(id, "comparison", "old", [Document("x")], {}, 0)
    clock.now += 1
    documents = [Document("a"), Document("b"), Document("c"), Document("a")]
    store.jobs.add(id, "comparison", "caf\u0065\u0301", documents, {}, 0)
    judge = store.judgments.add
    judge("caf\u00e9", documents[0].fingerprint, "ann", "0-3", 0)
    judge("caf\u00e9", documents[1].fingerprint, "ann", "0-3", 2)
    judge("caf\u00e9", documents[1].fingerprint, "ann", "0-3", None)
    judge("caf\u00e9", documents[2].fingerprint, "bob", "0-3", None, verdict="cannot-tell")
    judge("other", documents[2].fingerprint, "ann", "0-3", 3)
    (row,) = store.sessions.all()
    assert (row.documents, row.judged) == (4, 2)


def test_the_cost_of_a_session_is_unknown_if_that_of_any_call_is(store):
    names = ("free", "paid", "unknown", "lost")
    free, paid, unknown, lost = (store.sessions.new({"query": name}) for name in names)
    jobs = {id: store.jobs.add(id, "comparison", "q", [Document("x")], {}, 0) for id in (free, paid, unknown, lost)}
    keep(
        store,
        call("a", run=f"{jobs[paid]}/0/0"),
        call("b", run=f"{jobs[paid]}/0/0"),
        call("a", run=f"{jobs[paid]}/0/0", source="cache"),
        call("c", run=f"{jobs[paid]}/0/0", reply=Failed("rate-limit", "Too fast."), free=True),
        call("d", run=f"{jobs[unknown]}/0/0"),
        call("e", run=f"{jobs[unknown]}/0/0", reply=Text(text="no price")),
        call("f", run=f"{jobs[lost]}/0/0"),
        call("g", run=f"{jobs[lost]}/0/0", reply=Failed("timeout", "Too slow.")),
    )
    costs = {row.query: row.cost_usd for row in store.sessions.all()}
    assert costs == {"free": 0.0, "paid": pytest.approx(0.0008), "unknown": None, "lost": None}


def filled(store, session, query, documents, *names):
    """A finished job with a ranking and a call for each of `names`."""
    job = store.jobs.add(session, "comparison", query, documents, {}, 0)
    order = list(range(len(documents)))
    store.jobs.keep_ranking(job, 0, 0, order, by_order(as_candidates(documents), order))
    keep(store, *(call(name, run=f"{job}/0/0") for name in names))
    store.jobs.end(job, "done")
    return job


def rows(store, table):
    with store.database.read() as connection:
        return [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]


def test_deleting_a_session_takes_its_jobs_rankings_prompts_and_candidates_but_not_judgments(store):
    doomed, other = store.sessions.new(), store.sessions.new()
    shared, own = [Document("shared text")], [Document("own text")]
    filled(store, doomed, "q", shared, "asked by both", "asked by one")
    filled(store, doomed, "q", own)
    kept = filled(store, other, "q", shared, "asked by both")
    store.judgments.add("q", own[0].fingerprint, "ann", "0-3", 3)

    store.sessions.delete(doomed)

    assert store.sessions.get(doomed) is None
    assert [row["id"] for row in rows(store, "jobs")] == [kept]
    assert [row["job"] for row in rows(store, "rankings")] == [kept]
    assert [row["text"] for row in rows(store, "documents")] == ["shared text"]
    assert len(rows(store, "candidate_lists")) == 1
    assert ["asked by both" in row["content"] for row in rows(store, "requests")] == [True]
    assert store.judgments.grades("q", "0-3") == {own[0].fingerprint: 3}
    (call_kept,) = store.calls.of(kept)
    assert call_kept.request == [[["user", "prompt asked by both"]], None, 1024]
    assert len(store.jobs.rankings(kept)) == 1


def test_calls_of_a_deleted_session_stay_as_a_record_of_spending(store):
    session = store.sessions.new()
    filled(store, session, "q", [Document("x")], "a", "b")
    before = store.calls.spending()
    store.sessions.delete(session)
    assert store.calls.spending() == before
    assert [(row["job"], row["request"], row["raw"]) for row in rows(store, "calls")] == [(None, None, None)] * 2
    assert asyncio.run(store.archive.find([digest("a"), digest("b")])) == {}


def test_replies_that_another_session_used_too_stay_when_a_session_is_deleted(store):
    doomed, other = store.sessions.new(), store.sessions.new()
    filled(store, doomed, "q", [Document("x")], "both", "mine")
    filled(store, other, "q", [Document("x")], "both")
    store.sessions.delete(doomed)
    assert set(asyncio.run(store.archive.find([digest("both"), digest("mine")]))) == {digest("both")}


def test_a_call_that_ends_after_its_session_was_deleted_leaves_no_prompt(store):
    session = store.sessions.new()
    job = store.jobs.add(session, "comparison", "q", [Document("x")], {}, 0)
    store.sessions.delete(session)
    keep(store, call("late", run=f"{job}/0/0"), call("late failure", run=f"{job}/0/0", reply=Failed("x", "y", "raw")))
    assert rows(store, "requests") == []
    assert [(row["request"], row["raw"], row["job"]) for row in rows(store, "calls")] == [(None, None, None)] * 2
    assert list(asyncio.run(store.archive.find([digest("late")]))) == [digest("late")]


def test_the_text_of_a_deleted_session_is_gone_from_the_files(store):
    session = store.sessions.new({"text": "marker-in-draft"})
    filled(store, session, "marker-in-query", [Document("marker-in-document " * 500)], "marker-in-prompt")

    def on_disk():
        return b"".join(file.read_bytes() for file in store.path.parent.iterdir() if "lens.db" in file.name)

    markers = [b"marker-in-draft", b"marker-in-query", b"marker-in-document", b"prompt marker-in-prompt"]
    assert [marker in on_disk() for marker in markers] == [True] * 4
    store.sessions.delete(session)
    assert [marker in on_disk() for marker in markers] == [False] * 4


def test_deleting_a_session_twice_is_no_error(store):
    id = store.sessions.new()
    store.sessions.delete(id)
    store.sessions.delete(id)
    assert store.sessions.all() == []


def test_a_discarded_session_is_in_no_list_cannot_be_written_and_comes_back_as_it_was(store):
    id = store.sessions.new({"query": "q", "strategies": []})
    store.sessions.save(id, "Title")
    before = store.sessions.get(id)
    store.sessions.discard(id)
    assert store.sessions.all() == []
    assert [row.id for row in store.sessions.discarded()] == [id]
    assert (store.sessions.get(id), store.sessions.exists(id)) == (None, False)
    with pytest.raises(MissingSessionError):
        store.sessions.save_draft(id, {"query": "other"})
    with pytest.raises(MissingSessionError):
        store.sessions.save(id, "Other")
    store.sessions.restore(id)
    assert store.sessions.get(id) == before
    assert store.sessions.discarded() == []


def test_a_discarded_session_is_erased_after_a_day_and_not_before(store, clock):
    id = store.sessions.new({"query": "q"})
    other = store.sessions.new({"query": "kept"})
    store.sessions.discard(id)
    clock.now += 24 * 3600 - 1
    store.sessions.erase_old()
    assert [row.id for row in store.sessions.discarded()] == [id]
    clock.now += 1
    store.sessions.erase_old()
    assert store.sessions.discarded() == []
    assert [row.id for row in store.sessions.all()] == [other]
