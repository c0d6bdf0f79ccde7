from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student

from benchmarks.bench_bias_truth import Effect, runs
from reranking.analysis.bias import BiasRun, analyse
from reranking.analysis.designs import draw
from reranking.analysis.mitigations import Trial, compare, over_queries

RELEVANCE = np.random.default_rng(1).random(10)


def trial(name, effect, requests=10, cost=0.10, seconds=5.0, quality=None, seed=1, k=10):
    design = draw("pairs", 10, k, seed=1)
    found = runs(RELEVANCE, np.array(design.orders), effect, np.random.default_rng(seed))
    return Trial(name, analyse(found, design, resamples=300, draws=500), requests, cost, seconds, quality)


BASE = trial("As is", Effect(primacy=1.2), quality=0.71)


def test_the_cheapest_remedy_that_removes_most_of_the_bias_is_recommended_with_its_price():
    half = trial("Position-aware prompt", Effect(primacy=0.6), 10, 0.11)
    three = trial("Self-consistency, m=3", Effect(primacy=0.08), 30, 0.30)
    ten = trial("Self-consistency, m=10", Effect(), 100, 1.0)
    found = compare([BASE, half, ten, three])
    assert found.measure == "last to first"
    assert found.recommended.trial is three
    removed = 1 - abs(three.bias.model.last_to_first.value) / abs(BASE.bias.model.last_to_first.value)
    size = f"{BASE.bias.model.last_to_first.value:.1f}".removesuffix(".0")
    assert found.sentence == (
        f"Self-consistency, m=3 removes {100 * removed:.0f}\xa0% of the bias ({size} places) for 3 times the cost."
    )
    row = found.rows[3]
    assert row.helps
    assert row.left == pytest.approx(1 - removed)
    assert (row.times_requests, row.times_cost, row.times_seconds) == (3, pytest.approx(3), 1)
    assert row.removed.value == pytest.approx(removed * BASE.bias.model.last_to_first.value)
    assert row.removed.error == pytest.approx(
        np.hypot(BASE.bias.model.last_to_first.error, three.bias.model.last_to_first.error)
    )
    assert (found.rows[0].removed, found.rows[0].left, found.rows[0].helps) == (None, 1, False)


def test_of_a_remedy_that_draws_by_the_texts_only_the_dependence_on_the_input_is_said_to_be_gone():
    design = draw("pairs", 10, 10, seed=1)
    same = [BiasRun(order, {at: at + 1 for at in range(10)}) for order in design.orders]
    unmoved = analyse(same, design, resamples=300, draws=500)
    steady = Trial("Self-consistency, 3 shuffles", unmoved, 30, 0.30, 5.0, drawn=True)
    found = compare([BASE, steady])
    assert found.recommended.trial is steady
    assert found.rows[1].left == 0
    assert " removes all dependence on the order of the input (" in found.sentence
    assert found.sentence.endswith(
        " for 3 times the cost. The model's preference for places still acts within its shuffles."
    )
    nearly = compare([BASE, replace(trial("Tournament", Effect(primacy=0.08)), drawn=True)])
    assert "\xa0% of the dependence on the order of the input (" in nearly.sentence
    assert "of the bias" not in found.sentence + nearly.sentence


def test_if_none_removes_enough_the_one_that_removes_most_is_recommended():
    found = compare([BASE, trial("A", Effect(primacy=0.8)), trial("B", Effect(primacy=0.5), 90)])
    assert found.recommended.trial.name == "B"


def test_quality_is_told_where_it_is_known_and_a_loss_rules_a_remedy_out():
    good = trial("Good", Effect(), 50, 0.5, quality=0.70)
    bad = trial("Bad", Effect(), 10, 0.1, quality=0.5)
    found = compare([BASE, bad, good])
    assert found.recommended.trial is good
    assert found.sentence.endswith("for 5 times the cost; quality 0.71 before, 0.70 with it.")
    assert found.rows[1].unusable == "quality falls from 0.71 to 0.50"
    assert compare([BASE, bad]).sentence == "None can be recommended. Bad: quality falls from 0.71 to 0.50."


