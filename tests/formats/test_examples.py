import re
from collections import Counter

import pytest

from reranking.formats import examples as module
from reranking.formats.examples import examples
from reranking.formats.loaded import Input
from reranking.formats.read import read

EXAMPLES = examples()
STOP_WORDS = {"a", "at", "for", "how", "to", "without"}

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


def words(text):
    return re.findall(r"\w+", text.lower())


def full_text(document):
    return f"{document.title} {document.text}"


def query_words(example):
    return set(words(example.query)) - STOP_WORDS


def grades(example):
    return [document.metadata["grade"] for document in example.documents]


def test_there_are_three_examples():
    assert [example.name for example in EXAMPLES] == ["minor-burn", "reranking-latency", "wide-hiking-shoes"]


@each_example
def test_an_example_is_a_file_that_users_could_bring(example):
    path = module._folder() / f"{example.name}.json"
    assert read(path.read_bytes(), path.name).queries == (Input(example.query, example.documents),)


@each_example
def test_an_example_has_enough_documents_of_every_grade_and_of_a_readable_length(example):
    assert 12 <= len(example.documents) <= 20
    assert set(grades(example)) == {0, 1, 2, 3}
    assert all(40 <= len(words(document.text)) <= 130 for document in example.documents)
    assert all(document.title for document in example.documents)
    assert len({document.id for document in example.documents}) == len(example.documents)


@each_example
def test_the_input_order_is_not_the_answer(example):
    assert grades(example) != sorted(grades(example), reverse=True)
    assert grades(example)[0] != 3


@each_example
def test_the_text_stuffed_with_the_query_is_about_something_else(example):
    def share(document):
        counts = Counter(words(full_text(document)))
        return sum(counts[word] for word in query_words(example)) / counts.total()

    assert max(example.documents, key=share).metadata["grade"] == 0


@each_example
def test_a_best_answer_shares_no_word_with_the_query(example):
    assert any(
        document.metadata["grade"] == 3 and not query_words(example) & set(words(full_text(document)))
        for document in example.documents
    )


@each_example
def test_two_nearly_equal_texts_have_different_grades(example):
    def overlap(one, other):
        first, second = set(words(one.text)), set(words(other.text))
        return len(first & second) / len(first | second)

    pairs = [(one, other) for one in example.documents for other in example.documents if one is not other]
    one, other = max(pairs, key=lambda pair: overlap(*pair))
    assert overlap(one, other) > 0.3
    assert one.metadata["grade"] != other.metadata["grade"]


def test_the_examples_of_an_installed_wheel_are_found(tmp_path, monkeypatch):
    folder = tmp_path / "reranking" / "_app" / "data" / "examples"
    folder.mkdir(parents=True)
    source = module._folder() / "minor-burn.json"
    (folder / source.name).write_bytes(source.read_bytes())
    monkeypatch.setattr(module, "__file__", str(tmp_path / "reranking" / "formats" / "examples.py"))
    assert examples() == EXAMPLES[:1]


def test_missing_examples_are_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "__file__", str(tmp_path / "reranking" / "formats" / "examples.py"))
    with pytest.raises(FileNotFoundError, match="examples are missing"):
        examples()
