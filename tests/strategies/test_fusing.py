"""Fusion: sums as published, parts that sum to the score, and what is left out is said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.documents import as_candidates
from reranking.models import ModelError
from reranking.ranking import by_groups
from reranking.replies import Choices
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import fill_model, make
from tests.oracles import PerfectOracle, Scripted
from tests.support import rank


def fusion(*kinds, **more):
    return make({"kind": "fusion", "strategies": [{"strategy": {"kind": kind}} for kind in kinds], **more})


def test_reciprocal_rank_is_as_published():
    texts = ["a clock", "apple pie", "apple apple", "motor oil", "blue sky"]
    plain = rank(make("bm25"), as_candidates(texts), "apple pie")
    ranks = plain.mid_ranks()
    fused = rank(fusion("input-order", "bm25"), as_candidates(texts), "apple pie")
    for item in fused:
        assert item.score == pytest.approx(1 / (60 + item.index + 1) + 1 / (60 + ranks[item.index]))


@settings(deadline=None)
@given(st.lists(st.integers(0, 4).map(lambda grade: grade / 4), min_size=1, max_size=10))
def test_the_parts_of_a_score_sum_to_it_and_a_single_strategy_keeps_its_order(grades):
    for method in ("reciprocal rank", "borda", "scores"):
        oracle = PerfectOracle(grades)
        fused = rank(fill_model(fusion("yes-no", method=method), oracle, oracle.answers), len(grades))
        alone = rank(fill_model(make("yes-no"), oracle, oracle.answers), len(grades))
        assert fused.order == alone.order
        assert [item.tie for item in fused] == [item.tie for item in alone]
        for item in fused:
            assert sum(part.value for part in item.explanation.contributions) == pytest.approx(item.score)


def test_borda_counts_the_documents_below_and_ties_share():
    fused = rank(fusion("input-order", "bm25", method="borda"), as_candidates(["x", "y", "z"]), "nothing")
    assert {item.index: item.score for item in fused} == {0: 2 + 1, 1: 1 + 1, 2: 0 + 1}


def test_weights_count():
    fused = make({"kind": "fusion", "method": "borda", "strategies": [
        {"strategy": {"kind": "input-order"}, "weight": 3}, {"strategy": {"kind": "bm25"}}]})  # fmt: skip
    assert rank(fused, as_candidates(["x", "y"]), "nothing").items[0].score == 3 * 1 + 0.5


class Fixed(Strategy):
    """Groups of original positions, best first."""

    kind: str = "fixed"
    groups: tuple[tuple[int, ...], ...]

    def steps(self, query, candidates):
        yield []
        return by_groups(candidates, self.groups)


def kemeny(*voices):
    voices = [{"strategy": Fixed(groups=groups), "weight": weight} for groups, weight in voices]
    return make({"kind": "fusion", "method": "kemeny", "strategies": voices})


def test_kemeny_takes_the_order_that_the_strategies_contradict_least():
    """Borda's favourite is 1 (7 points); 0 beats every other document by two lists of three."""
    lists = [((0,), (1,), (2,), (3,)), ((0,), (1,), (2,), (3,)), ((1,), (2,), (3,), (0,))]
    ranking = rank(kemeny(*((groups, 1) for groups in lists)), 4)
    assert ranking.order == (0, 1, 2, 3)
    assert (ranking.score_kind, ranking.outcome) == ("rank only", "complete")
    assert all(item.score is None for item in ranking)
    assert ranking.details["consensus"] == {"disagreements": 3.0, "lower_bound": 3.0, "approximate": False}


def test_kemeny_counts_weights_and_ties_what_every_strategy_ties():
    up, down = ((0, 1), (2,), (3,)), ((3,), (2,), (0, 1))
    assert [item.tie for item in rank(kemeny((up, 2), (down, 1)), 4)] == [1, 1, 2, 3]
    assert rank(kemeny((up, 2), (down, 1)), 4).order == (0, 1, 2, 3)
    assert rank(kemeny((up, 1), (down, 1.05)), 4).order == (3, 2, 0, 1)
    assert rank(kemeny((up, 1), (((0,), (1,), (2,), (3,)), 0.05)), 4).items[1].tie == 2


def test_kemeny_of_a_single_strategy_is_that_strategy_and_of_none_is_failed():
    groups = ((2,), (0, 3), (1,))
    ranking = rank(kemeny((groups, 0.3)), 4)
    assert [(item.index, item.tie) for item in ranking] == [(2, 1), (0, 2), (3, 2), (1, 3)]

    def gone(request, number):
        raise ModelError("server", "The server failed (500).")

    model = Scripted(gone)
    lost = fusion("yes-no", method="kemeny")
    assert rank(fill_model(lost, model, model.answers), 4).outcome == "failed"
    assert (
        rank(fill_model(fusion("input-order", "yes-no", method="kemeny"), model, model.answers), 4).outcome == "partial"
    )


@pytest.mark.parametrize("method", ["reciprocal rank", "borda", "scores", "kemeny"])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_short_lists_are_fused(method, count):
    oracle = PerfectOracle([0.2, 0.8])
    strategy = fill_model(fusion("yes-no", "dense", method=method), oracle, oracle.answers)
    ranking = rank(strategy, count)
    assert sorted(ranking.order) == list(range(count))
    assert ranking.order[:1] == (() if count == 0 else (count - 1,))


def test_a_strategy_that_failed_is_left_out_and_the_fusion_says_so():
    def gone(request, number):
        raise ModelError("server", "The server failed (500).")

    model = Scripted(gone)
    fused = rank(fill_model(fusion("input-order", "yes-no"), model, model.answers), 4)
    assert (fused.outcome, fused.order) == ("partial", (0, 1, 2, 3))
    assert "Strategy 2 (yes-no" in fused.diagnostics[0].message
    assert rank(fill_model(fusion("yes-no"), model, model.answers), 4).outcome == "failed"


def test_a_strategy_without_scores_cannot_be_summed_by_score():
    fused = rank(fusion("input-order", "bm25", method="scores"), 4)
    assert fused.outcome == "partial"
    assert "no-scores" in {note.code for note in fused.diagnostics}


def test_a_part_of_a_score_says_where_a_strategy_gave_none():
    def sometimes(request, number):
        if request.shown == (1,):
            raise ModelError("server", "The server failed (500).")
        return Choices(logprobs=(-0.1 - request.shown[0], -3.0))

    model = Scripted(sometimes)
    fused = rank(fill_model(fusion("yes-no", "bm25", method="scores"), model, model.answers), 3)
    details = {item.index: [part.detail for part in item.explanation.contributions] for item in fused}
    assert details == {0: ["", ""], 1: ["not scored", ""], 2: ["", ""]}
    assert fused.outcome == "partial"
    for item in fused:
        assert sum(part.value for part in item.explanation.contributions) == pytest.approx(item.score)