def test_unknown_or_no_cost_is_told_in_requests():
    free = replace(BASE, cost_usd=0.0)
    found = compare([free, trial("Both orders", Effect(), 20, 0.0)])
    assert found.rows[1].times_cost is None
    assert found.sentence.endswith("for 2 times the requests.")
    assert compare([free, trial("Prompt", Effect(), 10, None)]).sentence.endswith("for the same requests.")


def test_a_difference_within_chance_is_said_to_be_one():
    base = trial("As is", Effect(primacy=0.6, noise=0.3), seed=3)
    other = trial("Prompt", Effect(primacy=0.45, noise=0.3), seed=4)
    found = compare([base, other])
    assert found.rows[0].biased
    assert found.rows[1].removed.value > 0 > found.rows[1].removed.low
    assert found.recommended is None
    assert found.sentence.startswith("None of the remedies is shown to help: Prompt leaves")


def test_a_remedy_that_makes_it_worse_or_turns_it_around_does_not_help():
    found = compare([BASE, trial("Worse", Effect(primacy=3.0)), trial("Other way", Effect(recency=1.3))])
    assert not any(row.helps for row in found.rows)
    assert found.recommended is None


def test_a_remedy_that_ties_everything_is_never_recommended():
    design = BASE.bias.design
    ties = analyse([BiasRun(order, dict.fromkeys(order, 1.0)) for order in design.orders], design)
    found = compare([BASE, Trial("Both orders", ties, 20, 0.2, 5.0)])
    assert found.rows[1].helps
    assert found.rows[1].unusable == "it ties all documents"
    assert found.recommended is None
    assert found.sentence == "None can be recommended. Both orders: it ties all documents."


def test_a_remedy_of_which_many_runs_fail_is_not_recommended_whatever_the_others_say():
    sound = trial("Both orders", Effect(), k=20)
    orders, ranks = sound.bias.design.orders, sound.bias.observed.ranks
    every = [BiasRun(order, dict(enumerate(row))) for order, row in zip(orders, ranks, strict=True)]
    lost = replace(
        sound, bias=analyse([*every[:12], *(replace(run, ranks=None) for run in every[12:])], sound.bias.design)
    )
    assert compare([BASE, sound]).recommended.trial is sound
    found = compare([BASE, lost])
    assert found.rows[1].helps
    assert found.recommended is None
    assert found.sentence == "None can be recommended. Both orders: 8 of 20 runs failed."


@pytest.mark.parametrize(
    ("base", "says"),
    [
        (trial("As is", Effect()), "nothing to remove"),
        (trial("As is", Effect(noise=0.0)), "the order of the input changed nothing"),
        (trial("As is", Effect(primacy=2.0), k=4), "take more shuffles"),
    ],
)
def test_without_a_bias_to_begin_with_nothing_is_recommended(base, says):
    found = compare([base, trial("Remedy", Effect())])
    assert found.recommended is None
    assert says in found.sentence


def test_a_loss_of_the_middle_is_compared_as_such():
    found = compare([trial("As is", Effect(edges=1.2)), trial("Remedy", Effect(edges=0.1))])
    assert found.measure == "middle"
    assert found.recommended is not None


def test_the_strategy_alone_has_no_remedy_and_nothing_at_all_is_an_error():
    assert compare([BASE]).sentence.startswith("No remedy was tried")
    with pytest.raises(ValueError, match="nothing to compare"):
        compare([])


def on(name, effects, requests=10, cost=0.1, quality=None):
    """One way to rank on several queries, one for each effect."""
    return over_queries([
        trial(name, effect, requests, cost, quality=quality, seed=number) for number, effect in enumerate(effects)
    ])  # fmt: skip


def gained(trial):
    return np.array([bias.model.last_to_first.value for bias in trial.biases])


