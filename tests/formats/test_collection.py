"""BEIR's files: which query gets which documents, in which order, and what is refused."""

import pytest

from reranking.documents import Document
from reranking.formats.collection import read_collection, read_folder
from reranking.formats.loaded import FormatError, Input

CORPUS = ("corpus.jsonl", b'{"_id": "d1", "title": "One", "text": "first"}\n{"_id": "d2", "text": "second"}\n')
QUERIES = ("queries.jsonl", b'{"_id": "q1", "text": "what"}\n{"_id": "q2", "text": "why"}\n')
ONE, TWO = Document("first", "d1", "One"), Document("second", "d2")


def graded(document, **metadata):
    return Document(document.text, document.id, document.title, metadata)


def test_without_qrels_each_query_has_the_whole_corpus():
    assert read_collection([QUERIES, CORPUS]).queries == (Input("what", (ONE, TWO)), Input("why", (ONE, TWO)))


@pytest.mark.parametrize(
    "qrels",
    [b"query-id\tcorpus-id\tscore\nq1\td2\t2\nq1\td1\t0\n", b"q1 0 d2 2\r\nq1 0 d1 0\r\n"],
    ids=["beir", "trec"],
)
def test_qrels_give_each_query_its_judged_documents_in_the_order_of_the_corpus_with_grades(qrels):
    found = read_collection([CORPUS, QUERIES, ("test.tsv", qrels)])
    assert found.queries == (Input("what", (graded(ONE, grade=0), graded(TWO, grade=2))),)


def test_a_run_gives_each_query_its_documents_by_score():
    run = b"q2 Q0 d1 1 0.5 tag\nq2 Q0 d2 2 1.25 tag\nq1 Q0 d1 1 7 tag\n"
    found = read_collection([CORPUS, QUERIES, ("bm25.run", run)])
    assert found.queries == (
        Input("what", (graded(ONE, score=7),)),
        Input("why", (graded(TWO, score=1.25), graded(ONE, score=0.5))),
    )


@pytest.mark.parametrize(
    ("qrels", "said"),
    [
        (b"query-id\tcorpus-id\tscore\nq1\td2\tx\n", "t.tsv, line 2, column 7: rating 'x' is not a number"),
        (b"q1 0 d9 1", "t.tsv, line 1, column 6: there is no document 'd9'"),
        (b"q1 0 d1 1\nq7 0 d1 1", "t.tsv, line 2, column 1: there is no query 'q7'"),
        (b"q1 0 d1 1 2", "t.tsv, line 1: the line has 5 columns"),
        (b"query-id\tcorpus-id\tscore\n", "t.tsv: it names no documents"),
    ],
)
def test_what_is_wrong_in_qrels_is_named_with_its_place(qrels, said):
    with pytest.raises(FormatError) as caught:
        read_collection([CORPUS, QUERIES, ("t.tsv", qrels)])
    assert str(caught.value).startswith(said)


def test_files_that_do_not_belong_together_and_entries_without_an_id_are_refused():
    with pytest.raises(FormatError, match="read as one collection"):
        read_collection([CORPUS, ("more.jsonl", CORPUS[1])])
    with pytest.raises(FormatError, match=r"corpus\.jsonl: entry 1 has no '_id'"):
        read_collection([("corpus.jsonl", b'{"text": "a"}'), QUERIES])


def test_more_candidates_than_anyone_would_rank_are_refused():
    many = "\n".join(f'{{"_id": "{at}", "text": "t"}}' for at in range(150)).encode()
    with pytest.raises(FormatError, match="more than 20,000 candidates"):
        read_collection([("corpus.jsonl", many), ("queries.jsonl", many)])


def test_a_folder_is_read_as_beir_lays_it_out(tmp_path):
    for name, data in (CORPUS, QUERIES):
        (tmp_path / name).write_bytes(data)
    assert len(read_folder(tmp_path).queries) == 2
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_bytes(b"query-id\tcorpus-id\tscore\nq1\td2\t1\n")
    assert read_folder(tmp_path).queries == (Input("what", (graded(TWO, grade=1),)),)
    (tmp_path / "queries.jsonl").unlink()
    with pytest.raises(FormatError, match=r"there is no queries\.jsonl"):
        read_folder(tmp_path)
