"""Active comparisons: exact under a perfect oracle, few steps, an end under any model."""

import random
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.models import ModelError
from reranking.replies import Choices
from reranking.strategies.catalogue import fill_model, make
from reranking.strategies.verdicts import PartialOrder, Verdict
from tests.oracles import PerfectOracle, Rounds, Scripted
from tests.support import rank

A, B = Choices(logprobs=(-0.1, -3.0)), Choices(logprobs=(-3.0, -0.1))


def ask(model, count, **parameters):
    """The ranking, and the sizes of its steps."""
    rounds = Rounds()
    strategy = fill_model(make({"kind": "pairwise-active", **parameters}), model, model.answers)
    return rank(strategy, count, through=rounds), rounds.sizes


def distinct(count, seed):
    return [at / count for at in random.Random(f"{seed} {count}").sample(range(count), count)]


def few_grades(count, seed):
    return [random.Random(f"{seed} {count} {at}").randrange(4) / 4 for at in range(count)]


@pytest.mark.parametrize("k", [1, 5, 10, None])
@pytest.mark.parametrize("orders", [{"both_orders": True}, {"both_orders": False}])
def test_the_top_k_are_exact_for_every_n_and_k(k, orders):
    for count in range(41):
        wanted = k or max(count, 1)
        for grades in (distinct(count, wanted), few_grades(count, wanted)):
            ranking, _ = ask(PerfectOracle(grades), count, k=wanted, **orders)
            assert [grades[index] for index in ranking.order[:wanted]] == sorted(grades, reverse=True)[:wanted]
            assert ranking.outcome == "complete"


@pytest.mark.parametrize("mode", ["agreement", "log-odds"])
def test_equal_grades_are_ties_and_different_ones_are_not(mode):
    for seed in range(10):
        grades = few_grades(16, seed)
        ranking, _ = ask(PerfectOracle(grades), 16, k=16, mode=mode)
        for one, two in zip(ranking.items, ranking.items[1:], strict=False):
            if mode == "agreement" or grades[one.index] != grades[two.index]:
                assert (one.tie == two.tie) == (grades[one.index] == grades[two.index])


def test_what_was_not_put_in_order_is_one_tie_in_input_order():
    ranking, _ = ask(PerfectOracle([at / 20 for at in range(20)]), 20, k=3)
    assert ranking.order == (19, 18, 17, *range(17))
    assert [item.tie for item in ranking] == [1, 2, 3, *[4] * 17]


@pytest.mark.parametrize(
    ("count", "both", "lists", "requests", "steps", "at_most"),
    [(50, True, 50, 230, 15, 17), (50, False, 50, 140, 9.2, 10),
     (100, True, 15, 368, 23.4, 26), (100, False, 15, 214, 13.9, 16)],
)  # fmt: skip
def test_the_top_ten_take_the_stated_requests_and_steps(count, both, lists, requests, steps, at_most):
    runs = [ask(PerfectOracle(distinct(count, seed)), count, both_orders=both)[1] for seed in range(lists)]
    assert statistics.mean(sum(sizes) for sizes in runs) == pytest.approx(requests, rel=0.03)
    assert statistics.mean(len(sizes) for sizes in runs) == pytest.approx(steps, rel=0.03)
    assert max(len(sizes) for sizes in runs) <= at_most


@pytest.mark.parametrize(("at_once", "both", "most"), [(16, True, 16), (3, True, 2), (2, True, 2), (5, False, 5)])
def test_no_step_sends_more_than_may_be_sent_at_once(at_once, both, most):
    _, sizes = ask(PerfectOracle(distinct(20, 1)), 20, at_once=at_once, both_orders=both)
    assert max(sizes) == most


@pytest.mark.parametrize("both", [True, False])
def test_no_pair_is_asked_twice(both):
    for seed in range(10):
        oracle = PerfectOracle(few_grades(20, seed))
        ask(oracle, 20, both_orders=both)
        shown = [request.shown for request in oracle.asked]
        pairs = [frozenset(pair) for pair in shown]
        assert len(set(shown)) == len(shown)
        assert len(set(pairs)) * (2 if both else 1) == len(pairs)


