import random
import re

import pytest

from reranking.analysis.agreement import agreement_matrix, number
from reranking.analysis.overlap import rbo
from reranking.charts import palette
from reranking.charts.agreement import agreement_heatmap
from tests.analysis.test_agreement import broken, ordered, scored

BOTH = pytest.mark.parametrize("dark", [False, True])


def rankings(count, n=12, seed=3):
    rng = random.Random(seed)
    return [ordered(*rng.sample(range(n), n)) for _ in range(count)]


def cells(figure):
    return {(note.y, note.x): note.text for note in figure.layout.annotations}


def rows(figure):
    return [re.sub("<br>", " ", re.sub("<span.*?span>", "", text)) for text in figure.layout.yaxis.ticktext]


@BOTH
@pytest.mark.parametrize("count", [2, 8, 12])
def test_every_pair_has_its_number_and_its_colour(count, dark):
    matrix = agreement_matrix(rankings(count))
    figure = agreement_heatmap(matrix, [f"S{at}" for at in range(count)], "tau", dark, signed=True)
    assert cells(figure) == {(i, j): number(matrix[i][j]) for i in range(count) for j in range(count) if i != j}
    heat = figure.data[0]
    assert (heat.zmin, heat.zmax) == (-1, 1)
    assert [[z for z in row if z is not None] for row in heat.z] == [
        [matrix[i][j] for j in range(count) if i != j] for i in range(count)
    ]


def test_rows_and_columns_stand_in_the_order_given_and_columns_are_named_by_number():
    matrix = agreement_matrix(rankings(4))
    figure = agreement_heatmap(matrix, ["A", "B", "C", "D"], "tau", dark=False, signed=True, order=[2, 0, 3, 1])
    assert rows(figure) == ["1   C", "2   A", "3   D", "4   B"]
    assert list(figure.layout.xaxis.ticktext) == ["1", "2", "3", "4"]
    assert cells(figure)[(0, 1)] == number(matrix[2][0])
    assert figure.data[0].hovertext[0][1] == f"C and A:<br>tau {number(matrix[2][0])}"
    assert figure.data[0].hovertext[0][0] == ""


def test_what_has_no_agreement_is_left_out():
    matrix = agreement_matrix([*rankings(2, 3), broken(3), scored(1.0, 1.0, 1.0)])
    figure = agreement_heatmap(matrix, ["A", "B", "C", "D"], "tau", dark=False, signed=True)
    assert rows(figure) == ["1   A", "2   B"]
    alone = agreement_heatmap(matrix[1:], ["B", "C", "D"], "tau", dark=False, signed=True)
    assert not alone.data
    assert "Fewer than two" in alone.layout.title.subtitle.text


@BOTH
def test_numbers_can_be_read_on_their_cells(dark):
    for signed, measure in ((True, None), (False, rbo)):
        matrix = agreement_matrix(rankings(5), *([measure] if measure else []))
        figure = agreement_heatmap(matrix, list("ABCDE"), "x", dark, signed=signed)
        low = figure.data[0].zmin
        for note in figure.layout.annotations:
            value = matrix[note.y][note.x]
            ground = palette.at(
                palette.diverging(dark) if signed else palette.sequential(dark), (value - low) / (1 - low)
            )
            assert note.font.color == palette.readable_on(ground)


def test_long_and_foreign_names_are_wrapped_cut_and_escaped():
    names = ["<b>evil</b> $x$ " + "word " * 30, "hf:organisation/a-very-long-model-name-v2-instruct"]
    figure = agreement_heatmap(agreement_matrix(rankings(2)), names, "tau", dark=False, signed=True)
    for text in figure.layout.yaxis.ticktext:
        assert "<b>" not in text
        assert "$" not in text
        lines = text.split("  ", 1)[1].split("<br>")
        assert len(lines) <= 3
    assert figure.layout.margin.l < 170


def test_long_names_that_begin_alike_are_told_apart_and_stand_in_full_under_the_pointer():
    names = [f"Grade · simulated:overlap?noise=0.4&malformed=0.25&truncated=0.1&seed={at}" for at in range(3)]
    figure = agreement_heatmap(agreement_matrix(rankings(3)), names, "tau", dark=False, signed=True)
    assert len({text.split("  ", 1)[1] for text in figure.layout.yaxis.ticktext}) == 3
    assert "seed=1" in figure.data[0].hovertext[0][1]


@BOTH
def test_rows_carry_the_marks_of_their_strategies(dark):
    matrix = agreement_matrix([*rankings(1, 3), broken(3), *rankings(1, 3, seed=5)])
    figure = agreement_heatmap(matrix, ["A", "B", "C"], "tau", dark, signed=True)
    assert [palette.sign(at, dark) in text for at, text in zip((0, 2), figure.layout.yaxis.ticktext, strict=True)] == [
        True, True,
    ]  # fmt: skip
