"""A plan says which orders are run, in which waves, and reads back from its JSON as it was."""

import json
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.analysis.bias_plan import BiasPlan, plan_from_json
from reranking.analysis.bias_runs import BiasRun
from reranking.analysis.designs import is_balanced, recognise

PLANS = st.builds(
    BiasPlan,
    kind=st.sampled_from(["pairs", "random"]),
    shuffles=st.integers(3, 15).map(lambda half: 2 * half),
    repeats=st.sampled_from([0, 3, 5]),
    seed=st.integers(0, 100),
    steady=st.sampled_from([(), (1,), (0, 2)]),
    within=st.sampled_from([None, 0.5, 2.0]),
    batch=st.sampled_from(["", "b"]),
    remedies_of=st.sampled_from([None, ("job", 1)]),
)


@given(PLANS)
def test_a_plan_reads_back_from_its_json_as_it_was(plan):
    assert plan_from_json(json.loads(json.dumps(plan.to_json()))) == plan


@given(PLANS, st.integers(2, 12))
def test_orders_are_the_design_and_then_the_input_order_repeated(plan, count):
    orders = plan.orders(count)
    assert len(orders) == plan.shuffles + plan.repeats
    assert orders[: plan.shuffles] == list(plan.design(count).orders)
    assert orders[plan.shuffles :] == [tuple(range(count))] * plan.repeats
    assert {tuple(sorted(order)) for order in orders} == {tuple(range(count))}
    if plan.kind == "pairs":
        drawn = orders[: plan.shuffles]  # which may happen to be balanced as well
        assert recognise(drawn).kind in ({"balanced"} if count > 2 and is_balanced(drawn) else {"pairs", "repeats"})


@given(PLANS, st.integers(2, 12))
def test_waves_hold_every_order_once_and_the_repeats_come_with_the_first(plan, count):
    waves = plan.waves(count)
    assert sorted(chain.from_iterable(waves)) == list(range(plan.shuffles + plan.repeats))
    assert set(range(plan.shuffles, plan.shuffles + plan.repeats)) <= set(waves[0])
    assert len(waves) == 1 or plan.within is not None


@given(PLANS)
def test_a_steady_strategy_is_run_on_the_shuffles_only(plan):
    for position in range(3):
        run = [plan.is_run(position, number) for number in range(plan.shuffles + plan.repeats)]
        assert sum(run) == plan.runs(position)
        assert all(run[: plan.shuffles])
        assert not any(run[plan.shuffles :]) or position not in plan.steady


def runs(plan, count, rank):
    return [
        BiasRun(order, {document: rank(document, at) for at, document in enumerate(order)})
        for order in plan.design(count).orders
    ]


def test_a_test_stops_at_its_first_look_where_the_effect_is_certain_and_never_without_a_width():
    plan = BiasPlan("pairs", 20, within=1.0)
    kept = runs(plan, 6, lambda document, at: at)  # the input order is kept: nothing varies
    first = plan.stopping(6).looks[0]
    assert plan.is_enough(kept[:first])
    assert not plan.is_enough(kept[: first - 1])  # no look there
    assert not plan.is_enough([])
    assert not BiasPlan("pairs", 20).is_enough(kept[:first])


def test_a_test_goes_on_while_the_interval_is_wide():
    plan = BiasPlan("random", 20, within=0.01, seed=4)
    mixed = runs(plan, 6, lambda document, at: (document * 7 + at * at) % 6)
    assert not plan.is_enough(mixed[: plan.stopping(6).looks[0]])


def test_what_does_not_fit_the_documents_is_refused():
    with pytest.raises(ValueError, match="takes 10 shuffles"):
        BiasPlan("balanced", 6).orders(5)
    with pytest.raises(ValueError, match="must be even"):
        BiasPlan("pairs", 7).orders(5)
    with pytest.raises(ValueError, match="cannot stop early"):
        BiasPlan("balanced", 6, within=1.0).waves(6)
