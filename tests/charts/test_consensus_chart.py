import random
import re

import pytest

from reranking.analysis.standings import standings
from reranking.charts.consensus import SHOWN, consensus_chart, ticks
from tests.analysis.test_agreement import ordered

BOTH = pytest.mark.parametrize("dark", [False, True])


def result(n, count=6, seed=1):
    rng = random.Random(seed)
    places = [sorted(range(n), key=lambda at: at + rng.gauss(0, 3)) for _ in range(count)]
    return standings([ordered(*order) for order in places], seconds=1)


@BOTH
@pytest.mark.parametrize("n", [2, 12, 60])
def test_every_row_has_its_dot_its_middle_half_and_its_range(n, dark):
    found = result(n)
    whole, middle, dots = consensus_chart(found, [f"Title {at}" for at in range(n)], dark).data
    rows = found.rows[:SHOWN]
    assert list(dots.x) == [row.place for row in rows]
    assert [data[0] for data in dots.customdata] == [row.index for row in rows]
    assert [pair for at in range(0, len(whole.x), 3) for pair in [tuple(whole.x[at : at + 2])]] == [
        (row.best, row.worst) for row in rows
    ]
    assert [tuple(middle.x[at : at + 2]) for at in range(0, len(middle.x), 3)] == [
        (row.lower_quartile, row.upper_quartile) for row in rows
    ]
    assert [at for at in whole.y if at is not None] == [at for at in range(len(rows)) for _ in "ab"]


def test_the_first_is_on_top_and_rank_one_at_the_left():
    layout = consensus_chart(result(12), ["x"] * 12, dark=False).layout
    assert layout.yaxis.range[0] > layout.yaxis.range[1]
    assert layout.xaxis.range[0] < layout.xaxis.range[1]
    assert layout.xaxis.title.text == "rank (1 = top)"


def test_the_selected_document_stands_out():
    found = result(12)
    chosen = found.rows[3].index
    figure = consensus_chart(found, [f"Title {at}" for at in range(12)], dark=False, selected=chosen)
    assert figure.data[2].marker.size.index(max(figure.data[2].marker.size)) == 3
    assert [at for at, text in enumerate(figure.layout.yaxis.ticktext) if text.startswith("<b>")] == [3]


def test_long_titles_that_begin_alike_are_told_apart_and_stand_in_full_under_the_pointer():
    titles = [f"A title that goes on and on for longer than its label, in version {at}" for at in range(12)]
    figure = consensus_chart(result(12), titles, dark=False)
    assert len({text.split("  ", 1)[1] for text in figure.layout.yaxis.ticktext}) == 12
    words = {re.sub("<br>.*", "", re.sub("</b><br><b>", " ", text)) for text in figure.data[2].hovertext}
    assert {re.sub("<.*?>", "", text) for text in words} == set(titles)


def test_foreign_titles_are_escaped_and_cut():
    figure = consensus_chart(result(2), ["<img src=x> $a$ " + "w" * 80] * 2, dark=False)
    for text in [*figure.layout.yaxis.ticktext, *figure.data[2].hovertext]:
        assert "<img" not in text
        assert "$" not in text


@pytest.mark.parametrize("n", [2, 7, 16, 60, 100, 500])
def test_the_axis_names_the_first_and_a_few_round_ranks(n):
    named = ticks(n)
    assert named[0] == 1
    assert named == sorted(set(named))
    assert 2 <= len(named) <= 8
    assert named[-1] <= n
