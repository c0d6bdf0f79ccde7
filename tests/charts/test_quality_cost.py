import re
from html import unescape
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.charts import palette
from reranking.charts.quality_cost import LEAST_WIDTH, PLOT, Priced, beaten, quality_cost

BOTH = pytest.mark.parametrize("dark", [False, True])


def known(*pairs):
    """Strategies of (price, quality)."""
    return [Priced(f"S{at}", at, price, value, value) for at, (price, value) in enumerate(pairs)]


def marks(figure):
    """What is drawn for each strategy, by name."""
    return {trace.name: trace for trace in figure.data if trace.name}


def test_beaten_is_what_another_matches_in_both_and_exceeds_in_one():
    points = known((1, 0.5), (2, 0.8), (3, 0.8), (3, 0.9), (4, 0.4))
    assert beaten(points) == [False, False, True, False, True]
    assert beaten(known((1, 0.5), (1, 0.5))) == [False, False]


def test_with_open_ranges_only_what_is_surely_worse_is_beaten():
    points = [Priced("A", 0, 1, 0.5, 0.7), Priced("B", 1, 2, 0.6, 0.9), Priced("C", 2, 2, 0.2, 0.5)]
    assert beaten(points) == [False, False, True]


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 1)), min_size=1, max_size=8))
def test_some_strategy_is_never_beaten(pairs):
    assert not all(beaten(known(*pairs)))


@BOTH
def test_known_quality_is_a_dot_filled_on_the_front_in_the_strategys_colour(dark):
    figure = quality_cost(known((0.5, 0.4), (1, 0.3), (2, 0.9)), "seconds", "nDCG@10", dark)
    drawn = marks(figure)
    assert [(list(drawn[name].x), list(drawn[name].y)) for name in ("S0", "S1", "S2")] == [
        ([0.5], [0.4]), ([1], [0.3]), ([2], [0.9]),
    ]  # fmt: skip
    assert [drawn[name].marker.color for name in ("S0", "S1", "S2")] == [
        palette.colour(0, dark), palette.background(dark), palette.colour(2, dark),
    ]  # fmt: skip
    front = next(trace for trace in figure.data if trace.line.dash == "dot")
    assert (list(front.x), list(front.y)) == ([0.5, 2], [0.4, 0.9])


def test_an_open_quality_is_a_line_over_its_range_and_there_is_no_front_line():
    figure = quality_cost([Priced("A", 0, 1, 0.2, 0.9), Priced("B", 1, 2, 0.5, 0.5)], "dollars", "nDCG@10", dark=False)
    assert list(marks(figure)["A"].y) == [0.2, pytest.approx(0.55), 0.9]
    assert "nDCG@10 0.20 to 0.90" in marks(figure)["A"].hovertext
    assert not [trace for trace in figure.data if trace.line.dash == "dot"]


def test_far_apart_prices_are_logarithmic_with_a_place_for_what_is_free():
    figure = quality_cost(known((0, 0.3), (0.001, 0.5), (0.1, 0.9)), "dollars", "nDCG@10", dark=False)
    drawn, axis = marks(figure), figure.layout.xaxis
    assert (drawn["S1"].x[0], drawn["S2"].x[0]) == (pytest.approx(-3), pytest.approx(-1))
    assert axis.range[0] < drawn["S0"].x[0] < -3
    assert dict(zip(axis.tickvals, axis.ticktext, strict=True)) == {drawn["S0"].x[0]: "0", -3: "0.001", -2: "0.01",
                                                                    -1: "0.1"}  # fmt: skip
    assert "×10" in axis.title.text
    assert "free" in drawn["S0"].hovertext


def test_prices_near_each_other_stand_on_a_plain_axis_from_zero():
    axis = quality_cost(known((1, 0.3), (2, 0.5)), "seconds", "nDCG@10", dark=False).layout.xaxis
    assert axis.tickvals is None
    assert axis.title.text == "seconds"
    assert axis.range[0] <= 0 < 2 <= axis.range[1]


