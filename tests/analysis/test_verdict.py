"""The verdict in words: what is said, and that its numbers are those of the statistics."""

import re
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.bench_bias_truth import EFFECTS, Effect, runs
from reranking.analysis.bias import BiasRun, analyse
from reranking.analysis.bias_model import Estimate
from reranking.analysis.designs import draw, repeats
from reranking.analysis.pairwise_bias import pairwise_bias
from reranking.analysis.slot_answers import SlotAnswer
from reranking.analysis.slots import slot_bias
from reranking.analysis.verdict import (
    decimal,
    numbers,
    p_value,
    pairs_counted,
    percent,
    places,
    share_by_chance,
    slot_finding,
    verdict,
)
from reranking.views.amounts import seconds


def found(effect, n=10, k=10, kind="pairs", seed=1, control=True):
    """The analysis of a simulated model's runs."""
    chance = np.random.default_rng(seed)
    relevance, design = chance.random(n), draw(kind, n, k, seed)
    again = runs(relevance, np.array(repeats(range(n)).orders), effect, chance) if control else []
    return analyse(runs(relevance, np.array(design.orders), effect, chance), design, again, resamples=500, draws=2000)


def said(value):
    text = f"{value:.1f}".removesuffix(".0")
    return "1 place" if text == "1" else f"{text} places"


def test_primacy_is_told_as_gained_places_with_interval_p_and_noise():
    bias = found(Effect(primacy=1.0))
    effect, moved = bias.model.last_to_first, bias.noise.stability.moved
    told = verdict(bias)
    assert told.finding == "primacy"
    assert told.biased
    assert told.sentence == (
        f"Earlier documents are favoured: moving a document from last to first raises it {said(effect.value)} "
        f"(95\xa0% {effect.low:.1f} to {effect.high:.1f}, p < .001)."
    )
    explained, *rest = told.remarks
    assert explained.startswith("The place at which documents are given explains")
    assert rest == [f"Repeating the same order moves documents {said(moved)}."]
    assert told.text == f"{told.sentence} {explained} {rest[0]}"


def test_recency_is_told_the_other_way_round_with_a_positive_gain():
    bias = found(Effect(recency=1.0))
    effect = bias.model.last_to_first
    told = verdict(bias)
    assert told.finding == "recency"
    assert effect.value < 0
    assert told.sentence == (
        f"Later documents are favoured: moving a document from first to last raises it {said(-effect.value)} "
        f"(95\xa0% {-effect.high:.1f} to {-effect.low:.1f}, p < .001)."
    )


@pytest.mark.parametrize(
    ("edges", "finding", "word"), [(0.8, "middle-loss", "lowers"), (-0.8, "middle-gain", "raises")]
)
def test_what_happens_to_the_middle_is_told(edges, finding, word):
    bias = found(Effect(edges=edges))
    told = verdict(bias)
    assert told.finding == finding
    size = said(abs(bias.model.middle.value))
    assert f"moving a document from either end to the middle {word} it {size} (95\xa0%" in told.sentence


def test_both_effects_are_told_the_trend_first():
    told = verdict(found(Effect(primacy=1.0, edges=0.8)))
    assert told.finding == "primacy"
    assert told.also.startswith("Documents in the middle are at a disadvantage")


@pytest.mark.parametrize(("low", "high", "faint"), [(0.2, 0.9, False), (-0.2, 0.9, True)])
def test_a_second_effect_whose_interval_reaches_0_is_called_faint(low, high, faint):
    bias = found(Effect(primacy=1.0, edges=0.8))
    middle = replace(bias.model.middle, value=0.4, low=low, high=high)
    told = verdict(replace(bias, model=replace(bias.model, middle=middle)))
    assert "middle" in told.also
    assert any("hardly above chance" in remark for remark in told.remarks) is faint


def test_no_finding_says_what_would_have_been_found():
    bias = found(EFFECTS["none"])
    told = verdict(bias)
    assert told.finding == "none found"
    assert not told.biased
    assert f"A gain of {said(bias.model.last_to_first.detectable)} or more from last to first" in told.sentence


