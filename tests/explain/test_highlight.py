import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.explain.highlight import KINDS, marked, term_spans, weight_kind

texts = st.text(max_size=40) | st.lists(
    st.sampled_from(
        ["<script>alert(1)</script>", "<mark>", "</mark>", "&lt;", "&amp", "&#60;", '"', "'", "<", "é", "\0\r\n"]
    )
).map("".join)
spans = st.lists(st.tuples(st.integers(-5, 60), st.integers(-5, 60), st.sampled_from(KINDS)))
OPEN = re.compile('<mark class="([a-z0-9 -]+)">')


@given(texts, spans)
def test_without_its_marks_the_html_is_the_text(text, marks):
    found = marked(text, marks)
    assert html.unescape(OPEN.sub("", found).replace("</mark>", "")) == text


@given(texts, spans)
def test_there_is_no_tag_but_marks_that_do_not_nest_and_have_known_classes(text, marks):
    class Reader(HTMLParser):
        depth = 0

        def handle_starttag(self, tag, attrs):
            ((name, value),) = attrs
            assert (tag, name, self.depth) == ("mark", "class", 0)
            assert set(value.split(" ")) <= set(KINDS)
            self.depth += 1

        def handle_endtag(self, tag):
            assert (tag, self.depth) == ("mark", 1)
            self.depth -= 1

        def handle_comment(self, data):
            raise AssertionError(data)

        handle_decl = handle_pi = unknown_decl = handle_comment

    reader = Reader()
    reader.feed(marked(text, marks))
    reader.close()
    assert reader.depth == 0


@given(texts, spans)
def test_each_character_carries_the_classes_of_the_spans_over_it(text, marks):
    shown = []
    classes = frozenset()
    for tag_classes, tag_end, body in re.findall('<mark class="([^"]+)">|(</mark>)|([^<]+)', marked(text, marks)):
        if body:
            shown += [(char, classes) for char in html.unescape(body)]
        else:
            classes = frozenset() if tag_end else frozenset(tag_classes.split(" "))
    assert shown == [
        (char, frozenset(kind for start, end, kind in marks if start <= at < end)) for at, char in enumerate(text)
    ]


def test_overlapping_spans_become_marks_with_the_classes_of_both():
    assert marked("a<b>c", [(0, 3, "term"), (2, 4, "quote"), (1, 2, "term")]) == (
        '<mark class="term">a&lt;</mark><mark class="term quote">b</mark><mark class="quote">&gt;</mark>c'
    )


def test_a_class_that_is_not_from_the_fixed_set_is_refused():
    with pytest.raises(ValueError, match="unknown kind of mark"):
        marked("text", [(0, 1, '"><script>')])


@pytest.mark.parametrize(
    ("text", "terms", "expected"),
    [
        ("Burns burn; unburnt BURN.", ["burn"], ["burn", "BURN"]),
        ("A burn_mark, a sun-burn", ["burn"], ["burn"]),
        ("Straße STRASSE", ["straße"], ["Straße", "STRASSE"]),
        ("cafe\u0301 café cafe", ["café"], ["cafe\u0301", "café"]),
        ("東京都に住む", ["京都", "住む"], ["京都", "住む"]),
        ("서울에서 산다", ["서울"], ["서울"]),
        ("Python入門", ["python"], ["Python"]),
        ("ในกรุงเทพ", ["กรุงเทพ"], ["กรุงเทพ"]),
        ("საქართველო", ["ქართ"], []),  # Georgian has spaces between words
        ("C++ and C", ["c++"], ["C++"]),
        ("hiking  shoes", ["hiking shoes"], ["hiking  shoes"]),
        ("co\u00adoperate", ["operate", "cooperate"], ["co\u00adoperate"]),
        ("text", ["", " ", "."], []),
    ],
)
def test_terms_are_found_as_whole_words_in_any_case_and_anywhere_without_word_spaces(text, terms, expected):
    assert [text[start:end] for start, end, _ in term_spans(text, terms)] == expected


@given(st.lists(st.sampled_from(["Burn", "burns", "ÉTÉ", "été", "x1"])), st.sampled_from(["burn", "été"]))
def test_every_occurrence_of_a_term_is_found_once(words, term):
    text = " ".join(words)
    found = term_spans(text, [term, term.upper(), term])
    assert [text[start:end] for start, end, _ in found] == [word for word in words if word.casefold() == term]
    assert {kind for _, _, kind in found} <= {"term"}


def test_weights_become_marks_by_sign_and_share_of_the_largest():
    weights = [3.0, 1.5, 0.1, 0.0, -0.1, -1.5, -3.0]
    assert [weight_kind(weight, 3.0) for weight in weights] == [
        "up-3",
        "up-2",
        "up-1",
        None,
        "down-1",
        "down-2",
        "down-3",
    ]
