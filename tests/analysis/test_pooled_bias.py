import numpy as np
import pytest
from scipy.stats import t as student

from benchmarks.bench_bias_truth import Effect, runs
from reranking.analysis.bias import BiasRun, analyse
from reranking.analysis.designs import draw
from reranking.analysis.pooled_bias import pool
from reranking.analysis.randomisation import holm


def query(effect, number, n=10, k=10):
    chance = np.random.default_rng(number)
    design = draw("pairs", n, k, seed=number)
    return analyse(runs(chance.random(n), np.array(design.orders), effect, chance), design, resamples=200, draws=999)


def test_the_mean_over_queries_has_an_interval_from_how_much_they_differ():
    queries = [query(Effect(primacy=0.8), number) for number in range(6)]
    found = pool(queries)
    slopes = [bias.model.slope.value for bias in queries]
    error = np.std(slopes, ddof=1) / np.sqrt(6)
    assert found.slope.value == pytest.approx(np.mean(slopes))
    assert found.slope.high - found.slope.value == pytest.approx(student.ppf(0.975, 5) * error)
    assert found.last_to_first.value == pytest.approx(9 * np.mean(slopes))
    assert (found.used, found.earlier, found.later) == (6, 6, 0)
    assert found.p == pytest.approx(holm([bias.test.linear for bias in queries]))
    assert "Of 6 queries 6 favour earlier documents" in found.sentence
    assert "moving a document from last to first raises it" in found.sentence


def test_a_direction_that_varies_by_query_is_told_and_not_averaged_away():
    queries = [query(Effect(primacy=1.0) if number % 2 else Effect(recency=1.0), number) for number in range(6)]
    found = pool(queries)
    assert (found.earlier, found.later) == (3, 3)
    assert found.slope.low < 0 < found.slope.high
    assert "the direction varies by query" in found.sentence
    assert "No common direction was found" in found.sentence


def test_queries_that_show_the_very_same_effect_give_no_interval_without_width():
    """Of one order and its reverse, with ranks that follow the order: each query's slope is exactly 1."""
    order = (0, 1, 2, 3)
    ran = [BiasRun(given, {at: float(place) for place, at in enumerate(given, 1)}) for given in (order, order[::-1])]
    found = pool([analyse(ran, draws=99)] * 3)
    assert found.last_to_first.value == pytest.approx(3)
    assert (found.last_to_first.low, found.last_to_first.high) == (None, None)
    assert "95 %" not in found.sentence
    still = pool([analyse([BiasRun(given, {0: 1.0, 1: 2.0, 2: 3.0, 3: 4.0}) for given in (order, order[::-1])])] * 3)
    assert (still.last_to_first.value, still.last_to_first.low) == (0, 0)
    assert "No common direction was found" in still.sentence


def test_queries_that_cannot_tell_are_left_out_and_counted():
    failed = analyse([BiasRun((0, 1, 2), None), BiasRun((2, 1, 0), None)])
    found = pool([failed, query(Effect(primacy=0.8), 1)])
    assert (found.used, found.left_out) == (1, 1)
    assert found.p[0] is None
    assert found.slope == query(Effect(primacy=0.8), 1).model.slope
    assert pool([failed]).sentence == "No query can tell the effect of the position."


def test_queries_whose_replies_had_to_be_mended_count_for_no_direction():
    design = draw("pairs", 10, 10, seed=1)
    kept = [
        BiasRun(order, {at: place for place, at in enumerate(order)}, frozenset(range(3))) for order in design.orders
    ]
    mended, sound = analyse(kept, design, draws=999), query(Effect(primacy=0.8), 1)
    assert mended.test.linear < 0.05 < mended.repaired
    found = pool([mended, sound])
    assert (found.used, found.left_out, found.earlier) == (1, 1, 1)
    assert found.p == (None, sound.test.linear)
    assert found.slope == sound.model.slope
    assert pool([mended]).earlier == 0


def test_that_no_query_has_a_trend_is_said_so():
    still = [query(Effect(noise=0.0), number) for number in range(3)]
    assert pool(still).sentence.startswith("No trend was found in any of 3 queries. No common direction was found")


def test_lists_of_different_lengths_are_pooled_by_slope():
    queries = [query(Effect(primacy=0.8), 1, n=6), query(Effect(primacy=0.8), 2, n=12)]
    found = pool(queries)
    assert found.n == 9
    assert found.last_to_first.value == pytest.approx(8 * np.mean([bias.model.slope.value for bias in queries]))


def test_no_queries_are_an_error():
    with pytest.raises(ValueError, match="nothing to pool"):
        pool([])
