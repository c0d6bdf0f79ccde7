"""Fusion: sums as published, parts that sum to the score, and what is left out is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.documents import as_candidates
from reranking.models import ModelError
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
