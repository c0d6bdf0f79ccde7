"""How two rankings differ, against a count over all pairs and hand-worked lists with ties."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.analysis.differences import Place, moved, places, two_way, widest
from reranking.documents import as_candidates
from reranking.ranking import by_order, by_score, failed

ITEMS = as_candidates("abcdef")


def test_places_are_shared_by_tied_documents_and_absent_from_a_failed_ranking():
    held = places(by_score(ITEMS, [1, 3, 1, 2, 1, 0], "x"))
    assert {index: str(place) for index, place in held.items()} == {
        1: "1", 3: "2", 0: "3–5", 2: "3–5", 4: "3–5", 5: "6"
    }  # fmt: skip
    assert held[0].middle == 4
    assert places(failed(ITEMS, [])) == {}


@pytest.mark.parametrize(
    ("before", "after", "places_up"),
    [((4, 4), (2, 2), 2), ((2, 2), (4, 4), -2), ((3, 3), (3, 3), 0), ((8, 8), (2, 5), 3), ((3, 3), (2, 5), 0),
     ((2, 5), (1, 1), 1), ((2, 5), (3, 9), 0), ((2, 5), (7, 9), -2)],
)  # fmt: skip
def test_movement_counts_only_what_ties_do_not_leave_open(before, after, places_up):
    assert moved(Place(*before), Place(*after)) == places_up
    assert moved(Place(*after), Place(*before)) == -places_up


def test_a_hand_worked_pair():
    first = by_order(ITEMS, [0, 1, 2, 3, 4, 5])
    second = by_order(ITEMS, [1, 0, 5, 2, 3, 4])
    found = two_way(first, second, 3)
    assert (found.common, found.only_first, found.only_second, found.undecided) == ((0, 1), (2,), (5,), ())
    assert found.swaps == ((0, 1),)
    assert found.pairs == 1
    assert [(one.index, one.distance) for one in found.apart][:2] == [(5, -3), (0, 1)]


def test_what_only_the_order_of_listing_decides_is_undecided_and_no_swap():
    first = by_order(ITEMS, [0, 1, 2, 3, 4, 5])
    second = by_score(ITEMS, [9, 9, 1, 1, 1, 0], "x")
    found = two_way(first, second, 3)
    assert found.common == (0, 1)
    assert found.swaps == ()
    assert found.pairs == 0
    assert found.undecided == (2, 3, 4)
    assert found.only_first == found.only_second == ()


@given(st.permutations(range(6)), st.permutations(range(6)), st.integers(1, 7))
def test_untied_rankings_differ_as_a_count_over_sets_and_pairs_says(one, two, k):
    found = two_way(by_order(ITEMS, one), by_order(ITEMS, two), k)
    heads = set(one[:k]), set(two[:k])
    assert set(found.common) == heads[0] & heads[1]
    assert set(found.only_first) == heads[0] - heads[1]
    assert set(found.only_second) == heads[1] - heads[0]
    common = sorted(found.common)
    swapped = {
        frozenset(pair)
        for pair in combinations(common, 2)
        if (one.index(pair[0]) < one.index(pair[1])) != (two.index(pair[0]) < two.index(pair[1]))
    }
    assert {frozenset(pair) for pair in found.swaps} == swapped
    assert found.pairs == len(common) * (len(common) - 1) // 2
    assert all(one.index(better) < one.index(worse) for better, worse in found.swaps)
    assert sorted(apart.index for apart in found.apart) == list(range(6))


def test_a_failed_ranking_differs_from_none_and_other_candidates_are_refused():
    assert two_way(by_order(ITEMS, range(6)), failed(ITEMS, []), 3) is None
    with pytest.raises(ValueError, match="same candidates"):
        two_way(by_order(ITEMS, range(6)), by_order(ITEMS[:3], range(3)), 3)


def test_the_two_rankings_furthest_apart_on_a_document_are_found_the_higher_first():
    rankings = [by_order(ITEMS, order) for order in ([0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [1, 2, 0, 3, 4, 5])]
    assert widest(rankings, 0) == (0, 1)
    assert widest(rankings, 5) == (1, 0)
    assert widest([*rankings[:1], failed(ITEMS, [])], 0) is None
    assert widest(rankings[:1] * 2, 0) is None
