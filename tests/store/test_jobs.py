"""Jobs: what they were started with, how far they are, and the rankings they gave."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.documents import Candidate, Document, as_candidates
from reranking.ranking import (
    OUTCOMES,
    Choice,
    Contribution,
    Diagnostic,
    Explanation,
    Item,
    Quote,
    Ranking,
    Usage,
    by_order,
    by_score,
    failed,
)
from reranking.replies import Receipt, Text
from reranking.store import StoreError
from reranking.store.values import from_text, to_text
from reranking.strategies.catalogue import fill_model, strategies
from tests.oracles import ADVERSARIES, PerfectOracle, adversary
from tests.store.made_calls import call, keep
from tests.support import documents, rank

SILENCE = 5.001

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(0, 50)
keys = st.one_of(texts, whole, st.just("$type"), st.tuples(whole, whole))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), numbers, texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)
documents_strategy = st.lists(
    st.builds(Document, texts, st.none() | texts, st.none() | texts, st.dictionaries(keys, values, max_size=2)),
    min_size=1,
    max_size=5,
)
explanations = st.builds(
    Explanation,
    st.none() | texts,
    st.lists(st.builds(Quote, texts, st.none() | whole, st.none() | whole), max_size=2).map(tuple),
    st.lists(st.builds(Contribution, texts, numbers, texts, texts), max_size=2).map(tuple),
    st.lists(st.builds(Choice, texts, st.none() | numbers, st.booleans()), max_size=2).map(tuple),
)
diagnostics = st.builds(
    Diagnostic, texts, texts, st.lists(whole, max_size=3).map(tuple), texts, st.dictionaries(texts, values, max_size=2)
)
usages = st.builds(Usage, whole, whole, whole, whole, st.none() | numbers, numbers)


@st.composite
def rankings(draw, documents, depth=1):
    candidates = draw(st.permutations(as_candidates(documents)))
    rank = st.none() | st.integers(1, 99)
    items = tuple(
        Item(item, draw(rank), draw(rank), draw(st.none() | numbers), draw(st.none() | explanations))
        for item in candidates
    )
    details = draw(st.dictionaries(texts, values, max_size=2))
    if depth:
        details["stages"] = [draw(rankings(documents, depth - 1)), (draw(explanations), draw(diagnostics))]
    return Ranking(
        items,
        draw(texts),
        draw(st.sampled_from(OUTCOMES)),
        tuple(draw(st.lists(diagnostics, max_size=2))),
        draw(usages),
        draw(st.dictionaries(texts, values, max_size=2)),
        details,
    )


def exactly(value):
    """A form in which 1, 1.0 and True differ, and so do tuples and lists, and 0.0 and -0.0."""
    return repr(value)


@given(st.data())
def test_a_ranking_comes_back_equal_to_the_last_bit(data):
    given_documents = data.draw(documents_strategy)
    ranking = data.draw(rankings(given_documents))
    again = from_text(to_text(ranking, given_documents), given_documents)
    assert again == ranking
    assert exactly(again) == exactly(ranking)


@given(documents_strategy, texts, st.dictionaries(texts, values, max_size=3))
@settings(max_examples=25)
def test_documents_query_and_spec_come_back_as_they_were(tmp_path_factory, documents, query, spec):
    from reranking.store.store import Store

    store = Store(tmp_path_factory.getbasetemp() / "round-trips.db")
    id = store.jobs.add(store.sessions.new(), "bias", query, documents, spec, 42)
    job = store.jobs.get(id)
    store.close()
    assert exactly((job.query, job.documents, job.spec)) == exactly((query, tuple(documents), spec))
    assert (job.kind, job.seed) == ("bias", 42)


@pytest.mark.parametrize("kind", strategies())
@pytest.mark.parametrize("fault", [None, *ADVERSARIES])
def test_the_ranking_of_every_strategy_comes_back_equal(kind, fault):
    model = adversary(fault) if fault else PerfectOracle([0.1 * at for at in range(6)])
    ranking = rank(fill_model(strategies()[kind](), model, model.answers), 6)
    again = from_text(to_text(ranking, documents(6)), documents(6))
    assert again == ranking
    assert exactly(again) == exactly(ranking)


def test_a_ranking_of_shortened_documents_keeps_them():
    documents = [Document("a long text")]
    ranking = by_order((Candidate(0, Document("a long")),), [0])
    assert from_text(to_text(ranking, documents), documents) == ranking


def test_candidates_are_stored_once_however_many_rankings_hold_them():
    documents = [Document("some very long text " * 100)]
    assert "very long" not in to_text(by_order(as_candidates(documents), [0]), documents)


def test_numbers_of_numpy_become_plain_ones_of_equal_value():
    documents = [Document("x")]
    ranking = by_score(as_candidates(documents), [np.float32(0.1)], "logit", details={"n": np.int64(3)})
    again = from_text(to_text(ranking, documents), documents)
    assert again == ranking
    assert type(again.items[0].score) is float


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinite_values_survive(value):
    assert from_text(to_text({"x": [value]})) == {"x": [value]}


def test_nan_survives():
    assert math.isnan(from_text(to_text(math.nan)))


def test_a_value_that_has_no_form_in_json_is_named():
    with pytest.raises(StoreError, match="'set'"):
        to_text({"x": {1, 2}})


def add(store, documents=("a", "b"), session=None, **changes):
    values = {"kind": "comparison", "query": "q", "spec": {}, "seed": 0, **changes}
    return store.jobs.add(session or store.sessions.new(), documents=[Document(text) for text in documents], **values)


def test_rankings_come_back_by_position_and_repetition_with_their_input_order(store):
    job = add(store, "abc")
    candidates = as_candidates(store.jobs.get(job).documents)
    first = by_score(candidates, [0.1 + 0.2, None, -0.0], "logit", explanations=[Explanation("why"), None, None])
    shuffled = by_order([candidates[at] for at in (2, 0, 1)], [1, 2, 0])
    broken = failed(candidates, [Diagnostic("x", "y", (1,), "raw", {"k": (1, 2)})])
    store.jobs.keep_ranking(job, 1, 1, (2, 0, 1), shuffled)
    store.jobs.keep_ranking(job, 1, 0, (0, 1, 2), broken)
    store.jobs.keep_ranking(job, 0, 0, (0, 1, 2), first)
    kept = store.jobs.rankings(job)
    assert [(item.position, item.repetition, item.input_order) for item in kept] == [
        (0, 0, (0, 1, 2)),
        (1, 0, (0, 1, 2)),
        (1, 1, (2, 0, 1)),
    ]
    assert [item.ranking for item in kept] == [first, broken, shuffled]


def test_a_ranking_made_again_replaces_the_old_one(store):
    job = add(store, "ab")
    candidates = as_candidates(store.jobs.get(job).documents)
    for order in ([0, 1], [1, 0]):
        store.jobs.keep_ranking(job, 0, 0, (0, 1), by_order(candidates, order))
    (kept,) = store.jobs.rankings(job)
    assert kept.ranking.order == (1, 0)


def test_documents_with_equal_texts_and_ids_stay_apart(store):
    documents = [Document("same", id="1"), Document("same", id="1"), Document("same", id="1", title="")]
    job = store.jobs.add(store.sessions.new(), "comparison", "q", documents, {}, 0)
    assert store.jobs.get(job).documents == tuple(documents)


def test_equal_candidates_are_kept_once_and_others_apart(store):
    session = store.sessions.new()
    for texts_of_list in (["a", "b"], ["a", "b"], ["b", "a"]):
        add(store, texts_of_list, session)
    add(store, ["a", "b"], session, query="another query")
    with store.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM candidate_lists").fetchone()[0] == 3
        assert connection.execute("SELECT count(*) FROM documents").fetchone()[0] == 6


@pytest.mark.parametrize(
    ("query", "document", "named"),
    [
        ("q\ud83d", Document("x"), "The query"),
        ("q", Document("half \ud83d"), "Document 2"),
        ("q", Document("x", title="\udc00"), "title of document 2"),
        ("q", Document("x", id="\udc00"), "id of document 2"),
    ],
)
def test_a_lone_surrogate_in_the_input_is_refused_by_name_and_nothing_is_kept(store, query, document, named):
    session = store.sessions.new()
    with pytest.raises(StoreError, match=named):
        store.jobs.add(session, "comparison", query, [Document("fine"), document], {}, 0)
    assert store.jobs.of(session) == []
    with store.database.read() as connection:
        assert connection.execute("SELECT count(*) FROM candidate_lists").fetchone()[0] == 0


def test_a_lone_surrogate_in_a_ranking_is_kept(store):
    job = add(store, "a")
    ranking = by_order(as_candidates(["a"]), [0], diagnostics=[Diagnostic("odd", "cut", raw="half \ud83d")])
    store.jobs.keep_ranking(job, 0, 0, (0,), ranking)
    assert store.jobs.rankings(job)[0].ranking == ranking


def test_a_running_job_that_falls_silent_reads_as_interrupted_but_not_to_the_one_who_runs_it(store, clock):
    job = add(store)
    assert store.jobs.state(job) == "running"
    clock.now += SILENCE
    assert store.jobs.state(job) == "interrupted"
    assert store.jobs.get(job).state == "interrupted"
    assert store.jobs.state(job, own={job}) == "running"
    assert store.jobs.get(job, own=[job]).state == "running"
    assert [row.state for row in store.jobs.of(store.jobs.get(job).session, own={job})] == ["running"]
    store.jobs.beat(job)
    assert store.jobs.state(job) == "running"


@pytest.mark.parametrize("state", ["done", "cancelled", "failed"])
def test_a_job_that_ended_stays_as_it_ended(store, clock, state):
    job = add(store)
    clock.now += 2
    store.jobs.end(job, state)
    clock.now += 3600
    store.jobs.beat(job)
    found = store.jobs.get(job)
    assert (found.state, found.finished - found.created) == (state, 2)


def test_only_one_of_two_resumes_an_interrupted_job(store, clock):
    job = add(store)
    assert not store.jobs.resume(job)
    clock.now += SILENCE
    assert store.jobs.resume(job)
    assert not store.jobs.resume(job)
    assert store.jobs.state(job) == "running"


def test_what_a_killed_job_may_have_spent_without_a_record_counts_from_then_on(store, clock):
    def paid(name, dollars):
        return call(name, run=f"{job}/0/0", reply=Text(text="x", receipt=Receipt(cost_usd=dollars)))

    job = add(store)
    keep(store, paid("a", 0.25))
    store.jobs.beat(job, 1.0)  # three calls of 25 cents at most are under way, and one of them comes back
    keep(store, paid("b", 0.125))
    assert store.calls.spent(job) == 0.375
    clock.now += SILENCE
    assert store.jobs.resume(job)
    assert store.calls.spent(job) == 1.0
    keep(store, paid("c", 0.5))
    store.jobs.beat(job)  # without a limit now
    store.jobs.end(job, "cancelled")
    assert store.jobs.resume(job)
    assert store.calls.spent(job) == 1.5
    store.jobs.end(job, "cancelled", "", 1.5)
    assert store.jobs.resume(job)
    assert store.calls.spent(job) == 1.5


def test_cancelled_and_failed_jobs_can_be_resumed_and_done_ones_cannot(store):
    outcomes = {}
    for state in ("cancelled", "failed", "done"):
        job = add(store)
        store.jobs.end(job, state)
        outcomes[state] = (store.jobs.resume(job), store.jobs.get(job).finished is None)
    assert outcomes == {"cancelled": (True, True), "failed": (True, True), "done": (False, False)}
    assert not store.jobs.resume("gone")


def test_jobs_are_listed_newest_first_and_by_kind(store, clock):
    session = store.sessions.new()
    ids = []
    for kind in ("comparison", "bias", "comparison"):
        clock.now += 1
        ids.append(add(store, session=session, kind=kind))
    add(store)
    assert [row.id for row in store.jobs.of(session)] == ids[::-1]
    assert [row.id for row in store.jobs.of(session, "comparison")] == [ids[2], ids[0]]
    assert store.sessions.get(session).updated == clock.now


def test_what_belongs_to_nothing_is_refused(store):
    with pytest.raises(StoreError, match="no session 'gone'"):
        add(store, session="gone")
    with pytest.raises(StoreError, match="no job 'gone'"):
        store.jobs.end("gone", "done")
    with pytest.raises(StoreError, match="no job 'gone'"):
        store.jobs.keep_ranking("gone", 0, 0, (0,), by_order(as_candidates(["a"]), [0]))
    assert store.jobs.get("gone") is None
    assert store.jobs.state("gone") is None
