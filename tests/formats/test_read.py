import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reranking.documents import Document
from reranking.formats.loaded import FormatError, Input, Loaded
from reranking.formats.read import ENDINGS, read

names = st.sampled_from([*(f"file{ending}" for ending in ENDINGS), "file", "-", "", "file.xyz"])
fragments = st.sampled_from(
    [
        *'"{}[],:;|\n\r\t\0\ufeff\u2028 ',
        '"text"',
        '"documents"',
        '"query"',
        "null",
        "NaN",
        "1e999",
        "\\ud800",
        "\\u0000",
    ]
) | st.sampled_from(["text", "id", "query", "1", "---", "1. "])
likely_texts = st.lists(fragments | st.text(max_size=5), max_size=30).map("".join)
likely_bytes = likely_texts.map(lambda text: text.encode("utf-8")) | likely_texts.map(
    lambda text: text.encode("utf-16")
)


def outcome(data, name):
    """What is loaded, or the FormatError; any other exception fails the test."""
    try:
        return read(data, name)
    except FormatError as error:
        return error


@settings(max_examples=500)
@given(st.binary() | likely_bytes, names)
@example(b"\xff\xfe\x00", "x.csv")
@example(b'"text"\r"', "x.csv")
@example(b"[" * 200_000, "x.json")
def test_any_bytes_are_loaded_or_refused_with_a_message(data, name):
    found = outcome(data, name)
    if isinstance(found, FormatError):
        assert str(found).startswith(name)
        assert found.problem
        return
    assert found.queries
    for entry in found.queries:
        for document in entry.documents:
            document.text.encode()
            json.dumps(dict(document.metadata), allow_nan=False).encode()


@settings(max_examples=300)
@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["text", "body", "id", "query", "documents", "metadata", "title"]), inner),
), st.sampled_from(["x.json", "x.jsonl"]))  # fmt: skip
def test_any_json_is_loaded_or_refused_with_its_place(value, name):
    found = outcome(json.dumps(value).encode(), name)
    if isinstance(found, FormatError):
        assert found.line is not None or "no documents" in found.problem


def test_plain_text_is_split_and_the_way_is_noted():
    assert read(b"a\nb\n\nc", "notes.txt") == Loaded(
        (Input(None, (Document("a\nb"), Document("c"))),), ("Split at blank lines.",)
    )
    assert len(read(b"a\nb\n\nc", "notes.txt", split="line").queries[0].documents) == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.json", '["naïve", "日本"]'),
        ("x.jsonl", '"naïve"\n"日本"'),
        ("x.csv", "text\nnaïve\n日本"),
        ("x.txt", "naïve\n日本"),
        ("x", "text,id\nnaïve,\n日本,\n"),
        ("-", "[1] naïve\n[2] 日本"),
    ],
)
def test_unicode_files_are_read_with_or_without_a_byte_order_mark(name, text, encoding):
    found = read(text.encode(encoding), name)
    assert [one.text for one in found.queries[0].documents] == ["naïve", "日本"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ok\nna\xefve", "x.txt, line 2, column 3: this is not text (byte 0xEF is not UTF-8). Save the file as UTF-8"),
        (b"\xef\xbb\xbfok\n\xff", "x.txt, line 2, column 1: this is not text (byte 0xFF is not UTF-8)"),
        ("né\0".encode(), "x.txt, line 1, column 3: this is not text (it holds a NUL character)"),
        ("a".encode("utf-16-le"), "x.txt, line 1, column 2: this is not text (it holds a NUL character)"),
        (b"\xff\xfea", "x.txt: this is not text (broken UTF-16 at byte 3)"),
        (b"%PDF-1.7\n", "x.txt: this is not text (it looks like a PDF)"),
        (b"PK\x03\x04...", "x.txt: this is not text (it looks like a ZIP archive or an Office document)"),
        (b"", "x.txt: the file is empty"),
        (b"\xef\xbb\xbf \r\n", "x.txt: the file is empty"),
        (b"---\n---", "x.txt: there are no documents in it"),
    ],
)
def test_what_is_not_text_is_refused_and_says_what_it_is(data, message):
    with pytest.raises(FormatError) as caught:
        read(data, "x.txt")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("text", ["[1] one\n[2] two", "{ one\ntwo }", "one, two\nfish, text", "text\nfish"])
def test_prose_without_an_ending_is_plain_text(text):
    assert len(read(text.encode(), "-").queries[0].documents) == 2
