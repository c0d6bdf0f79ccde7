from itertools import pairwise

import pytest

from reranking.charts import palette

BOTH = pytest.mark.parametrize("dark", [False, True])


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first, second):
    """The contrast ratio of WCAG 2."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_strategies_take_the_colours_of_okabe_and_ito_in_order_and_begin_again():
    light = [palette.colour(at, dark=False) for at in range(9)]
    assert light[:8] == ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000"]
    assert light[8] == light[0]


def test_a_strategy_keeps_its_colour_in_the_dark_except_black():
    changed = [at for at in range(8) if palette.colour(at, dark=True) != palette.colour(at, dark=False)]
    assert changed == [7]
    assert palette.colour(7, dark=True) == "#BBBBBB"


@BOTH
def test_words_can_be_read_on_the_background(dark):
    assert contrast(palette.text(dark), palette.background(dark)) > 7
    assert contrast(palette.muted(dark), palette.background(dark)) > 4.5


@BOTH
def test_lines_of_documents_stand_out_from_the_faint_ones_and_pass_for_no_strategys(dark):
    page = palette.background(dark)
    steps = [contrast(colour(dark), page) for colour in (palette.faint, palette.muted, palette.text)]
    assert all(after > 1.5 * before for before, after in pairwise(steps))
    strategies = {palette.colour(at, dark) for at in range(8)}
    assert not strategies & {palette.faint(dark), palette.muted(dark), palette.text(dark)}


def test_colour_and_shape_together_tell_forty_strategies_apart():
    assert len({(palette.colour(at, dark=False), palette.shape(at)) for at in range(40)}) == 40
    assert len({palette.sign(at, dark=True) for at in range(40)}) == 40


@BOTH
def test_the_sequential_scale_moves_steadily_away_from_the_background(dark):
    page = palette.background(dark)
    steps = [contrast(palette.at(palette.sequential(dark), at / 20), page) for at in range(21)]
    assert steps == sorted(steps)
    assert steps[-1] > 4.5


@BOTH
def test_the_diverging_scale_is_palest_at_zero_and_equally_strong_at_both_ends(dark):
    page, scale = palette.background(dark), palette.diverging(dark)
    steps = [contrast(palette.at(scale, at / 20), page) for at in range(21)]
    assert min(steps) == steps[10]
    assert steps[0] == pytest.approx(steps[20], rel=0.35)


@BOTH
def test_a_value_beyond_the_scale_has_the_colour_of_its_end(dark):
    scale = palette.sequential(dark)
    assert palette.at(scale, -1) == scale[0][1]
    assert palette.at(scale, 2) == scale[-1][1]
    assert [palette.at(scale, place) for place, _ in scale] == [colour for _, colour in scale]


@BOTH
def test_numbers_can_be_read_on_every_colour_of_a_scale(dark):
    for scale in (palette.sequential(dark), palette.diverging(dark)):
        for at in range(101):
            ground = palette.at(scale, at / 100)
            assert contrast(palette.readable_on(ground), ground) >= 4.5
