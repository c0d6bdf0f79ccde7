from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.charts import palette
from reranking.charts.quality_cost import PLOT, Priced, beaten, quality_cost

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
    assert list(marks(figure)["A"].y) == [0.2, 0.9]
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


@BOTH
@pytest.mark.parametrize("count", [1, 2, 8, 12])
@pytest.mark.parametrize("apart", [0.0, 0.001, 0.05])
def test_names_do_not_overlap_and_stay_beside_the_plot(count, apart, dark):
    figure = quality_cost(known(*((at, 0.4 + apart * at) for at in range(count))), "seconds", "nDCG@10", dark)
    bottom, top = figure.layout.yaxis.range
    places = sorted((top - note.y) * PLOT / (top - bottom) for note in figure.layout.annotations)
    assert len(places) == count
    assert min((after - before for before, after in pairwise(places)), default=99) > 16
    assert places[0] > 0
    assert places[-1] < PLOT


def test_what_is_free_altogether_and_what_is_missing_are_drawn_without_fault():
    assert marks(quality_cost(known((0, 0.3), (0, 0.5)), "dollars", "nDCG@10", dark=False)).keys() == {"S0", "S1"}
    none = quality_cost([], "dollars", "nDCG@10", dark=True)
    assert not none.data
    assert "no strategy" in none.layout.title.subtitle.text


def test_foreign_names_are_escaped_and_cut():
    figure = quality_cost([Priced("<b>x</b> $y$ " + "z" * 90, 0, 1, 0.5, 0.5)], "dollars", "nDCG@10", dark=False)
    (note,) = figure.layout.annotations
    assert "<b>" not in note.text
    assert "$" not in note.text
    assert len(note.text) < 120
