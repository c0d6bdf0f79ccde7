import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reranking.documents import has_content
from reranking.explain.folding import Folded
from reranking.explain.quotes import bare, check_quotes
from reranking.ranking import Quote

tricky = st.text("aÀe\u0301\u0323ßﬁİ…\u00a0 \n\u200b\u00ad“\"'’«.-–각각ςΣ[]¨\u0345", max_size=25)
texts = tricky | st.text(max_size=40)
WORDS = ["the", "Cooling", "straße", "naïve", "re-rank", "Ωmega", "日本", "don't", "5–10"]


@given(texts, st.data())
def test_every_part_of_a_text_is_found(text, data):
    start = data.draw(st.integers(0, len(text)))
    part = text[start : data.draw(st.integers(start, len(text)))]
    assume(has_content(bare(part)))
    (quote,) = check_quotes(text, [part])
    assert quote.start is not None
    assert Folded(text[quote.start : quote.end]).text.strip() == Folded(bare(part)).text.strip()


@given(st.lists(st.sampled_from(WORDS), min_size=1), st.data())
def test_a_quote_is_found_whatever_its_typography(words, data):
    text = " ".join(words)
    first = data.draw(st.integers(0, len(words) - 1))
    said = words[first : data.draw(st.integers(first + 1, len(words)))]
    quote = data.draw(st.sampled_from([" ", "\n", "\u00a0 "])).join(said)
    change = st.sampled_from([str.upper, str.casefold, lambda x: x.replace("'", "’"), lambda x: x.replace("–", "-")])
    quote = data.draw(change)(quote)
    quote = unicodedata.normalize(data.draw(st.sampled_from(["NFC", "NFD", "NFKC"])), quote)
    opening, closing = data.draw(
        st.sampled_from([("", ""), ("“", "”"), ("...", "…"), ('"…', '..." '), ("[…] ", " [...]")])
    )
    (found,) = check_quotes(text, [opening + quote + closing])
    assert found.start is not None
    assert text[found.start : found.end].split() in [
        words[at : at + len(said)] for at in range(len(words) - len(said) + 1)
    ]


@given(st.lists(st.sampled_from(WORDS)), st.lists(st.sampled_from(WORDS)), st.lists(st.sampled_from(WORDS)))
def test_a_quote_with_a_word_that_is_not_in_the_text_is_not_found(text, before, after):
    (found,) = check_quotes(" ".join(text), [" ".join([*before, "zebra", *after])])
    assert (found.start, found.end) == (None, None)


@given(texts, st.lists(texts))
def test_offsets_lie_inside_the_text_and_blank_quotes_are_dropped(text, quotes):
    found = check_quotes(text, quotes)
    assert [quote.text for quote in found] == [bare(quote) for quote in quotes if has_content(bare(quote))]
    for quote in found:
        assert quote.start is None or 0 <= quote.start < quote.end <= len(text)


@pytest.mark.parametrize(
    ("text", "quote", "expected"),
    [
        ("A ﬁne café", "FINE CAFE\u0301", (2, 10)),
        ("one\n\n  two", "one two", (0, 10)),
        ("soft\u00adly spoken", "softly spoken", (0, 14)),
        ("He said ‘no’ to me.", "said 'no' to", (3, 15)),
        ("aa AA", "AA", (3, 5)),  # the exact place wins over the first
        ("A café", "cafe", None),  # an accent is a letter, not typography
        ("efﬁcient", "if", None),
        ("efﬁcient", "EFF", None),  # ends inside a ligature
        ("각", "가", None),
        ("one two", "one, two", None),
        ("one two three", "one ... three", None),
    ],
)
def test_typography_may_differ_and_words_may_not(text, quote, expected):
    (found,) = check_quotes(text, [quote])
    assert (found.start, found.end) == (expected or (None, None))


@pytest.mark.parametrize("given", ["", "  ", '""', "...", "“…”", "\u200b", '"[...]"'])
def test_quotes_of_which_nothing_is_left_are_dropped(given):
    assert check_quotes("text", [given, "text"]) == (Quote("text", 0, 4),)


def test_long_runs_of_dots_and_quote_marks_are_stripped():
    assert bare("." * 50_000 + "a" + "." * 50_000 + "b." + "'" * 50_000 + "." * 50_000) == "a" + "." * 50_000 + "b."
