import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reranking.documents import has_content
from reranking.formats.pasted import MODES, joined, split_text

LINE_ENDS = ["\n", "\r\n", "\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c"]

lines = st.lists(
    st.sampled_from(["", "  ", "\t", "---", " ----- ", "- - -", "1. ", "2. ", "1)", "2) ", "[1] ", "[2] ", "3. x", "a"])
    | st.text(max_size=12)
    | st.text("123.)[]- \u200b\ufeffab", max_size=8),
    max_size=14,
)
pasted = st.builds(lambda parts, end: end.join(parts), lines, st.sampled_from(LINE_ENDS)) | st.text()


def visible(text):
    return [char for char in text if has_content(char)]


def texts(split):
    return [document.text for document in split.documents]


@given(pasted, st.sampled_from(MODES))
@example("1. a\n  1. b\n2. c", "auto")
@example("\ufeffa\ufeff", "line")
def test_nothing_visible_is_lost_but_separators_and_numbers(text, mode):
    split = split_text(text, mode)
    left = visible(text)
    kept = visible("".join(texts(split)))
    if split.mode in {"blank line", "line"}:
        assert kept == left
        return
    separator = r"-{3,}" if split.mode == "rule" else r"\[?[0-9]+[.)\]]"
    kept_lines = visible("".join(re.sub(rf"^\s*{separator}(?=\s|$)", "", line) for line in text.splitlines()))
    # What is kept lies between the text without any separator and the whole text, in order.
    assert is_subsequence(kept_lines, kept)
    assert is_subsequence(kept, left)


def is_subsequence(short, long):
    rest = iter(long)
    return all(char in rest for char in short)


@given(pasted, st.sampled_from(MODES))
def test_every_document_has_content_and_no_space_at_its_ends(text, mode):
    for found in texts(split_text(text, mode)):
        assert has_content(found)
        assert found == found.strip()


@given(pasted)
def test_auto_gives_what_the_mode_it_names_gives(text):
    split = split_text(text)
    assert split.mode != "auto"
    assert split == split_text(text, split.mode)


@given(st.lists(st.lists(st.sampled_from(["alpha", "beta gamma", "2 delta"]), min_size=1), min_size=2), st.data())
def test_paragraphs_come_back_whatever_the_line_ends_and_trailing_spaces(paragraphs, data):
    end = data.draw(st.sampled_from(LINE_ENDS[:4]))
    blank = data.draw(st.sampled_from(["", " ", "\t \u00a0"]))
    text = f"  {end}{blank}{end}".join(f"  {end}".join(paragraph) for paragraph in paragraphs) + end
    split = split_text(text)
    assert split.mode == "blank line"
    assert [[line.strip() for line in found.split("\n")] for found in texts(split)] == paragraphs


@pytest.mark.parametrize("style", ["{}.", "{})", "[{}]", "  {}."])
def test_a_numbered_list_is_split_before_its_numbers(style):
    text = "\n".join(f"{style.format(number)} item {number}\nsecond line, 2.5 long\n" for number in range(1, 13))
    split = split_text(text)
    assert split.mode == "numbered"
    assert texts(split) == [f"item {number}\nsecond line, 2.5 long" for number in range(1, 13)]


@pytest.mark.parametrize(
    "text",
    [
        "1. one\n3. three",  # not consecutive
        "2. two\n3. three",  # not from 1
        "1. alone\nand more",  # one number is no list
        "1. a\n2. b\n1. c\n2. d",  # lists inside documents
        "1.5 litres\n2.5 litres",
        "Steps\n1. a\n2. b",
    ],
)
def test_numbers_that_do_not_count_from_one_are_text(text):
    split = split_text(text)
    assert split.mode == "line"
    assert texts(split) == text.split("\n")


def test_an_indented_list_stays_inside_its_item():
    split = split_text("1. soup\n   1. boil\n   2. serve\n2. bread")
    assert texts(split) == ["soup\n   1. boil\n   2. serve", "bread"]


def test_right_aligned_numbers_are_one_list():
    text = "\n".join(f"{number:>3}. item" for number in range(1, 101))
    assert split_text(text).mode == "numbered"
    assert len(split_text(text).documents) == 100


def test_text_before_the_first_number_is_kept_when_numbered_is_asked_for():
    assert texts(split_text("Results:\n4. four\n5. five", "numbered")) == ["Results:", "four", "five"]


def test_rules_win_over_numbers_and_blank_lines():
    split = split_text("1. a\n\n2. b\n ---- \nc\n\nd")
    assert split.mode == "rule"
    assert texts(split) == ["1. a\n\n2. b", "c\n\nd"]


def test_blank_lines_around_the_text_do_not_make_it_paragraphs():
    split = split_text("\n\na\nb\n\n")
    assert split.mode == "line"
    assert texts(split) == ["a", "b"]


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="unknown mode 'paragraph'"):
        split_text("a", "paragraph")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])).map(str.strip).filter(has_content), min_size=1))
def test_documents_joined_to_one_text_are_split_into_the_same_again(texts):
    found = joined(texts)
    if found is not None:
        assert [item.text for item in split_text(*found).documents] == texts


@pytest.mark.parametrize(
    ("texts", "mode"),
    [(["a", "b"], "blank line"), (["a\nb", "c"], "blank line"), (["a\n\nb", "c"], "rule"), (["a"], "blank line")],
)
def test_documents_are_joined_in_the_plainest_way_that_keeps_them_apart(texts, mode):
    assert joined(texts)[1] == mode


@pytest.mark.parametrize("texts", [["a", ""], ["a\n\nb\n---\nc", "d"], [" a"]])
def test_texts_that_one_text_cannot_keep_apart_are_not_joined(texts):
    assert joined(texts) is None
