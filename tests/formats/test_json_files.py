import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reranking.documents import Document
from reranking.formats.loaded import FormatError, Input, Loaded
from reranking.formats.read import read

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
documents = st.builds(
    Document,
    text=st.text(),
    id=st.none() | st.text(),
    title=st.none() | st.text(),
    metadata=st.dictionaries(st.text(max_size=8), json_values, max_size=3),
)
queries = st.builds(Input, st.text(), st.lists(documents, max_size=4).map(tuple))


def as_json(document):
    return {
        "text": document.text,
        "id": document.id,
        "title": document.title,
        "metadata": dict(document.metadata),
    }


def dumped(value, pretty, ascii_only):
    return json.dumps(value, indent=2 if pretty else None, ensure_ascii=ascii_only).encode()


def loaded(value, name="x.json", **options):
    return read(json.dumps(value).encode(), name, **options)


@given(st.lists(documents, min_size=1), st.booleans(), st.booleans())
def test_documents_written_as_json_are_read_back_equal(given_documents, pretty, ascii_only):
    found = read(dumped([as_json(entry) for entry in given_documents], pretty, ascii_only), "x.json")
    assert found.queries == (Input(None, tuple(given_documents)),)


@given(st.lists(queries, min_size=1), st.booleans())
def test_queries_written_as_json_lines_are_read_back_equal(given_queries, ascii_only):
    lines = [
        dumped({"query": entry.query, "documents": [as_json(one) for one in entry.documents]}, False, ascii_only)
        for entry in given_queries
    ]
    found = read(b"\n".join(lines), "x.jsonl")
    assert found.queries == tuple(given_queries)


@given(st.lists(st.text(), min_size=1), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_strings_written_as_json_lines_are_read_back_equal(texts, end):
    data = end.join(json.dumps(text, ensure_ascii=False) for text in texts).encode()
    assert read(data, "x.ndjson").queries == (Input(None, tuple(map(Document, texts))),)


@given(st.lists(documents, min_size=1), st.sampled_from(["x", "x.JSON", "x.jsonl", "x.response"]))
def test_a_json_list_is_read_whatever_the_ending(given_documents, name):
    data = dumped([as_json(entry) for entry in given_documents], True, False)
    assert read(data, name).queries == (Input(None, tuple(given_documents)),)


def test_json_lines_in_a_json_file_are_read():
    assert len(read(b'{"text": "a"}\n{"text": "b"}\n', "x.json").queries[0].documents) == 2


@pytest.mark.parametrize("name", ["text", "content", "contents", "page_content", "body", "passage", "document", "Body"])
def test_the_text_field_is_known_by_its_usual_names(name):
    assert loaded([{name: "a", "url": "b"}]).queries[0].documents == (Document("a", metadata={"url": "b"}),)


def test_a_request_to_a_rerank_endpoint_is_read():
    found = loaded({"model": "m", "query": "q", "documents": ["a", {"text": "b", "id": 7}], "top_n": 1})
    assert found == Loaded((Input("q", (Document("a"), Document("b", id="7"))),), ("Not used: 'model' and 'top_n'.",))


def test_langchain_documents_are_read():
    found = loaded([{"id": None, "page_content": "a", "metadata": {"source": "s"}, "type": "Document"}])
    assert found.queries[0].documents == (Document("a", metadata={"source": "s", "type": "Document"}),)


def test_numbers_as_ids_and_titles_become_strings_and_grades_stay():
    found = loaded([{"_id": 7, "title": 1984, "text": "a", "grade": 2}, {"_id": 7, "text": "a", "grade": 0}])
    assert found.queries[0].documents == (
        Document("a", id="7", title="1984", metadata={"grade": 2}),
        Document("a", id="7", metadata={"grade": 0}),
    )


def test_documents_that_all_name_their_query_are_grouped_by_it():
    found = loaded([{"query": "b", "text": "1"}, {"query": "a", "text": "2"}, {"query": "b", "text": "3"}])
    assert found.queries == (Input("b", (Document("1"), Document("3"))), Input("a", (Document("2"),)))


def test_a_query_that_only_some_documents_name_is_metadata():
    found = loaded([{"query": "b", "text": "1"}, {"text": "2"}])
    assert found.queries == (Input(None, (Document("1", metadata={"query": "b"}), Document("2"))),)


def test_the_chosen_fields_win_over_the_guess():
    found = loaded([{"text": "a", "snippet": "b", "id": "c"}], columns={"text": "snippet", "id": None})
    assert found.queries[0].documents == (Document("b", metadata={"text": "a", "id": "c"}),)


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ('["a",\n "b"\n "c"]', 3, 2, "not valid JSON"),
        ('{"query": "q"', 1, 14, "not valid JSON"),
        ('["a",\n]\n]', 2, 1, "not valid JSON"),
        ('["a"]\n]', 2, 1, "not valid JSON"),
        ('["a",\n  {"id": 1}]', 2, 3, "document 2 has no text: it needs a field named 'text'"),
        ('{"query": "q", "documents":\n["a", {"body": null}]}', 2, 7, "document 2 has no text"),
        ('{"documents": [7], "documents":\n["a", 7]}', 2, 7, "document 2 is a number, not a string or an object"),
        ('["a", {"text": ["b"]}]', 1, 7, "document 2 has a list as 'text', not a string"),
        ('[{"text": "b", "id": true}]', 1, 2, "document 1 has true or false as 'id'"),
        ('{"query": 3, "documents": ["a"]}', 1, 11, "the query is a number, not a string"),
        ('{"query": "q", "documents": "a"}', 1, 29, "'documents' is a string, not a list"),
        ('[{"documents": ["a"]},\n {"text": "b"}]', 2, 2, "entry 2 has no 'documents'"),
        ('[{"documents": ["a"]},\n {"documents": ["b", null]}]', 2, 22, "query 2, document 2 is null"),
        ('{"query": "q", "docs": ["a"]}', 1, 1, "document 1 has no text"),
        ("3", 1, 1, "document 1 is a number"),
    ],
)
def test_what_is_wrong_in_json_is_named_with_its_place(text, line, column, problem):
    with pytest.raises(FormatError) as caught:
        read(text.encode(), "x.json")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"x.json, line {line}, column {column}: ")
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "column", "problem"),
    [
        ('"a"\n\n{"text": "b"\n"c"', 3, 13, "not valid JSON"),
        ('"a"\r\n {"id": 7}', 2, 2, "document 2 has no text"),
        ('{"documents": ["a"]}\n{"documents": ["b", {}]}', 2, 21, "query 2, document 2 has no text"),
        ('"a"\n["b"]', 2, 1, "document 2 is a list"),
        (f'"a"\n{"[" * 99_999}', 2, None, "nested more than"),
        (f'"a"\n{"9" * 9_999}', 2, None, "too many digits"),
    ],
)
def test_what_is_wrong_in_json_lines_is_named_with_its_place(text, line, column, problem):
    with pytest.raises(FormatError) as caught:
        read(text.encode(), "x.jsonl")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert problem in str(caught.value)


