from itertools import combinations
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import friedmanchisquare, kendalltau, rankdata

from reranking.analysis.stability import concordance, flip_rate, stability

TABLES = st.tuples(st.integers(2, 6), st.integers(3, 8)).flatmap(
    lambda shape: arrays(int, shape, elements=st.integers(0, 4))
)


def ranked(scores):
    return np.array([rankdata(row) for row in np.asarray(scores)])


@given(TABLES)
def test_kendalls_w_is_that_of_friedmans_test_which_corrects_for_ties_by_itself(scores):
    ranks = ranked(scores)
    k, n = ranks.shape
    if all(len(set(row)) == 1 for row in ranks.tolist()):
        assert concordance(ranks) is None
    else:
        chi_squared = friedmanchisquare(*ranks.T).statistic
        assert concordance(ranks) == pytest.approx(chi_squared / (k * (n - 1)))


@given(st.lists(st.integers(0, 5), min_size=2, max_size=9).filter(lambda row: len(set(row)) > 1), st.integers(2, 9))
def test_identical_runs_with_ties_are_perfectly_stable_to_the_last_bit(row, k):
    found = stability(ranked([row] * k))
    assert found.w == 1
    assert found.tau == 1
    assert found.flips == 0
    assert found.moved == 0
    assert found.overlap == pytest.approx(1)
    assert (found.spread.low == found.spread.high).all()
    assert (found.spread.deviation == 0).all()


def test_where_everything_ties_there_is_no_w_and_no_tau_and_nothing_is_flipped():
    found = stability(np.full((4, 5), 3.0))
    assert found.w is None
    assert found.tau is None
    assert found.flips == 0
    assert found.tied_pairs == 1
    assert found.entropy == pytest.approx(1)


def test_opposite_runs_agree_in_nothing():
    found = stability(np.array([[1.0, 2, 3, 4], [4, 3, 2, 1]]))
    assert found.w == 0
    assert found.tau == -1
    assert found.flips == 1
    assert found.moved == 2
    assert found.overlap == 0
    assert found.entropy == pytest.approx(log(2) / log(4))


@given(TABLES)
def test_tau_flips_moves_and_ties_are_means_over_the_pairs_of_runs(scores):
    ranks = ranked(scores)
    n = ranks.shape[1]
    found = stability(ranks, top=2)
    taus, flips, moves = [], [], []
    for one, two in combinations(ranks, 2):
        tau = kendalltau(one, two).statistic
        taus += [] if np.isnan(tau) else [tau]
        moves += abs(one - two).tolist()
        flips += [(one[i] - one[j]) * (two[i] - two[j]) < 0 for i, j in combinations(range(n), 2)]
    assert found.tau == (pytest.approx(np.mean(taus)) if taus else None)
    assert found.flips == pytest.approx(np.mean(flips))
    assert found.moved == pytest.approx(np.mean(moves))
    ties = [row[i] == row[j] for row in ranks for i, j in combinations(range(n), 2)]
    assert found.tied_pairs == pytest.approx(np.mean(ties))


@given(st.integers(2, 8), st.integers(2, 7), st.integers(0, 99))
def test_without_ties_the_flip_rate_is_2q_times_1_minus_q_over_different_runs(k, n, seed):
    ranks = ranked(np.random.default_rng(seed).random((k, n)))
    parts = []
    for i, j in combinations(range(n), 2):
        q = (ranks[:, i] < ranks[:, j]).mean()
        parts.append(2 * q * (1 - q))
    assert flip_rate(ranks) == pytest.approx(np.mean(parts) * k / (k - 1))


def test_the_flip_rate_of_few_runs_and_of_many_is_the_same_on_average():
    chance = np.random.default_rng(5)
    few = np.mean([flip_rate(ranked(chance.random((3, 5)))) for _ in range(2000)])
    many = np.mean([flip_rate(ranked(chance.random((10, 5)))) for _ in range(2000)])
    assert few == pytest.approx(0.5, abs=0.01)
    assert many == pytest.approx(0.5, abs=0.01)


def test_documents_tied_across_the_top_share_its_last_places():
    ranks = ranked([[1, 2, 2, 3], [1, 2, 3, 4]])
    found = stability(ranks, top=2)
    assert found.overlap == pytest.approx((1 + 0.5) / 2)


def test_documents_that_share_the_top_share_its_entropy():
    assert stability(ranked([[1, 1, 3, 4]] * 3)).entropy == pytest.approx(log(2) / log(4))
    assert stability(ranked([[1, 2, 3, 4]] * 3)).entropy == 0


def test_the_spread_of_a_document_is_its_ranks_quantiles():
    ranks = np.array([[1.0, 2], [1, 2], [2, 1], [1, 2], [2, 1]])
    spread = stability(ranks).spread
    assert (spread.low[0], spread.first_quartile[0], spread.median[0]) == (1, 1, 1)
    assert (spread.third_quartile[0], spread.high[0]) == (2, 2)
    assert spread.deviation[0] == pytest.approx(np.std([1, 1, 2, 1, 2], ddof=1))


def test_a_single_run_has_no_stability():
    found = stability(np.array([[1.0, 2, 3]]))
    assert (found.w, found.tau, found.flips, found.moved, found.overlap) == (None, None, None, None, None)
    assert np.isnan(found.spread.deviation).all()