def test_rankings_that_never_change_have_exactly_no_effect():
    told = verdict(found(Effect(noise=0.0)))
    assert told.finding == "no effect"
    assert told.sentence.endswith("all 10 shuffles gave every document the same rank (effect 0, W = 1).")


@pytest.mark.parametrize("k", [2, 4])
def test_too_few_runs_cannot_tell(k):
    told = verdict(found(Effect(primacy=3.0), k=k))
    assert told.finding == "cannot tell"
    assert told.sentence.startswith(f"Too few runs to tell: {k} runs of 10 documents")


def test_one_order_run_again_and_again_cannot_tell():
    again = [BiasRun((0, 1, 2), {0: 1, 1: 2, 2: 3}), BiasRun((0, 1, 2), {0: 2, 1: 1, 2: 3})]
    assert verdict(analyse(again)).finding == "cannot tell"


def test_a_single_document_cannot_depend_on_the_order():
    assert verdict(analyse([BiasRun((0,), {0: 1})] * 4)).finding == "cannot tell"


def test_many_repairs_leave_no_verdict_and_few_do():
    bias = found(Effect(primacy=1.0))
    told = verdict(replace(bias, repaired=0.25))
    assert told.finding == "repairs"
    assert not told.biased
    assert told.sentence.startswith("No verdict: 25\xa0% of the places come from mending broken replies")
    assert verdict(replace(bias, repaired=0.1)).finding == "primacy"


def test_if_every_run_failed_that_is_all_that_is_said():
    design = draw("pairs", 4, 4)
    told = verdict(analyse([BiasRun(order, None) for order in design.orders], design))
    assert (told.finding, told.text) == ("failed", "Every run failed: there is nothing to say about positions.")


def test_failed_runs_and_ties_are_told_beside_the_verdict():
    design = draw("pairs", 6, 8, seed=2)
    runs = [BiasRun(order, {at: 1 + 3 * (place > 2) for place, at in enumerate(order)}) for order in design.orders]
    runs[0] = BiasRun(runs[0].order, None)
    told = verdict(analyse(runs, design, resamples=200, draws=500))
    assert told.finding == "primacy"
    assert told.remarks[-2:] == (
        "40\xa0% of the pairs of documents tie.",
        "1 of 8 runs failed and is left out.",
    )


def tied(n=4):
    design = draw("pairs", n, 6)
    return analyse([BiasRun(order, dict.fromkeys(order, 1.0)) for order in design.orders], design)


def one_sided(slot, n=4):
    return pairwise_bias([SlotAnswer(0, (a, b), (slot,)) for a in range(n) for b in range(n) if a != b])


@pytest.mark.parametrize(("slot", "side"), [(0, "first"), (1, "second")])
def test_a_side_that_always_wins_is_the_headline_where_everything_ties_and_is_not_called_a_bias(slot, side):
    told = verdict(tied(), one_sided(slot))
    assert told.sentence == (
        f"The model always picks the {side} passage: every pair contradicts itself, so everything ties."
    )
    assert (told.finding, told.side) == ("all tied", side)
    assert not told.biased
    assert "favoured" not in told.text
    assert "Pairs: all 6 that 4 documents make, each answered in both orders." in told.remarks


def test_pairs_without_an_answer_are_told_wherever_pairs_are_counted():
    answers = [SlotAnswer(0, (a, b), () if (a, b) == (0, 1) else (0,)) for a in range(4) for b in range(4) if a != b]
    told = verdict(tied(), pairwise_bias(answers))
    assert told.sentence == (
        "The model always picks the first passage: 5 of 5 pairs contradict themselves, so everything ties."
    )
    assert (
        "Pairs: 5 of the 6 that 4 documents make were answered in both orders; 1 lacks an answer to one order or both."
    ) in told.remarks
    half = pairwise_bias([SlotAnswer(0, pair, (0,)) for pair in ((0, 1), (1, 0), (1, 2), (2, 1))])
    assert pairs_counted(half) == (
        "Pairs: 2 of the 3 that 3 documents make were answered in both orders; 1 was not asked about."
    )