@pytest.mark.parametrize("text", ["[]", '{"documents": []}', '{"query": null, "documents": []}'])
def test_a_file_without_documents_or_query_is_refused(text):
    with pytest.raises(FormatError, match="no documents"):
        read(text.encode(), "x.json")


def test_documents_without_content_and_queries_without_documents_are_kept_and_noted():
    found = loaded([{"query": "a", "documents": ["x", " ", ""]}, {"query": "b", "documents": []}])
    assert [len(entry.documents) for entry in found.queries] == [3, 0]
    assert found.notes == ("Empty text: query 1, document 2 and query 1, document 3.", "No documents: query 2.")


def test_half_a_surrogate_pair_is_replaced_and_noted():
    found = read(rb'[{"text": "cut \ud83d", "k\udc00": ["\ud83d\ude00"]}]', "x.json")
    assert found.queries[0].documents == (Document("cut \ufffd", metadata={"k\ufffd": ["\U0001f600"]}),)
    assert "2 broken characters" in found.notes[0]


def test_numbers_that_are_not_finite_become_null_and_are_noted():
    found = read(b'[{"text": "a", "x": NaN, "y": -Infinity, "z": 1e999, "w": 1.5}]', "x.json")
    assert found.queries[0].documents[0].metadata == {"x": None, "y": None, "z": None, "w": 1.5}
    assert len(found.notes) == 1


@pytest.mark.parametrize("depth", [70, 950, 100_000])
def test_deep_nesting_is_refused(depth):
    data = b'[{"text": "a", "x": ' + b"[" * depth + b"]" * depth + b"}]"
    with pytest.raises(FormatError, match="nested"):
        read(data, "x.json")


@given(st.lists(documents, min_size=1, max_size=4), st.data())
def test_the_place_of_a_bad_document_is_where_it_starts(given_documents, data):
    at = data.draw(st.integers(0, len(given_documents)))
    values = [as_json(entry) for entry in given_documents]
    values.insert(at, {"mark": "BAD"})
    text = json.dumps({"top_n": [1], "query": "q", "documents": values}, indent=data.draw(st.sampled_from([None, 1])))
    assume(text.count('"BAD"') == 1)
    with pytest.raises(FormatError) as caught:
        read(text.encode(), "x.json")
    line = text.split("\n")[caught.value.line - 1]
    rest = "\n".join([line[caught.value.column - 1 :], *text.split("\n")[caught.value.line :]])
    assert json.JSONDecoder().raw_decode(rest)[0] == {"mark": "BAD"}
