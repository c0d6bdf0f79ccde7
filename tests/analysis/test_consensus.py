"""Consensus of rankings: against full enumeration, and the properties that the methods are known by."""

import itertools
import math
import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.analysis.consensus import borda, copeland, kemeny, mid_ranks, reciprocal_rank, reciprocal_ranks
from reranking.analysis.kemeny import LARGEST

WEIGHTS = st.sampled_from([0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 37.35])


@st.composite
def votes(draw, most=6):
    """Rankings with ties of up to six documents, and their weights."""
    count = draw(st.integers(1, most))
    lists = draw(st.lists(st.lists(st.integers(1, count).map(float), min_size=count, max_size=count), min_size=1,
                          max_size=5))  # fmt: skip
    return lists, [draw(WEIGHTS) for _ in lists]


def cycle(*orders):
    """Rankings from orders given as strings of letters."""
    return [[float(order.index(letter)) for letter in sorted(order)] for order in orders]


def contradicted(rankings, weights, order):
    """What Kemeny counts, from its definition, in exact hundredths."""
    return sum(
        round(100 * weight)
        for ranks, weight in zip(rankings, weights, strict=True)
        for above, below in itertools.combinations(order, 2)
        if ranks[above] > ranks[below]
    )


def listed(consensus):
    return [at for group in consensus.groups for at in group]


def noisy(count, lists, spread, seed):
    chance = random.Random(seed)
    rankings = []
    for _ in range(lists):
        order = sorted(range(count), key=lambda at: at + chance.gauss(0, spread))
        rankings.append([float(order.index(at)) for at in range(count)])
    return rankings


@settings(max_examples=150, deadline=None)
@given(votes())
def test_no_order_at_all_contradicts_the_rankings_less_than_kemenys(given_votes):
    rankings, weights = given_votes
    found = kemeny(rankings, weights)
    least = min(contradicted(rankings, weights, order) for order in itertools.permutations(range(len(rankings[0]))))
    assert contradicted(rankings, weights, listed(found)) == least
    assert found.disagreements == found.lower_bound == pytest.approx(least / 100)
    assert found.exact


@settings(max_examples=150, deadline=None)
@given(votes())
def test_exactly_those_documents_stay_tied_that_every_ranking_ties(given_votes):
    rankings, weights = given_votes
    found = kemeny(rankings, weights)
    group = {at: number for number, members in enumerate(found.groups) for at in members}
    for one, two in itertools.combinations(range(len(rankings[0])), 2):
        assert (group[one] == group[two]) == all(ranks[one] == ranks[two] for ranks in rankings)
    assert all(list(members) == sorted(members) for members in found.groups)


@settings(deadline=None)
@given(st.lists(st.permutations(range(6)), min_size=1, max_size=7))
def test_a_document_that_beats_every_other_is_first_and_one_that_loses_to_every_other_last(orders):
    rankings = [[float(rank) for rank in order] for order in orders]

    def beats(one, two):
        return 2 * sum(ranks[one] < ranks[two] for ranks in rankings) > len(rankings)

    for one in range(6):
        others = [two for two in range(6) if two != one]
        if all(beats(one, two) for two in others):
            assert kemeny(rankings).groups[0] == (one,)
            assert max(copeland(rankings)) == copeland(rankings)[one]
        if all(beats(two, one) for two in others):
            assert kemeny(rankings).groups[-1] == (one,)


@settings(deadline=None)
@given(st.lists(st.integers(1, 5).map(float), min_size=1, max_size=12), st.integers(1, 6))
def test_identical_rankings_give_that_ranking_with_its_ties(ranks, copies):
    rankings = [ranks] * copies
    wanted = [tuple(at for at in range(len(ranks)) if ranks[at] == rank) for rank in sorted(set(ranks))]
    found = kemeny(rankings)
    assert list(found.groups) == wanted
    assert found.disagreements == 0
    for method in (borda, copeland, reciprocal_rank):
        sums = method(rankings)
        assert [tuple(at for at in range(len(ranks)) if sums[at] == value)
                for value in sorted(set(sums), reverse=True)] == wanted  # fmt: skip


