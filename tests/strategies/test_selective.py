"""Selective reranking: when the dearer strategy is asked, what it changes, and what is said of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.models import ModelError
from reranking.ranking import by_groups, by_order, by_score
from reranking.replies import Choices, Text
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import fill_model, make
from reranking.strategies.selective import agreement, in_top, margin
from tests.oracles import PerfectOracle, Scripted
from tests.support import candidates, rank


class Fixed(Strategy):
    """A cheap strategy with known scores, by original position; None for one that it does not score."""

    kind: str = "fixed"
    scores: tuple[float | None, ...]

    def steps(self, query, candidates):
        yield []
        return by_score(candidates, [self.scores[item.index] for item in candidates], "fixed scores")


class Failing(Strategy):
    kind: str = "failing"

    def steps(self, query, candidates):
        yield []
        return by_order(candidates, range(len(candidates)), outcome="failed")


def selective(first, grades, **parameters):
    """The strategy with `first` before a perfect yes-no model, and that model."""
    oracle = PerfectOracle(grades)
    strategy = make({"kind": "selective", "first": first, "dearer": "yes-no", **parameters})
    return fill_model(strategy, oracle, oracle.answers), oracle


def fixed(*scores):
    return Fixed(scores=scores)


# Whether the dearer strategy is asked.


@pytest.mark.parametrize(
    ("scores", "k", "least", "value"),
    [((10, 9, 2, 0), 2, 0.5, 0.7), ((10, 9, 2, 0), 1, 0.5, 0.1), ((10, 9, 2, 0), 3, 0.2, 0.2),
     ((10, 9, 2, 0), 9, 0.3, 0.2), ((4, 4, 4), 1, 0.01, 0.0), ((4, 4, 4), 1, 0.0, 0.0),
     ((-1, -3, -2), 1, 0.5, 0.5), ((5, 1), 4, 1.0, 1.0)],
)  # fmt: skip
def test_a_small_gap_at_the_cut_asks_the_dearer_strategy(scores, k, least, value):
    strategy, oracle = selective(fixed(*scores), [0.5] * len(scores), k=k, least_margin=least)
    ranking = rank(strategy, len(scores))
    told = ranking.details["selective"]
    assert told["value"] == pytest.approx(value)
    assert told["threshold"] == least
    assert told["fired"] == (value < least) == bool(oracle.asked)
    assert ranking.outcome == "complete"
    note = next(note for note in ranking.diagnostics if note.code == "selective")
    assert ("was not asked" in note.message) == (not oracle.asked)
    assert f"{value:.3g}" in note.message
    assert f"{least:g}" in note.message
    assert note.data == told


def test_a_ranking_without_scores_has_no_margin_and_says_so():
    strategy, oracle = selective("input-order", [0.1, 0.9, 0.5], k=1)
    ranking = rank(strategy, 3)
    assert ranking.order == (1, 2, 0)
    assert oracle.asked
    assert ranking.details["selective"]["value"] is None
    assert ranking.details["selective"]["fired"] is True
    note = next(note for note in ranking.diagnostics if note.code == "selective")
    assert "cannot be measured: input-order gives no scores" in note.message


def test_a_document_without_score_at_the_cut_leaves_the_margin_unknown():
    ranking = by_score(candidates(3), [2.0, None, 1.0], "x")
    assert margin(ranking, 1, 0.5, "first").value == 1.0
    assert margin(ranking, 2, 0.5, "first").value is None
    assert "first scored no document there" in margin(ranking, 2, 0.5, "first").sentence


@pytest.mark.parametrize(
    ("first", "second", "k", "overlap"),
    [((4, 3, 2, 1), (4, 3, 2, 1), 2, 1.0), ((4, 3, 2, 1), (1, 2, 3, 4), 2, 0.0), ((4, 3, 2, 1), (4, 1, 3, 2), 2, 0.5),
     ((4, 3, 2, 1), (1, 2, 3, 4), 9, 1.0), ((4, 3, 2, 1), (1, 1, 1, 1), 2, 0.5), ((1, 1, 1, 1), (1, 1, 1, 1), 2, 1.0)],
)  # fmt: skip
def test_overlap_is_the_share_of_the_top_k_in_common_and_divided_ties_count_in_parts(first, second, k, overlap):
    strategy, oracle = selective(fixed(*first), [0.5] * 4, when="disagreement", other=fixed(*second), k=k,
                                 least_agreement=0.75)  # fmt: skip
    ranking = rank(strategy, 4)
    assert ranking.details["selective"]["value"] == pytest.approx(overlap)
    assert bool(oracle.asked) == (overlap < 0.75)


@given(st.lists(st.lists(st.integers(1, 4), min_size=8, max_size=8), min_size=2, max_size=2), st.integers(1, 8))
@settings(deadline=None)
def test_overlap_is_symmetric_from_0_to_1_and_a_ranking_agrees_with_itself(scores, k):
    one, two = (by_score(candidates(8), [float(score) for score in row], "x") for row in scores)
    found = agreement(one, two, k, 0.5, "overlap").value
    assert found == pytest.approx(agreement(two, one, k, 0.5, "overlap").value)
    assert -1e-9 <= found <= 1 + 1e-9
    assert agreement(one, one, k, 0.5, "overlap").value == pytest.approx(1)
    assert sum(in_top(one, k).values()) == pytest.approx(k)


def test_tau_b_looks_at_the_documents_in_either_top():
    order = by_order(candidates(6), [0, 1, 2, 3, 4, 5])
    tail = by_order(candidates(6), [0, 1, 5, 4, 3, 2])
    assert agreement(order, tail, 2, 0.5, "tau-b").value == 1
    assert agreement(order, tail, 3, 0.5, "tau-b").value == pytest.approx((5 - 1) / 6)  # 0, 1, 2 and 5
    assert agreement(order, by_order(candidates(6), [5, 4, 3, 2, 1, 0]), 2, 0.5, "tau-b").value == -1


def test_a_tau_b_that_is_not_defined_counts_as_unsure():
    flat = by_groups(candidates(4), [[0, 1, 2, 3]])
    found = agreement(flat, by_order(candidates(4), range(4)), 2, 0.5, "tau-b")
    assert (found.value, found.unsure) == (None, True)
    assert "ties them all" in found.sentence


def test_the_second_opinion_is_asked_only_for_disagreement():
    asked = []

    def answer(request, number):
        asked.append(request)
        return Choices(logprobs=(-0.1, -2.0))

    other = make({"kind": "yes-no", "model": Scripted(answer)})
    for when, wanted in (("margin", 0), ("disagreement", 3)):
        strategy, _ = selective(fixed(3, 2, 1), [0.5] * 3, when=when, other=other, k=1, least_margin=0)
        rank(strategy, 3)
        assert len(asked) == wanted


# What it changes.


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_kept_are_ordered_by_the_dearer_strategy_and_the_rest_follow_as_the_first_left_them(data):
    count, keep = data.draw(st.integers(2, 12)), data.draw(st.integers(1, 12))
    grades = data.draw(st.lists(st.integers(0, 4).map(lambda grade: grade / 4), min_size=count, max_size=count))
    fires = data.draw(st.booleans())
    first = fixed(*range(count, 0, -1))
    strategy, oracle = selective(first, grades, keep=keep, least_margin=1 if fires and count > 2 else 0)
    ranking = rank(strategy, count)
    if not oracle.asked:
        assert ranking.order == tuple(range(count))
        assert [item.score for item in ranking] == list(range(count, 0, -1))
        assert ranking.score_kind == "fixed scores"
        return
    went_on = min(keep, count)
    assert [grades[at] for at in ranking.order[:went_on]] == sorted(grades[:went_on], reverse=True)
    assert ranking.order[went_on:] == tuple(range(went_on, count))
    assert [item.score is None for item in ranking] == [at >= went_on for at in range(count)]
    assert ranking.score_kind != "fixed scores"
    assert len(oracle.asked) == went_on


def test_it_orders_as_a_cascade_does_where_the_first_is_unsure():
    grades = [0.1, 0.9, 0.5, 0.5, 0.3, 0.7]
    first = fixed(6, 5, 5, 5, 2, 1)
    strategy, oracle = selective(first, grades, keep=3, least_margin=1)
    stages = [{"strategy": first, "keep": 3}, {"strategy": "yes-no"}]
    cascade = fill_model(make({"kind": "cascade", "stages": stages}), oracle, oracle.answers)
    one, two = rank(strategy, 6), rank(cascade, 6)
    assert one.items == two.items
    assert (one.score_kind, one.outcome) == (two.score_kind, two.outcome)
    assert [note for note in one.diagnostics if note.code != "selective"] == list(two.diagnostics)
    assert "cut-through-tie" in {note.code for note in one.diagnostics}


# What fails.


def gone():
    def answer(request, number):
        raise ModelError("server", "The server failed (500).")

    return Scripted(answer)


def test_a_first_stage_that_fails_fails_the_ranking_and_asks_no_further():
    strategy, oracle = selective(Failing(), [0.5] * 4)
    assert rank(strategy, 4).outcome == "failed"
    assert not oracle.asked


def test_a_dearer_strategy_that_fails_leaves_the_order_so_far_and_says_so():
    strategy = make({"kind": "selective", "first": fixed(3, 2, 1), "least_margin": 1,
                     "dearer": {"kind": "yes-no", "model": gone()}})  # fmt: skip
    ranking = rank(strategy, 3)
    assert (ranking.outcome, ranking.order) == ("partial", (0, 1, 2))
    assert [item.score for item in ranking] == [3, 2, 1]
    assert any("Stage 2 (yes-no" in note.message for note in ranking.diagnostics)


def test_a_second_opinion_that_fails_counts_as_unsure_and_makes_the_ranking_partial():
    other = make({"kind": "yes-no", "model": gone()})
    strategy, oracle = selective(fixed(3, 2, 1), [0.1, 0.5, 0.9], when="disagreement", other=other)
    ranking = rank(strategy, 3)
    assert (ranking.outcome, ranking.order) == ("partial", (2, 1, 0))
    assert ranking.details["other"]["outcome"] == "failed"
    messages = [note.message for note in ranking.diagnostics]
    assert any(message.startswith("Second opinion (yes-no") for message in messages)
    assert any("gave no ranking to compare with" in message for message in messages)
    assert len(oracle.asked) == 3


def test_a_mended_second_opinion_makes_the_ranking_repaired():
    other = make({"kind": "listwise", "model": Scripted(lambda request, number: Text(text="[1] > [2]"))})
    strategy, _ = selective(fixed(3, 2, 1), [0.5] * 3, when="disagreement", other=other, least_agreement=0)
    assert rank(strategy, 3).outcome == "repaired"


@pytest.mark.parametrize("count", [0, 1])
def test_where_nothing_can_be_ordered_nothing_is_asked(count):
    strategy, oracle = selective(fixed(1), [0.5], least_margin=1)
    assert rank(strategy, count).outcome == "complete"
    assert not oracle.asked


def test_a_selective_strategy_is_the_same_after_a_round_trip_through_json():
    strategy = make({"kind": "selective", "first": "bm25(k1=2.0)", "when": "disagreement", "k": 7, "dearer": "cascade"})
    assert make(strategy.spec()) == strategy