def nearly(n, contradicting, both=True):
    """Answers of a model that picks the first passage of all pairs but the last ones."""
    pairs = [(a, b) for a in range(n) for b in range(a + 1, n)]
    found = []
    for at, (a, b) in enumerate(pairs):
        found.append(SlotAnswer(0, (a, b), (0,)))
        found.append(SlotAnswer(0 if both else 1, (b, a), (0 if at < contradicting else 1,)))
    return pairwise_bias(found)


def test_a_side_that_nearly_always_wins_comes_before_what_the_order_of_the_input_does():
    told = verdict(found(EFFECTS["none"]), nearly(10, 42))
    assert told.sentence == (
        "The model nearly always picks the first passage: 42 of 45 pairs contradict themselves in most runs."
    )
    assert told.also.startswith("No effect of the input position was found")
    assert (told.finding, told.side) == ("none found", "first")
    below = verdict(found(EFFECTS["none"]), nearly(10, 35))
    assert below.side is None
    assert below.sentence.startswith("No effect")
    assert (
        "Within the prompt the model names the first of two passages in both orders for 35 of 45 pairs."
        in below.remarks
    )


def test_ties_that_a_preferred_side_leaves_are_told_once():
    bias = found(EFFECTS["none"])
    half = replace(bias, shuffled=replace(bias.shuffled, tied_pairs=0.9))
    told = verdict(half, one_sided(0, n=10))
    assert told.sentence == (
        "The model always picks the first passage: every pair contradicts itself, and 90\xa0% of the pairs of "
        "documents tie in the ranking."
    )
    assert told.text.count("tie") == 1


def test_a_side_that_some_runs_do_not_pick_is_not_picked_always():
    answers = [SlotAnswer(run, (a, b), (0,)) for run in range(5) for a in range(4) for b in range(4) if a != b]
    answers[0] = replace(answers[0], order=(1,))
    told = verdict(tied(), pairwise_bias(answers))
    assert told.sentence == (
        "The model nearly always picks the first passage: 6 of 6 pairs contradict themselves in most runs, so "
        "everything ties."
    )


def test_a_side_that_decides_what_is_asked_in_one_order_is_told_after_the_bias_that_comes_of_it():
    told = verdict(found(Effect(primacy=1.0)), nearly(10, 42, both=False))
    assert told.finding == "primacy"
    assert told.sentence.startswith("Earlier documents are favoured")
    assert told.also == (
        "The model nearly always picks the first passage of a pair: in 42 of 45 pairs, whichever stands there."
    )


def test_few_pairs_on_one_side_are_chance_unless_everything_ties():
    told = verdict(found(EFFECTS["none"]), pairwise_bias([SlotAnswer(0, pair, (0,)) for pair in ((0, 1), (1, 0))]))
    assert told.side is None
    assert told.sentence.startswith("No effect")


def test_all_ties_without_answers_to_pairs_say_nothing_of_a_model():
    assert verdict(tied()).sentence == (
        "All documents tie in every run, so the strategy says nothing about their order, and positions cannot matter."
    )


def test_what_positions_explain_is_told_where_chance_alone_would_not():
    bias = found(Effect(primacy=1.0))
    share, most = bias.model.position_share, share_by_chance(10, 10)
    assert share > most
    assert (
        f"The place at which documents are given explains {100 * share:.0f}\xa0% of how they move between the shuffles "
        f"(chance alone: hardly more than {100 * most:.0f}\xa0%)."
    ) in verdict(bias).remarks
    assert "explains" not in verdict(found(EFFECTS["none"])).text


def test_places_that_differ_without_a_trend_are_told_beside_no_finding():
    """A cubic curve, which neither a line nor a parabola can see."""
    place = np.arange(10) - 4.5
    lift = place**3 - place * (place**4).sum() / (place**2).sum()
    lift /= lift.max()
    chance = np.random.default_rng(1)
    relevance, design = chance.random(10), draw("pairs", 10, 20, 1)
    ran = [
        BiasRun(order, dict(zip(order, (1.0 + np.argsort(np.argsort(-worth))).tolist(), strict=True)))
        for order in design.orders
        for worth in [relevance[list(order)] + lift + 0.1 * chance.normal(size=10)]
    ]
    told = verdict(analyse(ran, design))
    assert told.finding == "none found"
    assert told.also.endswith("but some places differ.")


