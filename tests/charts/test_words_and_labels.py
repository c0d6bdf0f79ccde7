from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.charts.frame import cut, escape, plain, wrapped
from reranking.charts.labels import spread


@given(st.text())
def test_escaped_text_holds_no_tag_entity_or_formula(text):
    escaped = escape(text)
    assert not set("<>$") & set(escaped)
    for name, char in (("&lt;", "<"), ("&gt;", ">"), ("&#36;", "$"), ("&amp;", "&")):
        escaped = escaped.replace(name, char)
    assert escaped == text


@given(st.text(), st.integers(1, 40))
def test_cut_text_is_short_visible_and_on_one_line(text, length):
    line = cut(text, length)
    assert len(line) <= length
    assert line == plain(line)
    assert line == plain(text) or line.endswith("…")


@given(st.text(), st.integers(2, 30), st.integers(1, 4))
def test_wrapped_text_keeps_to_its_width_and_lines_and_loses_nothing_silently(text, width, lines):
    rows = wrapped(text, width, lines)
    assert len(rows) <= lines
    assert all(len(row) <= width for row in rows)
    visible = plain(text).replace(" · ", "").replace(" ", "")
    assert "".join(rows).replace(" · ", "").replace(" ", "") == visible or rows[-1].endswith("…")


def test_characters_that_turn_the_reading_direction_are_dropped():
    assert plain("abc\u202edef\u0000\ngh\ud800") == "abcdef gh"


def test_long_names_break_after_delimiters():
    assert wrapped("Grade · openai:gpt-5-mini", 20, 3) == ["Grade", "openai:gpt-5-mini"]
    assert wrapped("hf:cross-encoder/ms-marco", 18, 3) == ["hf:cross-encoder/", "ms-marco"]


@given(st.lists(st.floats(0, 500), min_size=1, max_size=25).map(sorted))
def test_labels_never_overlap_and_stay_within_their_bounds(wanted):
    placed = spread(wanted, 17, 0, 500)
    assert all(after - before > 17 - 1e-6 for before, after in pairwise(placed))
    assert min(placed) > -1e-6
    assert max(placed) < 500 + 1e-6


@given(st.lists(st.integers(0, 40), min_size=1, max_size=10, unique=True).map(sorted))
def test_labels_with_room_stay_where_they_belong(wanted):
    assert spread([20 * place for place in wanted], 17, 0, 800) == [20 * place for place in wanted]


def test_touching_labels_are_spread_around_their_middle():
    assert spread([100, 100, 100], 10, 0, 500) == pytest.approx([90, 100, 110])


def test_without_room_for_all_labels_the_last_ones_pass_the_end():
    assert spread([0, 1, 2], 10, 0, 5) == pytest.approx([0, 10, 20])
    assert spread([], 10, 0, 5) == []
