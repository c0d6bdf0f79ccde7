"""RBO and top-k overlap against hand-worked cases and against their definitions, counted out."""

from itertools import combinations, groupby, permutations, product
from math import fsum, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.analysis.overlap import chance, overlap, rbo
from tests.analysis.test_agreement import broken, ordered, scored

# No more than four documents: their orders are counted out, of both rankings at once.
SCORES = st.integers(1, 4).flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 3), min_size=n, max_size=n)] * 2))
DEPTHS = 400


def both(scores):
    return [scored(*map(float, each)) for each in scores]


def groups(ranking):
    return [[item.index for item in members] for _, members in groupby(ranking, key=lambda item: item.tie)]


def orders(ranking):
    """Every order that a ranking with ties stands for."""
    for parts in product(*(permutations(group) for group in groups(ranking))):
        yield [index for part in parts for index in part]


def summed(agreements, p):
    """Webber's infinite sum, the agreement beyond the lists being that at their end."""
    return (1 - p) * sum(p ** (d - 1) * agreements[min(d, len(agreements)) - 1] for d in range(1, DEPTHS + 1))


def agreement_w(a, b):
    """Webber's: everything tied at a depth is there at once; twice the common ones by the sizes of both."""

    def there(ranking, d):
        found, before = set(), 0
        for group in groups(ranking):
            if before < d:
                found |= set(group)
            before += len(group)
        return found

    both = [(there(a, d), there(b, d)) for d in range(1, len(a) + 1)]
    return [2 * len(x & y) / (len(x) + len(y)) for x, y in both]


def counts(a, b, d):
    """Over all orders of both: the number of documents that the first d have in common, on average."""
    found = [len(set(x[:d]) & set(y[:d])) for x, y in product(list(orders(a)), list(orders(b)))]
    return sum(found) / len(found)


def agreement_a(a, b):
    return [counts(a, b, d) / d for d in range(1, len(a) + 1)]


def agreement_b(a, b):
    """As tau-b: the common ones, divided by the geometric mean of what each has in common with itself."""
    return [counts(a, b, d) / sqrt(counts(a, a, d) * counts(b, b, d)) for d in range(1, len(a) + 1)]


DEFINITIONS = {"w": agreement_w, "a": agreement_a, "b": agreement_b}

# One swap of the second and third of three documents, at p = .9: the agreement is 1, 1/2, 1, then 1, so
# .1 * (1 + .9 / 2 + .81) + .729 = .955. If the first list ties the two, at depth 2 it holds the first and half
# of each: a 1.5 / 2; w 2 * 2 / (3 + 2); b 1.5 / sqrt((1 + .25 + .25) * 2).
SWAPPED = ordered(0, 1, 2), ordered(0, 2, 1)
TIED = scored(2.0, 1.0, 1.0), ordered(0, 2, 1)


@pytest.mark.parametrize(
    ("rankings", "ties", "expected"),
    [
        *[(SWAPPED, ties, 0.955) for ties in "wab"],
        (TIED, "w", 0.1 * (1 + 0.9 * 0.8 + 0.81) + 0.729),
        (TIED, "a", 0.1 * (1 + 0.9 * 0.75 + 0.81) + 0.729),
        (TIED, "b", 0.1 * (1 + 0.9 * sqrt(0.75) + 0.81) + 0.729),
        ((ordered(0, 1), ordered(1, 0)), "b", 0.9),
        # All three tied against an order: 1/3 of each at depth 1 and 2/3 at depth 2, so sqrt(d / 3).
        ((scored(1.0, 1.0, 1.0), ordered(2, 0, 1)), "b", 0.1 * (sqrt(1 / 3) + 0.9 * sqrt(2 / 3) + 0.81) + 0.729),
        ((scored(1.0, 1.0, 1.0), ordered(2, 0, 1)), "a", 0.1 * (1 / 3 + 0.9 * 2 / 3 + 0.81) + 0.729),
        ((scored(1.0, 1.0, 1.0), ordered(2, 0, 1)), "w", 0.1 * (2 / 4 + 0.9 * 4 / 5 + 0.81) + 0.729),
    ],
)
def test_rbo_of_hand_worked_cases(rankings, ties, expected):
    assert rbo(*rankings, p=0.9, ties=ties) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(SCORES, st.sampled_from("wab"), st.sampled_from([0.5, 0.8, 0.9]))
def test_rbo_follows_the_published_definitions_counted_out(scores, ties, p):
    a, b = both(scores)
    assert rbo(a, b, p, ties) == pytest.approx(summed(DEFINITIONS[ties](a, b), p), abs=1e-12)