def test_a_model_that_always_says_a_settles_nothing_and_the_asking_ends():
    ranking, sizes = ask(Scripted(lambda request, number: A), 12, k=3)
    assert sum(sizes) == 12 * 11
    assert ranking.order == tuple(range(12))
    assert {item.tie for item in ranking} == {1}
    assert ranking.details["inconsistent"] == ranking.details["compared"] == 66
    assert ranking.details["contradictions"] == []


def test_answers_that_contradict_what_is_known_are_reported_and_do_not_count():
    beats = {(0, 1), (1, 2), (2, 0)}
    model = Scripted(lambda request, number: A if request.shown in beats else B)
    ranking, sizes = ask(model, 3)
    assert sizes == [6]
    assert len(ranking.details["contradictions"]) == 1
    (winner, loser) = ranking.details["contradictions"][0]
    assert (winner, loser) in beats
    assert ranking.order.index(loser) < ranking.order.index(winner)
    assert [(note.code, note.indexes) for note in ranking.diagnostics] == [
        ("contradiction", tuple(sorted((winner, loser))))
    ]
    assert ranking.outcome == "complete"


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 14), st.integers(1, 14), st.integers(1, 20), st.randoms(use_true_random=False))
def test_under_any_answers_the_known_order_stays_an_order_and_the_asking_ends(count, k, most, chance):
    known = PartialOrder(count)
    seen = set()
    while pairs := known.open_pairs(k, most):
        assert len(pairs) <= most
        for one, two in pairs:
            assert frozenset((one, two)) not in seen
            assert not known.above[one, two]
            assert not known.above[two, one]
            assert max(known.above[:, one].sum(), known.above[:, two].sum()) < k
            seen.add(frozenset((one, two)))
        known.learn([Verdict(pair, None, chance.choice([-1.0, 0.0, 1.0]), None) for pair in pairs], "log-odds")
        reach = known.above.astype(int)
        assert not known.above.diagonal().any()
        assert not (known.above & known.above.T).any()
        assert not ((reach @ reach > 0) & ~known.above).any()
    groups = known.top(k)
    places = [place for group in groups for place in group]
    assert len(set(places)) == len(places) >= min(k, count)
    for at, place in enumerate(places):
        assert not known.above[places[at + 1 :], place].any()
        assert known.above[:, place].sum() < k
    outside = np.setdiff1d(np.arange(count), places)
    assert (known.above[:, outside].sum(axis=0) >= k).all()


def test_a_constant_preference_for_one_side_cancels_in_the_mean_log_odds():
    grades = distinct(14, 3)

    def biased(request, number):
        first, second = (grades[index] for index in request.shown)
        return Choices(logprobs=(first + 3.0, second))

    ranking, _ = ask(Scripted(biased), 14, mode="log-odds", k=5)
    assert [grades[index] for index in ranking.order[:5]] == sorted(grades, reverse=True)[:5]


def test_a_lost_answer_leaves_its_pair_open_without_asking_again_and_makes_the_ranking_partial():
    asked = []

    def sometimes(request, number):
        asked.append(request.shown)
        if request.shown == (1, 0):
            raise ModelError("server", "The server failed (500).")
        return A if request.shown[0] < request.shown[1] else B

    ranking, _ = ask(Scripted(sometimes), 3)
    assert ranking.order == (0, 1, 2)
    assert [item.tie for item in ranking] == [1, 1, 2]
    assert ranking.outcome == "partial"
    assert set(ranking.diagnostics[0].indexes) == {0, 1}
    assert len(asked) == 6


def test_one_order_is_drawn_by_lot_from_the_seed():
    def shown(seed):
        oracle = PerfectOracle(distinct(30, 1))
        ask(oracle, 30, both_orders=False, k=30, seed=seed)
        return [request.shown for request in oracle.asked]

    assert shown(1) == shown(1) != shown(2)
    straight = sum(first < second for first, second in shown(1))
    assert 0.3 < straight / len(shown(1)) < 0.7