def test_over_several_queries_what_is_removed_is_the_mean_of_the_queries_with_an_interval_from_how_they_differ():
    base, better = on("As is", [Effect(primacy=at) for at in (0.8, 1.0, 1.2, 1.4)]), on("Better", [Effect()] * 4, 30)
    found = compare([base, better])
    less = abs(gained(base)) - abs(gained(better))
    half = student.ppf(0.975, 3) * less.std(ddof=1) / 2
    row = found.rows[1]
    assert row.removed.value == pytest.approx(less.mean())
    assert (row.removed.low, row.removed.high) == pytest.approx((less.mean() - half, less.mean() + half))
    assert row.size == pytest.approx(abs(gained(better)).mean())
    assert row.left == pytest.approx(abs(gained(better)).mean() / abs(gained(base)).mean())
    assert found.rows[0].effect.value == pytest.approx(gained(base).mean())
    assert found.rows[0].biased == 4
    assert row.w == pytest.approx(np.mean([bias.shuffled.w for bias in better.biases]))
    assert found.recommended is row
    assert found.sentence.startswith("Better removes ")
    assert "places on average over 4 queries)" in found.sentence


def test_biases_in_opposite_directions_do_not_cancel_out_over_queries():
    ways = [Effect(primacy=1.2), Effect(recency=1.2)] * 2
    base = on("As is", ways)
    found = compare([base, on("Better", [Effect()] * 4)])
    assert abs(found.rows[0].effect.value) < 1
    assert found.rows[0].size == pytest.approx(abs(gained(base)).mean())
    assert found.rows[0].size > 4
    assert found.recommended is found.rows[1]
    same = compare([base, on("Turned round", ways[::-1])])
    assert not same.rows[1].helps


def test_what_helps_on_some_queries_and_harms_on_others_is_not_recommended():
    base = on("As is", [Effect(primacy=1.0)] * 4)
    mixed = on("Mixed", [Effect(), Effect(primacy=2.5), Effect(), Effect(primacy=2.5)])
    found = compare([base, mixed])
    assert found.rows[1].removed.low < 0
    assert found.recommended is None
    mild = on("Mild", [Effect(), Effect(), Effect(primacy=0.9), Effect(primacy=1.05)])
    assert compare([base, mild]).sentence.endswith("More queries would tell.")


def test_without_a_bias_over_the_queries_there_is_nothing_to_remove():
    found = compare([on("As is", [Effect()] * 4), on("Better", [Effect()] * 4)])
    assert found.recommended is None
    assert found.sentence == "No position bias was found over the 4 queries, so there is nothing to remove."
    still = [Effect(noise=0.0)] * 3
    assert compare([on("As is", still)]).sentence.startswith("There is no position bias to remove: the order")


def test_a_loss_of_the_middle_over_queries_is_compared_as_such():
    found = compare([on("As is", [Effect(edges=1.2)] * 4), on("Better", [Effect()] * 4)])
    assert found.measure == "middle"
    assert found.recommended is found.rows[1]
    assert found.rows[0].biased == 0  # no query favours early or late documents, and yet there is a bias to mend
    assert found.finding == "middle-loss"


def test_queries_of_which_replies_are_broken_rule_a_remedy_out_and_say_of_how_many():
    base, sound = on("As is", [Effect(primacy=1.2)] * 4), on("Better", [Effect()] * 4)
    broken = replace(sound, more=(*sound.more[:2], replace(sound.more[2], repaired=0.4)))
    row = compare([base, broken]).rows[1]
    assert row.unusable == "40\xa0% of the places of 1 of 4 queries come from mending broken replies"
    assert row.helps  # on the three others
    assert compare([base, broken]).recommended is None


def test_one_trial_over_queries_has_the_mean_price_and_none_that_is_unknown_for_a_query():
    one, two = trial("A", Effect(), 10, 0.1, 2.0, 0.5), trial("A", Effect(), 20, 0.3, 4.0, 0.7)
    both = over_queries([one, two])
    assert (both.requests, both.cost_usd, both.seconds, both.quality) == (15, pytest.approx(0.2), 3.0, 0.6)
    assert both.biases == (one.bias, two.bias)
    unknown = over_queries([one, replace(two, cost_usd=None, quality=None)])
    assert (unknown.cost_usd, unknown.quality) == (None, None)
    assert over_queries([one]).biases == (one.bias,)
    with pytest.raises(ValueError, match="nothing to put together"):
        over_queries([])


def test_trials_of_different_queries_cannot_be_compared():
    with pytest.raises(ValueError, match="not about the same queries"):
        compare([on("As is", [Effect()] * 3), on("Better", [Effect()] * 2)])
