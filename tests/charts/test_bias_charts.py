"""Charts of position bias show the figures they are given, say what they show, and are drawn from few traces."""

import numpy as np
import pytest

from reranking.analysis.bias import BiasRun, analyse
from reranking.analysis.designs import draw, repeats
from reranking.analysis.pairwise_bias import pairwise_bias
from reranking.analysis.slot_answers import SlotAnswer
from reranking.analysis.slots import slot_bias
from reranking.charts.position_effects import position_effects, slot_effects, ticks
from reranking.charts.rank_intervals import rank_intervals
from reranking.charts.verdict_matrix import MOST, verdict_matrix

BOTH = pytest.mark.parametrize("dark", [False, True])


def pulled(n=8, k=10, pull=0.6, noisy=0.0, seed=1):
    """A test in which a document's rank follows its number and its place."""
    chance = np.random.default_rng(seed)

    def run(order):
        worth = [document + pull * at + noisy * chance.normal() for at, document in enumerate(order)]
        ranked = np.argsort(np.argsort(worth)) + 1
        return BiasRun(tuple(order), {document: float(ranked[at]) for at, document in enumerate(order)})

    design = draw("pairs", n, k, seed)
    control = [run(order) for order in repeats(range(n), 4).orders] if noisy else []
    return analyse([run(order) for order in design.orders], design, control, resamples=200, draws=50)


def names(n):
    return [f"{at + 1}. document <b>{at}</b>" for at in range(n)]


def points(figure):
    """All points drawn as markers, by x."""
    found = {}
    for trace in figure.data:
        if trace.mode == "markers":
            found.update(dict(zip(trace.x, trace.y, strict=True)))
    return found


@BOTH
def test_gains_are_drawn_upwards_with_intervals_and_the_noise_floor(dark):
    bias = pulled(noisy=2.0)
    figure = position_effects(bias, dark)
    drawn = points(figure)
    assert [drawn[at + 1] for at in range(8)] == pytest.approx(-bias.model.effects)
    up, down = figure.data[0], figure.data[1]
    assert (np.array(up.y) >= 0).all()
    assert (np.array(down.y) < 0).all()
    assert up.marker.symbol != down.marker.symbol  # not by colour alone
    tops = [y + bar for trace in (up, down) for y, bar in zip(trace.y, trace.error_y.array, strict=True)]
    assert sorted(tops) == pytest.approx(sorted(-bias.model.low))
    (band,) = (shape for shape in figure.layout.shapes if shape.type == "rect")
    assert (band.y0, band.y1) == (pytest.approx(-bias.noise.band), pytest.approx(bias.noise.band))
    assert "noise" in figure.layout.title.subtitle.text


def test_effects_that_cannot_be_told_are_said_and_not_drawn():
    order = tuple(range(5))
    bias = analyse([BiasRun(order, {at: at + 1.0 for at in order})] * 3, draws=1, resamples=2)
    figure = position_effects(bias, dark=False)
    assert not figure.data
    assert "more shuffles" in figure.layout.title.subtitle.text


def test_no_effect_at_all_is_said_under_the_title():
    figure = position_effects(pulled(pull=0.0), dark=False)
    assert figure.layout.title.subtitle.text == "Every place has an effect of 0."


@BOTH
def test_documents_stand_in_the_order_without_position_effects_with_all_their_ranks(dark):
    bias = pulled()
    figure = rank_intervals(bias, names(8), dark, chosen=3)
    lines, _, debiased, median = figure.data
    assert list(debiased.customdata) == list(bias.debiased_order)
    assert list(debiased.x) == sorted(debiased.x)
    spread, order = bias.shuffled.spread, list(bias.debiased_order)
    assert [x for x in lines.x if np.isfinite(x)] == [
        value for at in order for value in (spread.low[at], spread.high[at])
    ]
    assert list(median.x) == [spread.median[at] for at in order]
    assert "<b>" not in "".join(figure.layout.yaxis.ticktext)
    colours = list(median.marker.color)
    assert colours.count(colours[order.index(3)]) == 1


