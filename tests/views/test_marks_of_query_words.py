"""The words of the query are marked in a text wherever they stand in it, however either is punctuated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.strategies.lexical import placed_words, words
from reranking.views.evidence import word_marks

WORDS = [
    "shoes",
    "Running",
    "été",
    "Straße",
    "STRASSE",
    "x1",
    "跑步鞋",
    "鞋",
    "東京都",
    "ในกรุงเทพ",
    "น้ำ",
    "서울",
    "İstanbul",
    "हिन्दी",
]
MARKS = [" ", ", ", "? ", " “", "” ", "**", "-", "_", "/", "'", "(", ")\n", "。", "！", "…", "\u00a0"]
punctuated = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(MARKS)), max_size=6).map(
    lambda pieces: "".join(part for piece in pieces for part in piece)
)


def marked(text, query):
    return [text[start:end] for start, end, _ in word_marks(text, query)]


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("best shoes, running?", "Shoes for running.", ["Shoes", "running"]),
        ("what are trails?", "Trails: a guide", ["Trails"]),
        ("“running” shoes", "running shoes", ["running", "shoes"]),
        ("**shoes**", "old shoes", ["shoes"]),
        ("shoes", "**shoes**, snow_shoes", ["shoes", "shoes"]),
        ("(cafe\u0301)", "café", ["café"]),
        ("跑步鞋？", "新鞋", []),
        ("跑步？", "他跑步。", ["跑步"]),
        ("हिन्दी?", "हम हिन्दी, हाँ", ["हिन्दी"]),
        ("shoes", "horseshoes", []),
        ("?!", "what?!", []),
    ],
)
def test_words_of_the_query_are_marked_beside_punctuation(query, text, expected):
    assert marked(text, query) == expected


@given(punctuated, punctuated)
def test_every_word_that_counts_and_stands_in_the_text_is_marked(text, query):
    covered = {at for start, end, _ in word_marks(text, query) for at in range(start, end)}
    for word, start, end in placed_words(text):
        if word in words(query):
            assert covered.issuperset(range(start, end))


@given(st.text(max_size=60) | punctuated)
def test_a_placed_word_is_the_word_that_counts_and_stands_where_it_says(text):
    placed = placed_words(text)
    assert [word for word, _, _ in placed] == words(text)
    assert all(word in text[start:end].casefold() for word, start, end in placed)
