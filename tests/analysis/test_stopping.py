import numpy as np
import pytest
from scipy.stats import t as student

from benchmarks.bench_bias_truth import EFFECTS, Effect, runs, stopped
from reranking.analysis.bias_model import Estimate
from reranking.analysis.designs import draw
from reranking.analysis.stopping import StoppingPlan, look, plan_looks


def case(effect, within, k=20):
    design = draw("pairs", 10, k, seed=1)
    chance = np.random.default_rng(1)
    return plan_looks(design, within), design, runs(chance.random(10), np.array(design.orders), effect, chance)


def test_a_plan_looks_a_few_times_at_whole_pairs_and_last_at_all_runs():
    plan = plan_looks(draw("pairs", 10, 20), 1.0)
    assert plan.looks == (8, 12, 16, 20)
    assert plan.level == pytest.approx(1 - 0.05 / 4)
    assert plan_looks(draw("pairs", 10, 6), 1.0).looks == (6,)
    assert plan_looks(draw("random", 10, 9), 1.0, first=6).looks == (6, 7, 8, 9)


def test_it_stops_at_the_first_look_that_is_narrow_enough_and_says_what_is_saved():
    plan, design, found = case(Effect(primacy=0.5, noise=0.02), within=1.5)
    seen = look(plan, design, found[:8])
    assert seen.stop
    assert seen.half_width <= 1.5
    assert seen.saved == 12


def test_it_goes_on_while_the_interval_is_wide_and_always_stops_at_the_end():
    plan, design, found = case(Effect(noise=0.5), within=0.01)
    assert [look(plan, design, found[:at]).stop for at in plan.looks] == [False, False, False, True]
    assert look(plan, design, found).saved == 0


def test_a_look_has_an_interval_at_its_share_of_the_five_per_cent():
    plan, design, found = case(Effect(noise=0.3), within=1.0)
    seen = look(plan, design, found[:12])
    assert seen.half_width == pytest.approx(student.ppf(1 - 0.025 / 4, 5) * seen.effect.error)


def test_stopping_early_keeps_what_the_interval_promises():
    """A small version of the benchmark: at least 95 of 100 intervals should hold the truth."""
    saved, held = stopped(EFFECTS["primacy"], 50, sets=2)
    assert saved.mean() > 2
    assert held.mean() >= 0.9


def test_what_the_intervals_promise_is_said_with_the_looks_it_rests_on():
    plan = plan_looks(draw("pairs", 10, 20), 1.0)
    assert plan.promise == (
        "Up to 4 looks (after 8, 12, 16 and 20 shuffles) would make plain 95 % intervals hold less often. So each is "
        "computed at 98.75 % and p-values are multiplied by 4: whichever look is the last, the intervals hold in 95 "
        "of 100 tests or more."
    )
    assert "one look only" in StoppingPlan((6,), 1.0).promise


def test_what_cannot_be_planned_is_refused():
    with pytest.raises(ValueError, match="balanced only as a whole"):
        plan_looks(draw("balanced", 6), 1.0)
    with pytest.raises(ValueError, match="above 0"):
        plan_looks(draw("pairs", 6, 6), 0.0)
    plan, design, found = case(EFFECTS["none"], 1.0)
    with pytest.raises(ValueError, match="no look at 7 runs, but at 8, 12, 16, 20"):
        look(plan, design, found[:7])
    assert StoppingPlan((6,), 1.0).level == pytest.approx(0.95)


def test_a_plan_can_count_queries_too():
    plan = StoppingPlan((5, 10, 20), 1.5)
    assert plan.level == pytest.approx(1 - 0.05 / 3)
    assert plan.is_narrow(Estimate(3.0, 1.6, 4.4))
    assert not plan.is_narrow(Estimate(3.0, 1.4, 4.6))
    assert not plan.is_narrow(None)