def answered(matrix):
    """Answers to both orders of each pair: who is named, by (shown first, shown second)."""
    return [SlotAnswer(0, pair, (slot,)) for pair, slot in matrix.items()]


@BOTH
def test_cells_in_which_the_side_decides_carry_its_number_and_others_an_arrow(dark):
    pairs = pairwise_bias(answered({
        (0, 1): 0, (1, 0): 1,  # 0 wins in both orders
        (0, 2): 0, (2, 0): 0,  # the first side wins
        (1, 2): 1, (2, 1): 1,  # the second side wins
    }))  # fmt: skip
    figure = verdict_matrix(pairs, names(3), dark, order=(0, 1, 2))
    assert [list(row) for row in figure.data[0].text] == [["", "▲", "1"], ["▼", "", "2"], ["1", "2", ""]]
    assert list(figure.layout.xaxis.ticktext) == ["1", "2", "3"]
    legend = figure.layout.title.subtitle.text
    assert "1: the first passage wins, whichever it is (1 of 3 pairs)." in legend
    assert "2: the second passage wins, whichever it is (1 of 3 pairs)." in legend
    assert "?" not in legend
    assert "beats" in figure.data[0].hovertext[0][1]


def test_every_mark_of_a_matrix_is_in_its_legend_and_no_other():
    pairs = pairwise_bias([
        *answered({(0, 1): 0, (1, 0): 0, (0, 2): 0}),
        SlotAnswer(0, (1, 2), (0,)), SlotAnswer(1, (1, 2), (1,)), SlotAnswer(0, (2, 1), (0,)),
        SlotAnswer(0, (2, 3), (0,)),
    ])  # fmt: skip
    figure = verdict_matrix(pairs, names(4), dark=False)
    assert {text for row in figure.data[0].text for text in row} == {"", "1", "?", "="}
    notes = figure.layout.title.subtitle.text.split("<br>")
    assert [note.partition(":")[0] for note in notes] == ["1", "=", "?", "Empty"]
    assert "no answer in one order or both (2 more)" in notes[2]


def test_a_long_matrix_shows_the_best_and_says_so():
    n = MOST + 10
    matrix = {(one, two): int(one > two) for one in range(n) for two in range(n) if one != two}
    figure = verdict_matrix(pairwise_bias(answered(matrix)), names(n), dark=False)
    assert len(figure.data[0].z) == MOST
    assert f"The best {MOST} of {n}." in figure.layout.title.subtitle.text


@BOTH
def test_slots_are_drawn_with_the_advantage_that_was_estimated(dark):
    chance = np.random.default_rng(2)
    answers = []
    for run in range(6):
        for _ in range(8):
            shown = tuple(int(item) for item in chance.permutation(6)[:4])
            order = tuple(int(slot) for slot in np.argsort([item + 2 * at for at, item in enumerate(shown)]))
            answers.append(SlotAnswer(run, shown, order))
    (slots,) = slot_bias(answers)
    drawn = points(slot_effects(slots, dark))
    assert [drawn[at + 1] for at in range(4)] == pytest.approx(slots.effects)
    assert drawn[1] > 0 > drawn[4]


def test_hundreds_of_runs_of_many_documents_take_few_traces():
    bias = pulled(n=50, k=200, noisy=3.0)
    assert len(position_effects(bias, dark=False).data) <= 4
    assert len(rank_intervals(bias, names(50), dark=False).data) <= 4


@pytest.mark.parametrize("n", [1, 2, 7, 12, 13, 30, 47, 100, 999])
def test_ticks_begin_with_the_first_place_and_are_few(n):
    found = ticks(n)
    assert found[0] == 1
    assert found[-1] <= n
    assert len(found) <= 13
    assert found == sorted(set(found))
