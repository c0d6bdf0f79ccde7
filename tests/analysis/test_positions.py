import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.analysis.positions import position_grid
from reranking.analysis.shuffles import order_reverse_pairs, random_orders
from reranking.documents import as_candidates
from reranking.ranking import Diagnostic, by_order, by_score, failed

POOL = as_candidates([f"text {at}" for at in range(40)])


def given_as(order):
    return [POOL[index] for index in order]


def run_by_quality(order, quality, pull=0.0):
    """A run of a scorer that takes `pull` off a document's score for each place it comes later."""
    scores = [quality[index] - pull * place for place, index in enumerate(order)]
    return order, by_score(given_as(order), scores, "simulated")


def echo(order):
    """A run that returns the input order."""
    return order, by_order(given_as(order), range(len(order)))


def test_a_scorer_that_ignores_the_order_has_a_slope_of_exactly_zero():
    quality = [random.Random(1).random() for _ in range(12)]
    grid = position_grid([run_by_quality(order, quality) for order in random_orders(12, 8, seed=2)])
    assert grid.slope == 0


def test_a_strategy_that_returns_its_input_order_is_the_diagonal_with_slope_one():
    grid = position_grid([echo(order) for order in order_reverse_pairs(10, 6, seed=2)])
    assert np.allclose(grid.share, np.eye(10))
    assert grid.slope == pytest.approx(1)
    assert grid.mean_rank == pytest.approx(np.arange(1, 11))


def test_one_that_turns_its_input_around_has_slope_minus_one():
    runs = [(order, by_order(given_as(order), range(9, -1, -1))) for order in random_orders(10, 6, seed=2)]
    assert position_grid(runs).slope == pytest.approx(-1)


def test_favouring_early_documents_gives_a_positive_slope_and_late_ones_a_negative_one():
    quality = [random.Random(1).random() for _ in range(12)]
    orders = order_reverse_pairs(12, 8, seed=2)
    assert position_grid([run_by_quality(order, quality, pull=0.03) for order in orders]).slope > 0.1
    assert position_grid([run_by_quality(order, quality, pull=-0.03) for order in orders]).slope < -0.1


def test_the_slope_is_that_of_least_squares_with_a_constant_per_document():
    rng = random.Random(4)
    runs = [(order, by_order(given_as(order), rng.sample(range(6), 6))) for order in random_orders(6, 5, seed=9)]
    rows, ranks = [], []
    for order, ranking in runs:
        for place, index in enumerate(order):
            rows.append([place, *(float(index == document) for document in range(6))])
            ranks.append(ranking.mid_ranks()[index])
    expected = np.linalg.lstsq(np.array(rows), np.array(ranks), rcond=None)[0][0]
    assert position_grid(runs).slope == pytest.approx(expected)


@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 10**6))
def test_rows_and_columns_are_shares_of_runs_whatever_is_tied(n, k, seed):
    rng = random.Random(seed)
    runs = []
    for order in random_orders(n, k, seed):
        scores = [rng.choice([None, 1.0, 2.0, 3.0]) for _ in order]
        scores[0] = 2.0
        runs.append((order, by_score(given_as(order), scores, "grade out of 3")))
    grid = position_grid(runs)
    assert grid.share.sum(axis=0) == pytest.approx(1)
    assert grid.share.sum(axis=1) == pytest.approx(1)
    assert grid.mean_rank == pytest.approx(grid.share @ np.arange(1, n + 1))


def test_a_tied_group_is_spread_evenly_over_its_ranks():
    grid = position_grid([((2, 0, 1), by_score(given_as((2, 0, 1)), [1.0, 5.0, 1.0], "similarity"))])
    assert grid.share.tolist() == [[0, 0.5, 0.5], [1, 0, 0], [0, 0.5, 0.5]]
    assert grid.mean_rank.tolist() == [2.5, 1, 2.5]
    assert grid.tied_pairs == pytest.approx(1 / 3)


def test_failed_runs_are_left_out_and_counted():
    order = (1, 0, 2)
    broken = (order, failed(given_as(order), [Diagnostic("refused", "no")]))
    grid = position_grid([broken, echo((0, 1, 2)), broken])
    assert (grid.used, grid.failed) == (1, 2)
    assert np.allclose(grid.share, np.eye(3))


def test_without_a_usable_run_nothing_is_claimed():
    order = (1, 0)
    grid = position_grid([(order, failed(given_as(order), []))])
    assert np.isnan(grid.share).all()
    assert np.isnan(grid.mean_rank).all()
    assert (grid.slope, grid.tied_pairs, grid.repaired) == (None, None, None)


def test_one_order_alone_has_no_slope():
    assert position_grid([echo((1, 0, 2))] * 3).slope is None


def test_placements_by_repair_are_counted_once_per_run_and_document():
    order = (0, 1, 2, 3)
    notes = [
        Diagnostic("missing", "two were not in the reply", indexes=(2, 3)),
        Diagnostic("window-kept", "a window kept its order", indexes=(3,)),
        Diagnostic("duplicate", "one came twice", indexes=(0,)),
    ]
    mended = (order, by_order(given_as(order), range(4), outcome="repaired", diagnostics=notes))
    assert position_grid([mended, echo(order)]).repaired == 2 / 8


def test_runs_of_different_documents_are_refused():
    with pytest.raises(ValueError, match="same documents"):
        position_grid([echo((0, 1)), echo((0, 1, 2))])
    with pytest.raises(ValueError, match="same documents"):
        position_grid([((0, 1), by_order(given_as((0, 2)), [0, 1]))])
    with pytest.raises(ValueError, match="at least one run"):
        position_grid([])