@settings(deadline=None)
@given(votes())
def test_a_document_that_no_ranking_puts_below_another_is_not_below_it(given_votes):
    rankings, weights = given_votes
    places = {at: number for number, members in enumerate(kemeny(rankings, weights).groups) for at in members}
    sums = [method(rankings, weights) for method in (borda, copeland, reciprocal_rank)]
    for one, two in itertools.permutations(range(len(rankings[0])), 2):
        if all(ranks[one] <= ranks[two] for ranks in rankings):
            assert places[one] <= places[two] or all(ranks[one] == ranks[two] for ranks in rankings)
            assert all(points[one] >= points[two] for points in sums)


@pytest.mark.parametrize(
    ("orders", "first"),
    [(("ABC", "BCA", "CAB"), "ABC"), (("CAB", "BCA", "ABC"), "ABC"), (("AB", "BA"), "AB"), (("CBA", "ABC"), "ABC"),
     (("BACD", "BDCA"), "BACD"), (("DBCA", "BDCA", "ACBD", "ACDB"), None)],
)  # fmt: skip
def test_of_equally_good_orders_borda_decides_and_then_the_input_order(orders, first):
    rankings = cycle(*orders)
    count = len(orders[0])
    ones = [1.0] * len(orders)
    points = borda(rankings)
    order = listed(kemeny(rankings))
    least = min(contradicted(rankings, ones, other) for other in itertools.permutations(range(count)))
    assert contradicted(rankings, ones, order) == least
    if first is not None:
        assert "".join(sorted(orders[0])[at] for at in order) == first
    for at, (one, two) in enumerate(itertools.pairwise(order)):
        swapped = [*order[:at], two, one, *order[at + 2 :]]
        if contradicted(rankings, ones, swapped) == least:
            assert (-points[one], one) < (-points[two], two)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.permutations(range(5)), min_size=1, max_size=6))
def test_within_a_cycle_of_majorities_the_best_order_nearest_to_bordas_is_taken(orders):
    rankings = [[float(rank) for rank in order] for order in orders]
    ones = [1.0] * len(rankings)
    beats = {
        (one, two)
        for one, two in itertools.permutations(range(5), 2)
        if 2 * sum(ranks[one] < ranks[two] for ranks in rankings) > len(rankings)
    }
    reached = set(beats)
    for through, one, two in itertools.product(range(5), repeat=3):
        if (one, through) in reached and (through, two) in reached:
            reached.add((one, two))
    if len(reached) < 25:
        return  # more than one component
    points = borda(rankings)
    wanted = sorted(range(5), key=lambda at: (-points[at], at)).index

    def distance(order):
        return sum(wanted(one) > wanted(two) for one, two in itertools.combinations(order, 2))

    every = {order: contradicted(rankings, ones, order) for order in itertools.permutations(range(5))}
    least = min(every.values())
    nearest = min(distance(order) for order, cost in every.items() if cost == least)
    assert distance(listed(kemeny(rankings))) == nearest


def test_noisy_rankings_of_many_documents_have_an_exact_consensus():
    rankings = noisy(40, 8, 20, 1)
    found = kemeny(rankings, seconds=300)
    assert found.exact
    assert sorted(listed(found)) == list(range(40))
    order = listed(found)
    for method in (borda, copeland, reciprocal_rank):
        sums = method(rankings)
        other = sorted(range(40), key=lambda at: -sums[at])
        assert contradicted(rankings, [1.0] * 8, order) <= contradicted(rankings, [1.0] * 8, other)


