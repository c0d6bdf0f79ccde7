from collections import Counter
from itertools import permutations

import pytest

from reranking.analysis.shuffles import order_reverse_pairs, random_orders


@pytest.mark.parametrize("n", [0, 1, 2, 5, 40])
def test_every_order_holds_every_document_once(n):
    for design in (random_orders(n, 6, seed=1), order_reverse_pairs(n, 6, seed=1)):
        assert len(design) == 6
        assert all(sorted(order) == list(range(n)) for order in design)


def test_each_order_is_followed_by_its_reverse():
    design = order_reverse_pairs(20, 10, seed=3)
    assert all(design[at + 1] == design[at][::-1] for at in range(0, 10, 2))
    assert len(set(design)) == 10


def test_the_mean_place_of_every_document_is_the_middle_with_reverse_pairs():
    design = order_reverse_pairs(9, 8, seed=5)
    assert all(sum(order.index(document) for order in design) / 8 == 4 for document in range(9))


def test_the_same_seed_gives_the_same_orders_and_another_seed_others():
    assert random_orders(12, 5, seed=7) == random_orders(12, 5, seed=7)
    assert random_orders(12, 5, seed=7) != random_orders(12, 5, seed=8)
    assert random_orders(12, 3, seed=7) == random_orders(12, 5, seed=7)[:3]


def test_the_orders_follow_from_the_sequence_that_python_promises():
    # Random(0).random() begins .844, .758, .421, .259, .511 in every Python since 3.2.
    assert random_orders(5, 1, seed=0) == [(3, 2, 4, 1, 0)]


def test_all_orders_are_equally_likely():
    counts = Counter(random_orders(3, 6000, seed=11))
    assert set(counts) == set(permutations(range(3)))
    assert max(abs(count - 1000) for count in counts.values()) < 150  # 5 standard deviations


@pytest.mark.parametrize(("n", "k"), [(5, 0), (5, -2), (-1, 2)])
def test_designs_without_runs_or_documents_to_order_are_refused(n, k):
    with pytest.raises(ValueError, match=r"at least 1 run|cannot have|must be even"):
        random_orders(n, k, seed=0)
    with pytest.raises(ValueError, match=r"at least 1 run|cannot have|must be even"):
        order_reverse_pairs(n, k, seed=0)


def test_an_odd_number_of_runs_cannot_be_paired():
    with pytest.raises(ValueError, match="even, not 5"):
        order_reverse_pairs(4, 5, seed=0)