@settings(deadline=None)
@given(SCORES, st.floats(0.5, 0.95))
def test_rbo_a_is_the_mean_over_all_orders_of_tied_documents(scores, p):
    a, b = both(scores)
    found = [rbo(ordered(*x), ordered(*y), p) for x, y in product(list(orders(a)), list(orders(b)))]
    assert rbo(a, b, p, "a") == pytest.approx(fsum(found) / len(found), abs=1e-12)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.floats(0.05, 0.99), st.integers(1, 50))
def test_a_ranking_agrees_with_itself_exactly_whatever_it_ties(scores, p, k):
    a, same = both([scores, scores])
    assert rbo(a, same, p) == rbo(a, same, p, "w") == overlap(a, same, k) == 1.0
    assert rbo(ordered(*range(len(scores))), ordered(*range(len(scores))), p, "a") == 1.0


@given(SCORES, st.sampled_from("wab"))
def test_rbo_is_symmetric_within_bounds_and_b_is_never_below_a(scores, ties):
    a, b = both(scores)
    assert rbo(a, b, ties=ties) == pytest.approx(rbo(b, a, ties=ties), abs=1e-15)
    assert 0 < rbo(a, b, ties=ties) <= 1
    assert rbo(a, b, ties="b") >= rbo(a, b, ties="a") - 1e-12


def test_without_ties_the_three_variants_are_one():
    a, b = ordered(3, 1, 4, 0, 2), ordered(0, 1, 2, 3, 4)
    assert rbo(a, b, ties="w") == rbo(a, b, ties="a") == pytest.approx(rbo(a, b, ties="b"), abs=1e-15)


def test_a_swap_at_the_top_costs_more_than_one_further_down():
    base = ordered(*range(10))
    losses = [1 - rbo(base, ordered(*range(at), at + 1, at, *range(at + 2, 10))) for at in range(9)]
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize(("n", "p"), [(1, 0.9), (2, 0.9), (4, 0.8), (5, 0.95)])
def test_chance_is_the_mean_over_all_orders(n, p):
    found = [rbo(ordered(*range(n)), ordered(*order), p) for order in permutations(range(n))]
    assert chance(n, p) == pytest.approx(sum(found) / len(found), abs=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "k", "expected"),
    [
        (ordered(0, 1, 2, 3), ordered(3, 0, 1, 2), 1, 0),
        (ordered(0, 1, 2, 3), ordered(3, 0, 1, 2), 2, 1 / 2),
        (ordered(0, 1, 2, 3), ordered(3, 0, 1, 2), 3, 2 / 3),
        (ordered(0, 1, 2, 3), ordered(3, 0, 1, 2), 4, 1),
        (ordered(0, 1, 2, 3), ordered(3, 0, 1, 2), 9, 1),
        # Ties across the cut: two of three tied documents get into the first two, each by 2/3.
        (scored(1.0, 1.0, 1.0, 0.0), ordered(0, 1, 2, 3), 2, (4 / 3) / sqrt(2 * 3 * 4 / 9)),
        # Ties above the cut do not count.
        (scored(2.0, 2.0, 1.0, 0.0), ordered(1, 0, 2, 3), 2, 1),
    ],
)
def test_overlap_of_hand_worked_cases(a, b, k, expected):
    assert overlap(a, b, k) == pytest.approx(expected, abs=1e-12)


@settings(deadline=None)
@given(SCORES, st.integers(1, 7))
def test_overlap_is_the_agreement_at_the_cut(scores, k):
    a, b = both(scores)
    assert overlap(a, b, k) == pytest.approx(agreement_b(a, b)[min(k, len(a)) - 1], abs=1e-12)


def test_overlap_without_ties_counts_common_documents():
    rankings = [ordered(*order) for order in ((0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3))]
    for (a, b), k in product(combinations(rankings, 2), range(1, 6)):
        assert overlap(a, b, k) == pytest.approx(len(set(a.order[:k]) & set(b.order[:k])) / k, abs=1e-15)


@pytest.mark.parametrize("measure", [rbo, lambda a, b: overlap(a, b, 2)])
def test_failed_and_empty_rankings_have_no_value_and_other_candidates_are_refused(measure):
    assert measure(broken(3), ordered(0, 1, 2)) is None
    assert measure(ordered(0, 1, 2), broken(3)) is None
    assert measure(ordered(), ordered()) is None
    with pytest.raises(ValueError, match="same candidates"):
        measure(ordered(0, 1), ordered(0, 1, 2))


def test_impossible_parameters_are_refused():
    a = ordered(0, 1)
    for p in (0, 1, -0.5, 2):
        with pytest.raises(ValueError, match="between 0 and 1"):
            rbo(a, a, p)
    with pytest.raises(ValueError, match="at least 1"):
        overlap(a, a, 0)
