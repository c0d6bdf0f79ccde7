"""Files of other tools: the documents, ids, scores and queries that stand in them, and where they are wrong."""

import json

import pytest

from reranking.documents import Document
from reranking.formats.loaded import FormatError, Input
from reranking.formats.read import read

RESPONSE = {
    "took": 3,
    "_shards": {"total": 1},
    "hits": {
        "total": {"value": 2},
        "hits": [
            {"_index": "i", "_id": "7", "_score": 1.5, "_source": {"title": "One", "body": "first", "tags": ["a"]}},
            {"_index": "i", "_id": "3", "_score": 0.5, "_source": {"body": "second", "meta": {"year": 1999}}},
        ],
    },
}


def loaded(value, **options):
    return read(json.dumps(value).encode(), "x.json", **options)


def test_hits_of_a_search_response_are_documents_in_their_order_with_their_scores():
    assert loaded(RESPONSE).queries == (
        Input(
            None,
            (
                Document("first", "7", "One", {"tags": ["a"], "score": 1.5}),
                Document("second", "3", None, {"meta.year": 1999, "score": 0.5}),
            ),
        ),
    )


def test_the_text_field_of_a_search_response_is_chosen_also_inside_an_object():
    hits = [{"_id": "7", "_source": {"name": "n", "page": {"de": "eins"}}}]
    with pytest.raises(FormatError) as caught:
        loaded({"hits": {"hits": hits}})
    assert caught.value.columns == ("id", "name", "page.de")
    found = loaded({"hits": {"hits": hits}}, columns={"text": "page.de", "title": "name"})
    assert found.queries[0].documents == (Document("eins", "7", "n"),)
    assert found.roles == {"text": "page.de", "title": "name", "id": "id"}


def test_the_id_of_a_hit_wins_over_one_in_its_source_which_is_kept():
    found = loaded({"hits": {"hits": [{"_id": "a", "_source": {"id": 9, "text": "t"}}]}})
    assert found.queries[0].documents == (Document("t", "a", None, {"document.id": 9}),)


def test_hits_with_fields_in_place_of_a_source_are_read():
    found = loaded({"hits": {"hits": [{"_id": "a", "_score": None, "fields": {"text": ["t"], "n": [1, 2]}}]}})
    assert found.queries[0].documents == (Document("t", "a", None, {"n": [1, 2]}),)


def test_llama_index_nodes_are_read_without_what_the_library_keeps_for_itself():
    node = {"id_": "n1", "embedding": None, "metadata": {"file": "f"}, "text": "t", "class_name": "TextNode"}
    newer = {"id_": "n2", "metadata": {}, "text_resource": {"text": "u"}}
    found = loaded([{"node": node, "score": 0.25}, {"node": newer, "score": None}])
    assert found.queries[0].documents == (
        Document("t", "n1", None, {"score": 0.25, "file": "f"}),
        Document("u", "n2"),
    )


def test_serialised_langchain_documents_are_read():
    value = {"lc": 1, "type": "constructor", "kwargs": {"page_content": "t", "metadata": {"source": "s"}}}
    assert loaded([value]).queries[0].documents == (Document("t", metadata={"source": "s"}),)


def test_rank_llm_lines_are_queries_with_their_candidates():
    lines = [
        {
            "query": {"text": "what", "qid": 5},
            "candidates": [
                {"docid": "d2", "score": 3.5, "doc": {"title": "T", "segment": "s", "url": "u"}},
                {"docid": "d1", "score": 3.0, "doc": {"contents": "c"}},
            ],
        },
        {"query": {"text": "why", "qid": "6"}, "candidates": []},
    ]
    found = read("\n".join(map(json.dumps, lines)).encode(), "x.jsonl")
    assert found.queries == (
        Input(
            "what", (Document("s", "d2", "T", {"url": "u", "score": 3.5}), Document("c", "d1", None, {"score": 3.0}))
        ),
        Input("why", ()),
    )


def test_a_quepid_book_gives_each_query_its_documents_by_position_and_no_judgements():
    pairs = [
        {"query_text": "b", "doc_id": "2", "position": 1, "document_fields": {"text": "two"},
         "judgements": [{"rating": 3.0, "user_email": "a@b.example"}]},
        {"query_text": "a", "doc_id": "9", "position": 1, "document_fields": '{"text": "nine"}'},
        {"query_text": "b", "doc_id": "1", "position": 0, "document_fields": {"text": "one", "title": "One"}},
    ]  # fmt: skip
    found = loaded({"name": "book", "query_doc_pairs": pairs})
    assert found.queries == (
        Input("b", (Document("one", "1", "One"), Document("two", "2"))),
        Input("a", (Document("nine", "9"),)),
    )
    assert found.notes == ("Not used: 'name' and 'judgements'.",)
    assert "example" not in repr(found)


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ('{"hits": {"hits": [\n{"_id": 1, "_source": {"text": "a"}},\n {"_id": 2, "_source": {"t": 1}}]}}', 3, 2,
         "document 2 has no text: it needs a field named 'text'"),
        ('{"hits": {"hits":\n 7}}', 2, 2, "'hits' is a number, not a list"),
        ('{"hits": {"hits": [{"_source": null}]}}', 1, 20, "document 1 holds no '_source'"),
        ('[{"node": {"id_": 1}}]', 1, 2, "document 1 has no text: its 'node' needs"),
        ('{"query": {"text": 3},\n "candidates": []}', 1, 20, "the query is a number, not a string"),
        ('{"query_doc_pairs": [\n {"doc_id": 1, "document_fields": {"text": "a"}}]}', 2, 2,
         "pair 1 has no 'query_text'"),
        ('{"query_doc_pairs": [{"query_text": "q", "doc_id": 1,\n"document_fields": "x"}]}', 1, 22,
         "document 1 has 'document_fields' that are not JSON"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_files_of_other_tools_is_named_with_its_place(text, line, column, problem):
    with pytest.raises(FormatError) as caught:
        read(text.encode(), "x.json")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert problem in str(caught.value)


def test_the_fields_and_how_they_were_read_are_told_so_that_they_can_be_chosen_otherwise():
    found = loaded([{"body": "a", "headline": "h"}, {"body": "b", "docid": 1}])
    assert found.columns == ("body", "headline", "docid")
    assert found.roles == {"text": "body", "id": "docid"}
    table = read(b"docid,body,note\n1,a,b\n", "x.csv")
    assert (table.columns, table.roles) == (("docid", "body", "note"), {"text": "body", "id": "docid"})
