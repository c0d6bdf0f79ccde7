"""Position bias: the statistics against independent computations, and against a stated truth."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata
from scipy.stats import t as student

from benchmarks.bench_bias_truth import EFFECTS, experiment, rank, through_engine
from reranking.analysis.bias import BiasRun, analyse, bias_run
from reranking.analysis.bias_model import estimate, fit
from reranking.analysis.bias_runs import observe
from reranking.analysis.designs import KINDS, Design, draw, recognise, repeats
from reranking.analysis.randomisation import holm, position_test
from reranking.documents import as_candidates
from reranking.ranking import Diagnostic, by_order, by_score, failed


def run(order, scores):
    """A run that ranks by the scores of the documents at each place; equal scores tie."""
    ranks = rankdata(-np.asarray(scores))
    return BiasRun(tuple(order), dict(zip(order, ranks.tolist(), strict=True)))


def random_runs(orders, seed, levels=None, pull=0.0):
    """Runs with noise and a pull to the front; few `levels` make ties."""
    chance = np.random.default_rng(seed)
    quality = chance.random(len(orders[0]))
    found = []
    for order in orders:
        scores = quality[list(order)] + chance.normal(0, 0.2, len(order)) - pull * np.arange(len(order))
        found.append(run(order, scores if levels is None else np.floor(scores * levels)))
    return found


def quick(runs, design=None, repeats=(), **options):
    return analyse(runs, design, repeats, **{"resamples": 200, "draws": 200, **options})


def by_dummies(runs):
    """Position effects, document means and residuals by least squares with a column for each."""
    n = len(runs[0].order)
    rows, ranks = [], []
    for each in runs:
        for place, document in enumerate(each.order):
            row = np.zeros(2 * n)
            row[document] = row[n + place] = 1
            rows.append(row)
            ranks.append(each.ranks[document])
    table, ranks = np.array(rows), np.array(ranks)
    table[:, n:-1] -= table[:, -1:]  # the effects sum to 0
    solution = np.linalg.lstsq(table[:, :-1], ranks, rcond=None)[0]
    effects = np.append(solution[n:], -solution[n:].sum())
    without = ranks - table[:, :n] @ np.linalg.lstsq(table[:, :n], ranks, rcond=None)[0]
    left = ranks - table[:, :-1] @ solution
    share = 1 - (left**2).sum() / (without**2).sum() if np.abs(without).max() > 1e-9 else 0
    return effects, solution[:n], share


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(KINDS), st.integers(3, 8), st.integers(0, 999), st.sampled_from([None, 3]))
def test_the_two_way_model_is_least_squares_with_dummy_columns(kind, n, seed, levels):
    design = draw(kind, n, 8, seed)
    runs = random_runs(design.orders, seed, levels, pull=0.1)
    model = quick(runs, design, resamples=0).model
    if model.effects is None:  # too few different orders to tell places from documents
        incidence = sum(np.eye(n)[list(order)].T for order in design.orders)
        assert np.linalg.matrix_rank(8 * np.eye(n) - incidence.T @ incidence / 8, tol=1e-6) < n - 1
        return
    effects, documents, share = by_dummies(runs)
    assert model.effects == pytest.approx(effects, abs=1e-8)
    assert model.effects.sum() == pytest.approx(0, abs=1e-9)
    assert model.debiased == pytest.approx(documents, abs=1e-8)
    assert model.position_share == pytest.approx(share, abs=1e-8)
    assert model.slope.value == pytest.approx(np.polyfit(np.arange(n), effects, 1)[0], abs=1e-8)
    assert model.last_to_first.value == pytest.approx(model.slope.value * (n - 1))
    curve = np.polyfit(np.arange(n), effects, 2)
    centre, end = np.arange(n)[n // 2] if n % 2 else (n - 1) // 2, 0
    shift = (centre - (n - 1) / 2) ** 2 - (end - (n - 1) / 2) ** 2
    assert model.middle.value == pytest.approx(curve[0] * shift, abs=1e-8)


def test_a_strategy_that_returns_its_input_has_a_slope_of_one_and_one_that_reverses_it_minus_one():
    orders = draw("random", 6, 8, seed=1).orders
    same = quick([run(order, range(6, 0, -1)) for order in orders]).model
    assert same.slope.value == pytest.approx(1)
    assert same.last_to_first.value == pytest.approx(5)
    assert same.middle.value == pytest.approx(0, abs=1e-9)
    assert same.position_share == pytest.approx(1)
    assert same.debiased == pytest.approx(np.full(6, 3.5))
    assert quick([run(order, range(6)) for order in orders]).model.slope.value == pytest.approx(-1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scores", [range(7), [0, 0, 1, 1, 1, 2, 3]], ids=["no ties", "ties"])
def test_a_strategy_that_ignores_the_order_has_exactly_no_effect(kind, scores):
    design = draw(kind, 7, 8, seed=3)
    found = quick([run(order, [scores[at] for at in order]) for order in design.orders], design)
    assert found.unmoved
    assert found.shuffled.w == 1
    model = found.model
    assert (model.slope.value, model.slope.low, model.slope.high) == (0, 0, 0)
    assert (model.middle.value, model.position_share) == (0, 0)
    assert not model.effects.any()
    assert (found.test.linear, found.test.middle) == (1, 1)


def test_the_debiased_ranking_undoes_what_places_did():
    """Documents 0 to 5 in order of quality, each moved down by its place; the raw means are off."""
    orders = [(5, 4, 3, 2, 1, 0)] * 3 + list(draw("random", 6, 3, seed=2).orders)
    runs = [run(order, [-1.2 * document - place for place, document in enumerate(order)]) for order in orders]
    assert quick(runs, Design("random", tuple(orders))).debiased_order == (0, 1, 2, 3, 4, 5)


def test_orders_that_cannot_tell_places_from_documents_give_no_effects():
    same = quick([run((0, 1, 2), scores) for scores in ([3, 2, 1], [3, 1, 2])])
    assert same.model.effects is None
    assert same.model.slope is None
    assert same.model.debiased is None
    assert same.test is None


def test_one_order_and_its_reverse_tell_the_slope_but_no_single_effect_and_no_interval():
    orders = ((0, 1, 2, 3), (3, 2, 1, 0))
    model = quick([run(order, [4, 3, 2, 1]) for order in orders]).model
    assert model.effects is None
    assert model.middle is None
    assert model.slope.value == pytest.approx(1)
    assert model.slope.low is None


def test_an_interval_is_t_times_the_bootstrap_error_over_whole_groups():
    design = draw("pairs", 5, 8, seed=4)
    runs = random_runs(design.orders, 4, pull=0.1)
    found = fit(observe(runs), design.groups, resamples=20_000)
    slopes = []
    for picked in np.random.default_rng(7).integers(0, 4, (1500, 4)):
        again = [runs[2 * group + half] for group in picked for half in (0, 1)]
        slopes.append(fit(observe(again), range(8), resamples=0).slope.value)
    error = np.std(slopes, ddof=1) * np.sqrt(4 / 3)
    assert found.groups == 4
    assert found.slope.error == pytest.approx(error, rel=0.06)
    assert found.slope.high - found.slope.value == pytest.approx(student.ppf(0.975, 3) * found.slope.error)
    assert found.high - found.effects == pytest.approx(found.effects - found.low)


def test_what_can_be_found_is_what_power_of_four_in_five_asks_for():
    found = estimate(1.0, 0.5, 6)
    assert found.detectable == pytest.approx(0.5 * (student.ppf(0.975, 5) + student.ppf(0.8, 5)))


def statistics(places, ranks):
    weights = places - (places.shape[1] - 1) / 2
    off = ranks - ranks.mean(axis=0)
    curve = weights**2 - (weights**2).mean()
    return abs((weights * off).sum()), abs((curve * off).sum())


def every_design(kind, n, runs, design):
    """The places of every design that could have been drawn, each as often as it is likely."""
    singles = [np.array(order) for order in permutations(range(n))]
    if kind == "random":
        return [np.array(rows) for rows in product(singles, repeat=runs)]
    if kind == "pairs":
        pairs = [[row, n - 1 - row] for row in singles]
        return [np.concatenate(rows) for rows in product(pairs, repeat=runs // 2)]
    places = design.places()
    return [places[list(rows)][:, list(labels)] for rows in permutations(range(runs)) for labels in singles]


@pytest.mark.parametrize(
    ("kind", "n", "runs", "levels"),
    [("random", 3, 3, None), ("random", 3, 3, 2), ("pairs", 3, 4, None), ("pairs", 4, 4, 3), ("balanced", 4, 4, None)],
)
def test_randomisation_p_values_are_those_of_full_enumeration(kind, n, runs, levels):
    design = draw(kind, n, runs, seed=5)
    observed = observe(random_runs(design.orders, 6, levels, pull=0.15))
    mine = statistics(observed.places, observed.ranks)
    beyond = np.mean(
        [
            [theirs >= own - 1e-9 for theirs, own in zip(statistics(places, observed.ranks), mine, strict=True)]
            for places in every_design(kind, n, runs, design)
        ],
        axis=0,
    )
    found = position_test(observed, design, draws=20_000, chance=np.random.default_rng(1))
    assert (found.linear, found.middle) == pytest.approx(beyond, abs=0.015)
    assert [found.linear_adjusted, found.middle_adjusted] == holm([found.linear, found.middle])


def test_holms_correction():
    assert holm([0.01, 0.04]) == pytest.approx([0.02, 0.04])
    assert holm([0.04, 0.03]) == pytest.approx([0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.01, 0.02, 0.03]) == pytest.approx([0.03, 0.04, 0.04])


@settings(deadline=None)
@given(st.integers(2, 7), st.integers(0, 99), st.sampled_from([None, 2]))
def test_shares_sum_to_one_by_place_and_by_rank_with_ties_spread_evenly(n, seed, levels):
    found = quick(random_runs(draw("random", n, 5, seed).orders, seed, levels), resamples=0, draws=1)
    assert found.share.sum(axis=0) == pytest.approx(np.ones(n))
    assert found.share.sum(axis=1) == pytest.approx(np.ones(n))
    assert found.share @ np.arange(1, n + 1) == pytest.approx(found.mean_rank)


def test_results_do_not_depend_on_the_documents_numbers_nor_on_the_order_of_independent_runs():
    orders = draw("random", 5, 6, seed=2).orders
    runs = random_runs(orders, 2)
    name = [40, 7, 3, 99, 12]
    renamed = [
        BiasRun(tuple(name[at] for at in each.order), {name[at]: rank for at, rank in each.ranks.items()})
        for each in runs
    ]
    one, two = quick(runs), quick(renamed)
    assert two.documents == (3, 7, 12, 40, 99)
    assert two.model.effects == pytest.approx(one.model.effects)
    assert [name[at] for at in one.debiased_order] == list(two.debiased_order)
    assert quick(runs[::-1]).model.effects == pytest.approx(one.model.effects)


def test_equal_arguments_give_equal_results():
    design = draw("pairs", 6, 6, seed=2)
    runs = random_runs(design.orders, 2)
    one, two = quick(runs, design), quick(runs, design)
    assert one.model.slope == two.model.slope
    assert one.test == two.test


def test_ranks_from_elsewhere_become_mid_ranks():
    assert observe([BiasRun((0, 1, 2, 3), {0: 1, 1: 1, 2: 9, 3: 5})]).ranks.tolist() == [[1.5, 1.5, 4, 3]]


def test_failed_runs_are_left_out_and_counted_and_their_partner_stays():
    design = draw("pairs", 5, 8, seed=1)
    runs = random_runs(design.orders, 1, pull=0.2)
    runs[3] = BiasRun(runs[3].order, None)
    found = quick(runs, design)
    assert (found.used, found.failed) == (7, 1)
    assert found.model.groups == 4
    assert found.observed.kept.tolist() == [0, 1, 2, 4, 5, 6, 7]
    assert found.model.effects == pytest.approx(by_dummies([each for each in runs if each.ranks])[0])
    assert found.test is not None


def test_if_every_run_failed_there_are_no_figures():
    design = draw("pairs", 4, 4)
    found = quick([BiasRun(order, None) for order in design.orders], design)
    assert (found.used, found.failed) == (0, 4)
    assert found.model.slope is None
    assert found.test is None
    assert found.shuffled is None
    assert found.repaired is None
    assert np.isnan(found.share).all()


def test_a_run_is_read_from_a_ranking_with_what_a_repair_placed():
    items = as_candidates(["a", "b", "c"])
    given = [items[at] for at in (2, 0, 1)]
    notes = [Diagnostic("missing", "", (1,)), Diagnostic("truncated", "", (0,)), Diagnostic("window-kept", "", (1, 2))]
    read = bias_run((2, 0, 1), by_order(given, [1, 0, 2], diagnostics=notes, outcome="repaired"))
    assert read == BiasRun((2, 0, 1), {0: 1, 2: 2, 1: 3}, frozenset({1, 2}))
    assert quick([read, BiasRun((0, 1, 2), {0: 1, 1: 2, 2: 3})]).repaired == pytest.approx(2 / 6)
    assert bias_run((0, 1, 2), by_score(items, [1, 1, 2], "made up")).ranks == {0: 2.5, 1: 2.5, 2: 1}
    assert bias_run((0, 1, 2), failed(items, [])).ranks is None


def test_noise_is_what_repeats_move_and_bias_what_exceeds_it():
    design, again = draw("pairs", 6, 10, seed=3), repeats(range(6), 3)
    quiet = quick(random_runs(design.orders, 3), design, [run(order, range(6)) for order in again.orders])
    assert quiet.noise.stability.moved == 0
    assert quiet.noise.band == 0
    assert quiet.noise.excess_flips == quiet.shuffled.flips > 0
    ranks = [[1, 2, 3, 4, 5, 6], [2, 1, 3, 4, 5, 6], [1, 2, 3, 4, 6, 5]]
    noisy = quick(
        random_runs(design.orders, 3), design, [BiasRun(tuple(range(6)), dict(enumerate(row))) for row in ranks]
    )
    assert noisy.noise.stability.moved == pytest.approx((4 / 3 + 4 / 3) / 6)  # 4 documents differ in 2 of 3 pairs
    variance = np.var(ranks, axis=0, ddof=1).mean()
    assert noisy.noise.band == pytest.approx(student.ppf(0.975, 10) * np.sqrt(variance / 10))


def test_failed_repeats_are_counted_and_none_left_is_no_control():
    design = draw("pairs", 4, 4)
    runs = random_runs(design.orders, 3)
    good = [BiasRun((0, 1, 2, 3), dict(enumerate(range(1, 5))))] * 2
    assert quick(runs, design, [*good, BiasRun((0, 1, 2, 3), None)]).noise.failed == 1
    assert quick(runs, design, [BiasRun((0, 1, 2, 3), None)] * 3).noise is None


@pytest.mark.parametrize(
    ("runs", "design", "again", "says"),
    [
        ([], None, [], "at least one run"),
        ([BiasRun((0, 0), None)], None, [], "twice"),
        ([BiasRun((0, 1), None), BiasRun((0, 2), None)], None, [], "run 2 does not give"),
        ([BiasRun((0, 1), {0: 1})], None, [], "run 1 does not rank"),
        ([BiasRun((0, 1), {0: 1, 1: float("nan")})], None, [], "run 1 has a rank that is no finite"),
        ([BiasRun((0, 1), None)], Design("random", ((1, 0),)), [], "orders of their design"),
        ([BiasRun((0, 1), None)], None, [BiasRun((0, 1), None), BiasRun((1, 0), None)], "the same order"),
        ([BiasRun((0, 1), None)], None, [BiasRun((0, 2), None)] * 3, "not about the documents"),
    ],
)
def test_runs_that_do_not_fit_each_other_are_refused_with_what_is_wrong(runs, design, again, says):
    with pytest.raises(ValueError, match=says):
        analyse(runs, design, again)


@pytest.mark.parametrize("name", EFFECTS)
def test_tables_give_the_rankings_that_the_simulated_model_gives_through_the_engine(name):
    relevance = np.random.default_rng(8).random(7)
    orders = np.array(draw("random", 7, 12, seed=8).orders)
    quiet = type(EFFECTS[name])(
        **{field: getattr(EFFECTS[name], field) for field in ("primacy", "recency", "edges")}, noise=0
    )
    assert (through_engine(relevance, orders, quiet) == rank(relevance, orders, quiet, np.random.default_rng(0))).all()


@pytest.mark.parametrize("kind", ["pairs", "balanced"])
def test_what_is_stated_is_found_and_intervals_hold_the_truth(kind):
    """A small version of the benchmark: 60 experiments each, so 95 % means about 57."""
    strong, none = (experiment(EFFECTS[name], kind, 60, sets=3) for name in ("primacy", "none"))
    assert strong.covered.mean() >= 0.88
    assert none.covered.mean() >= 0.88
    assert strong.rejected.mean() >= 0.9
    assert none.rejected.mean() <= 0.12


def test_recognised_designs_give_the_same_figures_as_stated_ones():
    design = draw("pairs", 6, 6, seed=2)
    runs = random_runs(design.orders, 2)
    stated, recognised = quick(runs, design), quick(runs, recognise(design.orders))
    assert stated.model.slope == recognised.model.slope
