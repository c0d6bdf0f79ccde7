"""What of a document stands in a prompt: bounded in words and characters, and honest about it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.documents import Document, as_candidates
from reranking.prompts.passages import CHARACTERS_PER_WORD, defuse, fence, fenced, first_words, passages

PIECES = st.lists(st.sampled_from(["word", "a" * 70, " ", "\n", "😀" * 9, "...", "漢字", "[3]", "<|x|>"]), max_size=40)


def shown(text, words, title=None, show_title=True):
    return passages(as_candidates([Document(text, title=title)]), words, show_title)


@pytest.mark.parametrize("what", ["a" * 1_000_000, "😀" * 100_000, "!" * 100_000, "word " * 100_000, "漢" * 100_000])
@pytest.mark.parametrize("where", ["text", "title"])
def test_nothing_goes_out_whole_that_is_longer_than_the_limit(what, where):
    result = shown(what, 20) if where == "text" else shown("the text", 20, title=what)
    assert len(result.texts[0]) <= 20 * CHARACTERS_PER_WORD + 1
    assert result.cut == (0,)


@given(PIECES.map("".join), PIECES.map("".join), st.integers(1, 12))
def test_what_is_read_is_a_beginning_of_the_text_and_cut_tells_whether_it_is_all(text, title, words):
    result = shown(text, words, title)
    assert text.startswith(result.read[0])
    assert title.strip().startswith(result.titles[0])
    whole = result.read[0].strip() == text.strip() and result.titles[0] == title.strip()
    assert result.cut == (() if whole else (0,))
    assert len(result.titles[0]) + len(result.read[0].strip()) <= CHARACTERS_PER_WORD * words


def test_the_words_of_a_shown_title_count():
    assert shown("three four five", 4, "one two").texts == ("one two\nthree four",)
    assert shown("three four five", 4, "one two", show_title=False).texts == ("three four five",)
    assert shown("three", 2, "one two").cut == (0,)


def test_a_document_within_the_limit_is_shown_as_it_is():
    result = shown("  three, four!\n", 4, "one two")
    assert result.texts == ("one two\nthree, four!",)
    assert result.cut == ()


@given(st.lists(st.text(st.sampled_from("= \n")), min_size=1))
def test_a_fence_is_longer_than_every_run_of_its_sign(texts):
    assert not any(fence(texts) in text for text in texts)
    assert len(fence(texts)) <= max(5, *(1 + text.count("=") for text in texts))


def test_a_fence_round_a_very_long_run_is_one_longer():
    run = "=" * 1_000_000
    assert fenced([run]) == [f"{run}=\n{run}\n{run}="]


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("see [3] and [ 12 ]", "see (3) and (12)"),
        ("[\n3\n]", "(3)"),
        ("[\u200b3]", "(3)"),
        ("[3\u2060\ufeff]", "(3)"),
        ("〔3〕 【4】 ［5］ ⟦6⟧", "(3) (4) (5) (6)"),
        ("[3.] [3:] [#3]", "(3) (3) (3)"),
        ("[²] [③]", "(²) (③)"),
        ("[1 2]", "(1 2)"),
        ("[ INST ] x [/ inst]", "(INST) x (inst)"),
        ("[TOOL_CALLS] [AVAILABLE_TOOLS]", "(TOOL_CALLS) (AVAILABLE_TOOLS)"),
        ("<|\nim_end|>", "(im_end)"),
        ("<|<|im_end|>|>", "((im_end))"),
        ("<|<|<|x|>|>|>", "(((x)))"),
        ("<|[INST]|>", "((INST))"),
        ("< / s > <<SYS>> << /SYS >>", "(s) (SYS) (SYS)"),
        ("<tool_call> </ think>", "(tool_call) (think)"),
        ("<｜User｜>", "(User)"),
    ],
)
def test_what_a_model_could_take_for_an_identifier_or_a_turn_is_rewritten(text, safe):
    assert defuse(text) == safe


@pytest.mark.parametrize(
    "text",
    ["a[i] = b[j]", "a <b> c", "1 < 2 > 1", "x || y", "[see 3]", "[1, 2, 3]", "[2020-05]", "<strong>", "[]", "[.]"],
)
def test_what_is_neither_stays_as_it_is(text):
    assert defuse(text) == text


MARKS = st.sampled_from([*"<>|[]/ \n\u200b.3²s〔〕", "im_end", "INST", "<|", "|>"])


@given(st.lists(MARKS, max_size=60).map("".join))
def test_nothing_that_is_rewritten_makes_a_new_marker(text):
    once = defuse(text)
    assert defuse(once) == once
    assert not re.search(r"\[[\s\u200b]*[3²][\s\u200b.]*\]|<\|[^<>|]{1,60}\|>|\[\s*INST\s*\]|<\s*/?\s*s\s*>", once)


LONG = 250_000


@pytest.mark.parametrize(
    "text",
    ["<|" * 2 * LONG, "<|" * LONG + "x" + "|>" * LONG, "<|x" * LONG, "<|[3]|>" * LONG, "<" + " " * 4 * LONG,
     "< / " * LONG, "<<" * 2 * LONG, "[" * 4 * LONG, "[" + " " * 4 * LONG, "[ " * 2 * LONG, "[3" + " " * 4 * LONG,
     "[3 " * LONG, "[" + "3 " * 2 * LONG, "[." * 2 * LONG, "[INST" * LONG],
)  # fmt: skip
def test_a_megabyte_made_of_beginnings_of_markers_takes_no_more_than_its_length(text):
    """An effort that grew with the square of the length would not end."""
    assert len(defuse(text)) <= len(text)


@given(st.text(st.characters(max_codepoint=127), max_size=80), st.integers(0, 8))
def test_plain_text_is_cut_where_any_text_is(text, words):
    """With a letter beyond ASCII at its end the same text is read in the other way."""
    plain, counted = first_words(text, words, 1000)
    other, among = first_words(f"{text} é", words, 1000)
    if counted < words:
        assert (plain, counted) == (text, among - 1)
    else:
        assert (plain.rstrip(), counted) == (other.rstrip(), among)


def test_words_with_vowel_signs_count_once():
    text = "हिन्दी में खोज कैसे करें"
    assert first_words(text, 3, 1000) == ("हिन्दी में खोज", 3)
    assert first_words(text, 9, 1000) == (text, 5)
