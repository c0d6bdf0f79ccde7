"""What is said about a strategy before its bias test."""

import pytest

from reranking.strategies.catalogue import make, strategies
from reranking.strategies.llm import ShowsSeveral
from reranking.ui.bias import independence, worth_testing


@pytest.mark.parametrize("kind", list(strategies()))
def test_only_a_strategy_that_sees_no_other_document_is_said_to_be_independent_of_the_order(kind):
    strategy = make({"kind": kind})
    sees_one = strategy.family in {"Lexical", "Encoders", "LLM pointwise"} and not isinstance(strategy, ShowsSeveral)
    assert bool(independence(strategy)) == sees_one


def test_a_hosted_reranker_is_not_said_to_be_independent_since_it_may_read_all_texts_together():
    assert independence(make({"kind": "cross-encoder", "model": "hf:x/y"}))
    assert not independence(make({"kind": "cross-encoder", "model": "rerank:x"}))


def test_strategies_made_of_others_are_tested_first_if_one_of_those_shows_several_documents():
    plain = [make({"kind": "input-order"}), make({"kind": "bm25"})]
    grade = make({"kind": "grade", "model": "p:m"})
    cascade = make({"kind": "self-consistency"})
    assert worth_testing([*plain, grade, cascade]) == 3
    assert worth_testing([*plain, grade]) == 2
    assert worth_testing(plain) == 0