@pytest.mark.parametrize("count", [3, 12, 60])
@pytest.mark.parametrize("seconds", [0.0, -1.0, 0.05])
def test_after_the_time_limit_the_best_order_so_far_is_a_legal_one_with_an_honest_bound(count, seconds):
    rankings = noisy(count, 3, 100, 2)
    found = kemeny(rankings, seconds=seconds)
    truth = kemeny(rankings, seconds=300)
    assert sorted(listed(found)) == list(range(count))
    assert found.lower_bound <= truth.disagreements <= found.disagreements
    assert found.exact <= (found.disagreements == truth.disagreements == found.lower_bound)
    assert truth.exact


def test_what_majorities_decide_needs_no_time():
    rankings = [[float(at) for at in range(300)]] * 2 + [[float(-at) for at in range(300)]]
    found = kemeny(rankings, seconds=0)
    assert found.exact
    assert listed(found) == list(range(300))


def test_more_documents_than_the_exact_method_takes_get_an_approximate_order():
    rankings = noisy(LARGEST + 30, 3, 1000, 3)
    found = kemeny(rankings, seconds=300)
    assert sorted(listed(found)) == list(range(LARGEST + 30))
    assert not found.exact
    assert found.lower_bound <= found.disagreements


def test_weights_count_as_that_many_rankings():
    rankings = noisy(9, 3, 5, 4)
    repeated = [ranks for ranks, times in zip(rankings, (1, 2, 4), strict=True) for _ in range(times)]
    for method in (borda, copeland, reciprocal_rank):
        assert method(rankings, [1, 2, 4]) == method(repeated)
    assert kemeny(rankings, [1, 2, 4]) == kemeny(repeated)


def test_weights_that_sum_to_the_same_balance_exactly():
    rankings = cycle("AB", "AB", "BA")
    assert copeland(rankings, [0.1, 0.2, 0.3]) == [0.5, 0.5]
    assert len(set(borda(rankings, [0.1, 0.2, 0.3]))) == 1
    assert kemeny(rankings, [0.1, 0.2, 0.3]).disagreements == pytest.approx(0.3)
    assert listed(kemeny(rankings, [0.1, 0.2, 0.30001])) == [1, 0]


def test_mean_ranks_points_and_reciprocal_ranks_are_as_defined():
    ranks = [2.0, 1.0, 2.0, 9.0]
    assert mid_ranks(ranks) == [2.5, 1.0, 2.5, 4.0]
    assert borda([ranks]) == [1.5, 3.0, 1.5, 0.0]
    assert reciprocal_ranks(ranks) == [1 / 62.5, 1 / 61, 1 / 62.5, 1 / 64]
    assert copeland(cycle("ABC", "BCA", "CAB")) == [1.0, 1.0, 1.0]


def test_sums_do_not_depend_on_the_order_of_the_rankings():
    rankings = noisy(30, 7, 30, 5)
    for method in (borda, copeland, reciprocal_rank):
        assert method(rankings, [0.1 * (at + 1) for at in range(7)]) == method(
            rankings[::-1], [0.1 * (at + 1) for at in reversed(range(7))]
        )


def test_no_documents_are_an_empty_order():
    assert kemeny([[], []]).groups == ()
    assert kemeny([[], []]).exact
    assert borda([[]]) == copeland([[]]) == reciprocal_rank([[]]) == []


@pytest.mark.parametrize(
    ("rankings", "weights"),
    [([], None), ([[1.0], [1.0, 2.0]], None), ([[math.nan]], None), ([[1.0]], [0.0]), ([[1.0]], [-1.0]),
     ([[1.0]], [1.0, 1.0]), ([[1.0]], [math.inf])],
)  # fmt: skip
def test_rankings_and_weights_that_cannot_be_are_refused(rankings, weights):
    for method in (kemeny, borda, copeland, reciprocal_rank):
        with pytest.raises(ValueError, match=r"rank|weight"):
            method(rankings, weights)


def test_importing_it_does_not_import_scipy():
    code = "import sys, reranking.analysis.consensus; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