def numbers(figure):
    """Number -> where it stands, in pixels of a plot of the least width; and the points, likewise."""
    (left, right), (bottom, top) = figure.layout.xaxis.range, figure.layout.yaxis.range
    across, down = LEAST_WIDTH / (right - left), PLOT / (top - bottom)
    found = {
        note.text: ((note.x - left) * across + note.ax, (top - note.y) * down + note.ay)
        for note in figure.layout.annotations
        if note.ax is not None
    }
    points = [((trace.x[0] - left) * across, (top - y) * down) for trace in marks(figure).values() for y in trace.y]
    return found, points


def legend(figure):
    """The lines below the plot."""
    return [unescape(re.sub("<.*?>", "", note.text.replace("<br>", " "))) for note in figure.layout.annotations
            if note.yref == "paper"]  # fmt: skip


@BOTH
@pytest.mark.parametrize("count", [1, 2, 8, 12])
@pytest.mark.parametrize("apart", [0.0, 0.001, 0.05])
@pytest.mark.parametrize("costlier", [0, 1])
def test_every_point_has_a_number_that_covers_no_other_and_no_point(count, apart, costlier, dark):
    pairs = [(1 + costlier * at, 0.4 + apart * at) for at in range(count)]
    found, points = numbers(quality_cost(known(*pairs), "seconds", "nDCG@10", dark))
    assert sorted(found, key=int) == [str(at) for at in range(1, count + 1)]
    for (x, y), (other_x, other_y) in combinations(found.values(), 2):
        assert abs(x - other_x) >= 16 or abs(y - other_y) >= 12
    for x, y in found.values():
        assert 0 < x < LEAST_WIDTH
        assert 0 < y < PLOT
        assert all(abs(x - at) >= 10 or abs(y - height) >= 10 for at, height in points)


def test_the_legend_has_every_name_in_full_from_the_best_quality_on():
    first = "Grade · simulated:overlap?noise=0.4&seed=1 with a very long name that goes on"
    second = "Grade · simulated:overlap?noise=0.4&seed=2 with a very long name that goes on"
    figure = quality_cost([Priced(first, 0, 1, 0.4, 0.4), Priced(second, 1, 2, 0.6, 0.6)], "seconds", "q", dark=False)
    one, two = legend(figure)
    assert one.replace(" ", "") == f"1■{second}".replace(" · ", "").replace(" ", "")
    assert two.replace(" ", "") == f"2●{first}".replace(" · ", "").replace(" ", "")
    heights = [note.yshift for note in figure.layout.annotations if note.yref == "paper"]
    assert heights[0] - heights[1] >= 2 * 17
    assert -heights[1] + 2 * 17 <= figure.layout.margin.b


def test_strategies_differ_in_colour_or_shape():
    drawn = marks(quality_cost(known(*((at, at / 40) for at in range(40))), "seconds", "nDCG@10", dark=False))
    assert len({(trace.marker.line.color, trace.marker.symbol) for trace in drawn.values()}) == 40


def test_what_is_free_altogether_and_what_is_missing_are_drawn_without_fault():
    assert marks(quality_cost(known((0, 0.3), (0, 0.5)), "dollars", "nDCG@10", dark=False)).keys() == {"S0", "S1"}
    none = quality_cost([], "dollars", "nDCG@10", dark=True)
    assert not none.data
    assert "no strategy" in none.layout.title.subtitle.text


def test_foreign_names_are_escaped_and_cut():
    figure = quality_cost([Priced("<b>x</b> $y$ " + "z" * 900, 0, 1, 0.5, 0.5)], "dollars", "nDCG@10", dark=False)
    (note,) = (note for note in figure.layout.annotations if note.yref == "paper")
    assert "<b>" not in note.text
    assert "$" not in note.text
    assert len(note.text) < 300
