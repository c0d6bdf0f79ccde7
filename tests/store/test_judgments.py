"""Judgments: the latest counts, and none is ever lost."""

import sqlite3

import pytest

from reranking.documents import Document
from reranking.store import StoreError
from reranking.store.store import Store


def test_the_latest_grade_of_an_assessor_counts_and_the_older_ones_stay(store, clock):
    for grade in (1, 3, 2):
        clock.now += 1
        store.judgments.add("q", "f", "ann", "0-3", grade, f"note {grade}")
    assert store.judgments.grades("q", "0-3", "ann") == {"f": 2}
    assert [(item.grade, item.note) for item in store.judgments.history("q", "f")] == [
        (1, "note 1"), (3, "note 3"), (2, "note 2"),
    ]  # fmt: skip


def test_the_latest_is_the_last_one_added_even_if_the_clock_went_back(store, clock):
    store.judgments.add("q", "f", "ann", "0-3", 1)
    clock.now -= 3600
    store.judgments.add("q", "f", "ann", "0-3", 2)
    assert store.judgments.grades("q", "0-3") == {"f": 2}


def test_assessors_scales_queries_and_documents_are_kept_apart(store):
    store.judgments.add("q", "f", "ann", "0-3", 1)
    store.judgments.add("q", "f", "bob", "0-3", 2)
    store.judgments.add("q", "f", "ann", "0-10", 9)
    store.judgments.add("other", "f", "ann", "0-3", 0)
    store.judgments.add("q", "g", "ann", "0-3", 3)
    assert store.judgments.grades("q", "0-3", "ann") == {"f": 1, "g": 3}
    assert store.judgments.grades("q", "0-3", "bob") == {"f": 2}
    assert store.judgments.grades("q", "0-10") == {"f": 9}
    assert [(item.assessor, item.scale) for item in store.judgments.latest("q")] == [
        ("ann", "0-3"), ("bob", "0-3"), ("ann", "0-10"), ("ann", "0-3"),
    ]  # fmt: skip


def test_of_several_assessors_the_newest_grade_counts_and_withdrawing_touches_only_ones_own(store):
    store.judgments.add("q", "f", "ann", "0-3", 1)
    store.judgments.add("q", "f", "bob", "0-3", 2)
    assert store.judgments.grades("q", "0-3") == {"f": 2}
    store.judgments.add("q", "f", "bob", "0-3", None)
    assert store.judgments.grades("q", "0-3") == {"f": 1}


@pytest.mark.parametrize("verdict", ["withdrawn", "cannot-tell"])
def test_a_judgment_without_a_grade_is_told_apart_and_counts_as_no_grade(store, verdict):
    store.judgments.add("q", "f", "ann", "0-3", 0)
    assert store.judgments.grades("q", "0-3") == {"f": 0}
    store.judgments.add("q", "f", "ann", "0-3", None, verdict=verdict)
    assert store.judgments.grades("q", "0-3") == {}
    assert [item.verdict for item in store.judgments.latest("q", "0-3")] == [verdict]


def test_one_query_in_two_unicode_forms_is_one_query(store):
    store.judgments.add("caf\u0065\u0301", "f", "ann", "0-3", 2)
    assert store.judgments.grades("caf\u00e9", "0-3") == {"f": 2}
    assert len(store.judgments.history("caf\u0065\u0301", "f")) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE judgments SET grade = 3",
        "DELETE FROM judgments",
        "INSERT OR REPLACE INTO judgments SELECT id, query, fingerprint, assessor, scale, verdict, 3, note, at "
        "FROM judgments",
    ],
)
def test_judgments_can_be_neither_changed_nor_deleted_nor_replaced(path, sql):
    Store(path).close()  # a file that needs no migration must be as safe as a new one
    store = Store(path)
    store.judgments.add("q", "f", "ann", "0-3", 1)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"), store.database.write() as connection:
        connection.execute(sql)
    assert store.judgments.grades("q", "0-3") == {"f": 1}
    store.close()


@pytest.mark.parametrize("sql", ["UPDATE judgments SET grade = 3", "DELETE FROM judgments"])
def test_other_tools_cannot_change_judgments_either(store, sql):
    store.judgments.add("q", "f", "ann", "0-3", 1)
    other = sqlite3.connect(store.path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        other.execute(sql)
    other.close()


@pytest.mark.parametrize("grade", [1.5, True, "2"])
def test_a_grade_that_is_not_a_whole_number_is_refused(store, grade):
    with pytest.raises(StoreError, match="whole number"):
        store.judgments.add("q", "f", "ann", "0-3", grade)
    assert store.judgments.history("q", "f") == []


def test_a_note_with_a_lone_surrogate_is_refused_by_name(store):
    with pytest.raises(StoreError, match="The note"):
        store.judgments.add("q", "f", "ann", "0-3", 1, "\ud83d")


def test_graded_texts_come_with_the_grade_that_counts_and_only_while_they_are_stored(store):
    documents = [Document("wet paper"), Document("dry sand", title="Desert"), Document("never judged")]
    store.judgments.add("rain", documents[0].fingerprint, "me", "0-3", 1)
    store.judgments.add("rain", documents[0].fingerprint, "me", "0-3", 3)
    store.judgments.add("rain", documents[1].fingerprint, "me", "0-3", 2)
    store.judgments.add("rain", documents[1].fingerprint, "me", "0-3", None)
    store.judgments.add("snow", documents[1].fingerprint, "me", "0-3", 0)
    assert store.judgments.texts("0-3", "me") == []
    session = store.sessions.new({})
    store.jobs.add(session, "comparison", "rain", documents, {}, seed=1)
    assert store.judgments.texts("0-3", "me") == [("rain", "wet paper", 3)]
    assert store.judgments.texts("0-3", "you") == []
