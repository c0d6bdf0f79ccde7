from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.analysis.designs import (
    KINDS,
    Design,
    draw,
    is_balanced,
    offered,
    recognise,
    repeats,
    runs_needed,
    williams,
)


@pytest.mark.parametrize("n", range(2, 21))
def test_a_williams_square_has_each_document_at_each_place_and_after_each_other_equally_often(n):
    square = williams(n)
    times = 1 if n % 2 == 0 else 2
    assert len(square) == n * times
    assert all(sorted(row) == list(range(n)) for row in square)
    at = Counter((place, document) for row in square for place, document in enumerate(row))
    assert at == dict.fromkeys(((place, document) for place in range(n) for document in range(n)), times)
    after = Counter(pair for row in square for pair in pairwise(row))
    assert after == dict.fromkeys(((a, b) for a in range(n) for b in range(n) if a != b), times)


@given(st.sampled_from(KINDS), st.integers(2, 10), st.integers(1, 6), st.integers(0, 99))
def test_a_design_has_as_many_runs_as_were_announced_and_can_be_recognised(kind, n, half, seed):
    design = draw(kind, n, 2 * half, seed)
    assert design.runs == len(design.orders) == runs_needed(kind, n, 2 * half)
    assert all(sorted(order) == list(range(n)) for order in design.orders)
    assert draw(kind, n, 2 * half, seed) == design
    if kind == "balanced":
        assert is_balanced(design.orders)
        assert n == 2 or recognise(design.orders).kind == kind
    if kind == "pairs":
        assert all(design.orders[at + 1] == design.orders[at][::-1] for at in range(0, design.runs, 2))
        assert n == 2 or recognise(design.orders).kind == ("balanced" if is_balanced(design.orders) else kind)


def test_labels_and_rows_of_a_balanced_design_depend_on_the_seed():
    drawn = {draw("balanced", 6, seed=seed).orders for seed in range(20)}
    assert len(drawn) == 20
    assert len({orders[0] for orders in drawn}) > 10


def test_an_order_and_its_reverse_are_one_group_and_other_runs_are_groups_of_their_own():
    assert draw("pairs", 5, 6).groups == (0, 0, 1, 1, 2, 2)
    assert draw("random", 5, 3).groups == (0, 1, 2)
    assert draw("balanced", 4).groups == (0, 1, 2, 3)


@given(st.sampled_from(KINDS), st.integers(2, 7), st.integers(0, 99))
def test_what_is_drawn_anew_is_a_design_of_the_same_kind(kind, n, seed):
    design = draw(kind, n, 4, seed)
    places = design.redraw(np.random.default_rng(seed), 5)
    assert places.shape == (5, design.runs, n)
    for drawn in places.astype(int):
        orders = np.argsort(drawn, axis=1)
        assert (np.sort(orders, axis=1) == np.arange(n)).all()
        if kind == "balanced":
            assert is_balanced(orders.tolist())
        if kind == "pairs":
            assert all((orders[at + 1] == orders[at][::-1]).all() for at in range(0, 4, 2))


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_is_drawn_anew_for_every_place_equally_often(kind):
    places = draw(kind, 4, 4).redraw(np.random.default_rng(1), 4000).astype(int)
    for run in range(4):
        for document in range(4):
            counts = np.bincount(places[:, run, document], minlength=4)
            assert abs(counts - 1000).max() < 130  # 4.7 standard deviations


def test_places_say_where_each_document_was_given_whatever_its_number():
    design = Design("random", ((7, 2, 5), (2, 5, 7)))
    assert design.places().tolist() == [[1, 2, 0], [0, 1, 2]]  # columns: 2, 5, 7


def test_repeats_are_one_order_again_and_again():
    assert repeats((2, 0, 1), 3).orders == ((2, 0, 1),) * 3
    assert recognise([(2, 0, 1)] * 4).kind == "repeats"


def test_a_balanced_design_is_offered_up_to_ten_documents_and_none_for_a_single_one():
    assert offered(10) == ("pairs", "balanced", "random")
    assert offered(11) == ("pairs", "random")
    assert offered(1) == ()


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: draw("random", 1, 4), "at least 2"),
        (lambda: draw("pairs", 5, 5), "even"),
        (lambda: draw("balanced", 11), "at most 10"),
        (lambda: draw("repeats", 5, 2), "at least 3"),
        (lambda: recognise([]), "at least one order"),
        (lambda: recognise([(0, 1), (0, 2)]), "same documents"),
        (lambda: recognise([(0, 0)]), "each of them once"),
    ],
)
def test_a_design_that_cannot_be_says_what_to_take(make, says):
    with pytest.raises(ValueError, match=says):
        make()
