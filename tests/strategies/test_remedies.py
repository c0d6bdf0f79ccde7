"""Remedies against position bias follow from what strategies declare, in every part that declares it."""

import pytest

from reranking.strategies.catalogue import each, make, strategies
from reranking.strategies.llm import ShowsSeveral
from reranking.strategies.remedies import at_work, variants

KINDS = pytest.mark.parametrize("kind", list(strategies()))


def titles(strategy):
    return [variant.title for variant in variants(make(strategy))]


def variant(strategy, title):
    return next(found.strategy for found in variants(make(strategy)) if found.title == title)


@KINDS
def test_each_variant_is_a_strategy_of_its_own_that_reads_back_from_its_json(kind):
    strategy = make(kind)
    for found in variants(strategy):
        assert found.strategy != strategy
        assert make(found.strategy.spec()) == found.strategy
        assert found.title not in at_work(strategy)
    assert len({found.title for found in variants(strategy)}) == len(variants(strategy))


@KINDS
def test_what_ignores_the_order_has_no_remedies_and_what_shows_several_documents_does(kind):
    strategy = make(kind)
    if strategy.ignores_order:
        assert not variants(strategy)
    if isinstance(strategy, ShowsSeveral):
        assert not strategy.ignores_order
        assert "Position-aware prompt" in titles(kind)


def test_self_consistency_wraps_any_strategy_and_changes_only_its_runs_where_it_is_there_already():
    listwise = {"kind": "listwise", "model": "p:m"}
    wrapped = variant(listwise, "Self-consistency, 3 shuffles")
    assert (wrapped.base, wrapped.runs) == (make(listwise), 3)
    several = variant({"kind": "self-consistency", "base": listwise, "runs": 5}, "Self-consistency, 10 shuffles")
    assert (several.base, several.runs) == (make(listwise), 10)
    assert "Self-consistency, 5 shuffles" not in titles({"kind": "self-consistency", "base": listwise, "runs": 5})


def test_a_pairwise_strategy_of_one_order_is_offered_both_and_probabilities():
    one = {"kind": "pairwise-active", "both_orders": False}
    assert variant(one, "Both orders must agree").both_orders
    assert variant(one, "Probability mode").mode == "log-odds"
    assert at_work(make("pairwise-all")) == ["Both orders must agree"]


def test_calibration_is_offered_where_it_is_switched_off():
    assert variant("attention(calibrate=False)", "ICR calibration").calibrate
    assert "ICR calibration" in at_work(make("attention"))


def test_a_remedy_changes_every_part_of_a_composite_that_knows_it_and_no_other():
    stages = [{"strategy": "bm25"}, {"strategy": "pairwise-all"}, {"strategy": "listwise"}]
    found = variant({"kind": "cascade", "stages": stages}, "Position-aware prompt")
    assert [getattr(part, "order_note", None) for part in each(found)] == [None, None, True, True]
    found = variant({"kind": "cascade", "stages": stages}, "Probability mode")
    assert [getattr(part, "mode", None) for part in each(found)] == [None, None, "log-odds", None]
