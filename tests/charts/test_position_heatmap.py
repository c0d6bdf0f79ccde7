import numpy as np
import pytest

from reranking.analysis.bias import analyse, bias_run
from reranking.analysis.shuffles import order_reverse_pairs, random_orders
from reranking.charts.bias import position_heatmap
from reranking.documents import as_candidates
from reranking.ranking import Diagnostic, by_order, failed

BOTH = pytest.mark.parametrize("dark", [False, True])


def run(order, places=None, **kwargs):
    pool = as_candidates([str(index) for index in range(len(order))])
    shown = [pool[index] for index in order]
    return order, by_order(shown, range(len(order)) if places is None else places, **kwargs)


def position_grid(runs):
    return analyse([bias_run(order, ranking) for order, ranking in runs], resamples=2, draws=1)


def echo(n, k):
    return position_grid([run(order) for order in order_reverse_pairs(n, k, seed=1)])


@BOTH
@pytest.mark.parametrize("n", [1, 2, 12, 24])
def test_every_cell_is_the_share_of_runs(n, dark):
    grid = position_grid([run(order, np.random.default_rng(n).permutation(n)) for order in random_orders(n, 4, 2)])
    heat = position_heatmap(grid, dark).data[0]
    assert np.allclose(heat.z, grid.share)
    assert list(heat.x) == [at + 0.5 for at in range(n + 1)]


@pytest.mark.parametrize("n", [25, 47, 100, 300])
def test_long_lists_are_drawn_in_blocks_whose_rows_are_still_shares(n):
    figure = position_heatmap(echo(n, 2), dark=False)
    z, edges = np.array(figure.data[0].z), np.array(figure.data[0].y)
    assert z.shape[0] == z.shape[1] == len(edges) - 1 <= 20
    assert (edges[0], edges[-1]) == (0.5, n + 0.5)
    assert z.sum(axis=1) == pytest.approx(1)
    assert np.allclose(z, np.eye(len(z)))  # what stays in place stays in its block


def test_the_scale_ends_at_the_first_of_three_ends_that_holds_every_share():
    assert position_heatmap(echo(12, 4), dark=False).data[0].zmax == 1
    places = [[(at + shift) % 8 for at in range(8)] for shift in range(8)]
    even = position_grid([run(tuple(range(8)), each) for each in places])
    assert position_heatmap(even, dark=False).data[0].zmax == 0.25


def test_the_hover_says_in_words_what_a_cell_counts():
    grid = position_grid([run((0, 1, 2)), run((2, 1, 0)), run((1, 0, 2), [1, 0, 2])])
    words = position_heatmap(grid, dark=False).data[0].hovertext
    assert words[0][0] == "Given at position 1, ended at rank 1<br>in 2 of 3 runs (67%)"
    assert words[2][0] == "Given at position 3, ended at rank 1<br>in 0 of 3 runs (0%)"
    blocks = position_heatmap(echo(100, 2), dark=False).data[0].hovertext
    assert blocks[1][0] == "Given at positions 6 to 10, ended at ranks 1 to 5<br>in 0% of the cases"


@BOTH
def test_title_axes_and_diagonal_say_what_is_seen(dark):
    figure = position_heatmap(echo(12, 10), dark)
    assert figure.layout.title.text == "Where each place ended up, 10 shuffles"
    assert figure.layout.xaxis.title.text == "output rank (1 = top)"
    assert figure.layout.yaxis.title.text == "input position (1 = given first)"
    assert "Dashed" in figure.layout.title.subtitle.text
    line = figure.data[1]
    assert list(line.x) == list(line.y) == [0.5, 12.5]
    assert figure.layout.paper_bgcolor == "rgba(0,0,0,0)"


def test_position_one_and_rank_one_meet_at_the_top_left():
    layout = position_heatmap(echo(12, 2), dark=False).layout
    assert layout.yaxis.range[0] > layout.yaxis.range[1]
    assert layout.xaxis.range[0] < layout.xaxis.range[1]


def test_failed_runs_and_repairs_are_named():
    order = (0, 1, 2, 3)
    broken = (order, failed(as_candidates("abcd"), []))
    mended = run(order, outcome="repaired", diagnostics=[Diagnostic("missing", "one", indexes=(3,))])
    figure = position_heatmap(position_grid([mended, broken]), dark=False)
    assert "1 failed run left out." in figure.layout.title.subtitle.text
    assert "25% of places come from repaired replies." in figure.layout.title.subtitle.text
    assert figure.layout.title.text.endswith("1 shuffle")
    assert "failed" not in position_heatmap(echo(4, 2), dark=False).layout.title.subtitle.text


def test_without_a_usable_run_the_chart_says_so():
    order = (0, 1)
    figure = position_heatmap(position_grid([(order, failed(as_candidates("ab"), []))]), dark=True)
    assert not figure.data
    assert "no ranking to show. 1 failed run left out." in figure.layout.title.subtitle.text