@pytest.mark.parametrize(("kind", "n", "k"), [("pairs", 10, 10), ("random", 6, 8), ("balanced", 6, 6)])
def test_chance_alone_rarely_explains_more_than_what_is_called_its_most(kind, n, k):
    """Against orders that have nothing to do with the ranks."""
    chance = np.random.default_rng(1)
    shares = []
    for number in range(300):
        design = draw(kind, n, k, number)
        ran = [BiasRun(order, dict(enumerate(chance.permutation(n) + 1.0))) for order in design.orders]
        shares.append(analyse(ran, design, resamples=0, draws=0).model.position_share)
    assert np.mean(shares) == pytest.approx(1 / (k - 1), rel=0.1)
    assert np.mean(np.array(shares) > share_by_chance(n, k)) <= 0.03


def test_what_chance_explains_is_not_known_for_few_runs_and_falls_with_more():
    assert share_by_chance(10, 2) is None
    assert share_by_chance(1, 10) is None
    assert share_by_chance(10, 10) > share_by_chance(10, 20) > share_by_chance(10, 50)


def test_noise_is_told_as_measured_not_measured_absent_or_without_need():
    biased = Effect(primacy=1.0)
    assert "was not measured" in verdict(found(biased, control=False)).text
    assert "Equal requests get equal answers" in verdict(found(biased, control=False), deterministic=True).text
    assert "Repeating the same order moves nothing." in verdict(found(Effect(primacy=1.0, noise=0.0))).text


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0005, "< .001"), (0.001, "= .001"), (0.0049, "= .005"), (0.03, "= .03"), (0.456, "= .46"), (1.0, "= 1")],
)
def test_p_values_are_written_without_a_leading_zero(p, text):
    assert p_value(p) == text


def test_numbers_are_short_and_signs_real():
    assert [decimal(value) for value in (6.21, 5.0, 0.04, 0.0, -0.001, -2.34, 0.096)] == [
        "6.2", "5", "0.04", "0", "0", "−2.3", "0.1",
    ]  # fmt: skip
    assert (places(1.02), places(0), places(6.2)) == ("1 place", "0 places", "6.2 places")
    assert [percent(share) for share in (0, 0.001, 0.254, 0.999, 1)] == [
        "0\xa0%", "less than 1\xa0%", "25\xa0%", "more than 99\xa0%", "100\xa0%",
    ]  # fmt: skip
    assert numbers(Estimate(-2.0, -3.5, -0.5), 0.02) == "(95\xa0% 0.5 to 3.5, p = .02)"
    assert numbers(Estimate(1.0)) == ""


@pytest.mark.parametrize(("n", "k", "finding"), [(2, 6, "cannot tell"), (2, 14, "primacy"), (3, 6, "primacy")])
def test_where_no_p_value_could_be_small_enough_even_an_echo_of_the_input_cannot_be_told(n, k, finding):
    design = draw("pairs", n, k, seed=1)
    echoed = [BiasRun(order, {at: place for place, at in enumerate(order, 1)}) for order in design.orders]
    assert verdict(analyse(echoed, design, resamples=100)).finding == finding


def slots(first_to_last):
    (found,) = slot_bias([SlotAnswer(run, (0, 1, 2), (0,)) for run in range(3)])
    return replace(found, first_to_last=first_to_last)


def test_what_slots_show_is_told_with_its_numbers():
    assert slot_finding(slots(Estimate(-0.424, -0.63, -0.21, 0.1))) == (
        "Within its prompts of 3 passages the model favours the last slots: of equally good passages, the one in the "
        "last slot has a chance of winning against the first that exceeds its chance of losing by 0.42 "
        "(95\xa0% 0.21 to 0.63)."
    )
    assert "not found to favour" in slot_finding(slots(Estimate(0.1, -0.2, 0.4, 0.1)))
    assert slot_finding(slots(None)) == ""


def test_a_number_and_its_unit_stay_on_one_line():
    told = [percent(0.002), percent(0.42), percent(0.999), numbers(Estimate(2.0, 1.0, 3.0))]
    told += [seconds(0.25), seconds(12.0)]
    assert all("\xa0" in text and not re.search(r"\d (%|ms|s)", text) for text in told)
