from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.charts.frame import cut, escape, plain, wrapped
from reranking.charts.labels import NUMBER, beside, fitted, spread, width


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
    assert wrapped("simulated:overlap?noise=0.4", 11, 3) == ["simulated:", "overlap?", "noise=0.4"]


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


alike = st.lists(
    st.tuples(
        st.sampled_from(["", "A title that says the same for long: ", "漢字の長い題名がここに"]), st.text(max_size=40)
    ),
    min_size=1,
    max_size=8,
).map(lambda parts: [start + end for start, end in parts])


@given(alike, st.integers(70, 400))
def test_no_two_labels_look_the_same_and_each_keeps_to_its_width(texts, pixels):
    labels = fitted(texts, pixels)
    assert len(set(labels)) == len(labels) == len(texts)
    assert all(width(label) <= pixels for label in labels)


def test_a_label_keeps_its_whole_text_where_there_is_room():
    assert fitted(["First", "Second"], 200) == ["First", "Second"]


def test_labels_that_begin_alike_show_where_they_differ():
    texts = [f"A title that says harbour lantern velvet marble in {at} words" for at in ("seven", "eight")]
    texts.append("Another title altogether, which is as long as the others are")
    labels = fitted(texts, 180)
    assert [label.split("…")[1] for label in labels[:2]] == ["seven words", "eight words"]
    assert all(text.startswith(label.split("…")[0]) for text, label in zip(texts, labels, strict=True))


def test_equal_texts_are_numbered_from_the_second_on():
    assert fitted(["Same", "Same", "Other", "Same"], 200) == ["Same", "Same (2)", "Other", "Same (3)"]


def test_wide_characters_take_the_room_that_they_need():
    latin, chinese = fitted(["word " * 40, "漢字" * 40], 200)
    assert len(latin) > 1.6 * len(chinese)


@given(st.lists(st.tuples(st.integers(0, 220), st.integers(0, 250), st.integers(0, 60)), min_size=1, max_size=8))
def test_numbers_beside_points_do_not_cover_each_other(drawn):
    lines = [(x, top, min(top + length, 250)) for x, top, length in drawn]
    places = beside(lines, 220, 250)
    middles = [
        (x + place.right, (top + bottom) / 2 + place.down)
        for (x, top, bottom), place in zip(lines, places, strict=True)
    ]
    for (x, y), (other_x, other_y) in combinations(middles, 2):
        assert abs(x - other_x) >= NUMBER[0] - 1e-6 or abs(y - other_y) >= NUMBER[1] - 1e-6


def test_numbers_do_not_stand_on_lines():
    lines = [(100, 20, 200), (100, 40, 180), (120, 30, 220), (150, 60, 120)]
    for place, (x, top, bottom) in zip(beside(lines, 220, 250), lines, strict=True):
        at, height = x + place.right, (top + bottom) / 2 + place.down
        for other, upper, lower in lines:
            assert abs(at - other) >= NUMBER[0] / 2 or not upper < height < lower


def test_a_number_stands_right_of_a_point_that_is_alone_and_left_at_the_right_edge():
    (alone,), (edge,) = beside([(100, 100, 100)], 220, 250), beside([(219, 100, 100)], 220, 250)
    assert alone.right > 0 == alone.down
    assert edge.right < 0 == edge.down
    assert not alone.far
