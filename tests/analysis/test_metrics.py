import json
import random
from itertools import permutations, product
from pathlib import Path

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_measures import RR, P, Qrel, ScoredDoc, nDCG

from reranking.analysis.metrics import Range, _ndcg_ends, _tie_groups, evaluate, ndcg, quality_range
from reranking.documents import as_candidates
from reranking.ranking import by_order, by_score, failed

SHARED = Path(__file__).parents[3] / "shared"


def candidates(n):
    return as_candidates([f"text {at}" for at in range(n)])


def library(order, grades, k=10, rel=1):
    """The evaluator on its own: nDCG@k, RR, P@1 of one strict order."""
    measures = [nDCG @ k, RR(rel=rel), P(rel=rel) @ 1]
    qrels = [Qrel("q", f"{index:03d}", grade) for index, grade in grades.items()]
    run = [ScoredDoc("q", f"{index:03d}", float(-rank)) for rank, index in enumerate(order)]
    values = ir_measures.calc_aggregate(measures, qrels, run)
    return [values[measure] for measure in measures]


def figures(quality):
    return [quality.ndcg_at_10, quality.reciprocal_rank, quality.precision_at_1]


@pytest.mark.parametrize("seed", range(40))
def test_without_ties_the_figures_are_those_of_the_library(seed):
    rng = random.Random(seed)
    n = rng.randint(1, 40)
    order = rng.sample(range(n), n)
    judged = rng.sample(range(n), rng.randint(1, n))
    grades = {index: rng.choice([-1, 0, 0, 1, 2, 3]) for index in judged}
    rel = rng.choice([1, 2])
    quality = evaluate(by_order(candidates(n), order), grades, relevant_from=rel)
    assert figures(quality) == library(order, grades, rel=rel)
    assert not quality.averaged


@pytest.mark.parametrize("seed", range(40))
def test_with_ties_the_figures_are_the_means_over_every_order_of_the_tied(seed):
    rng = random.Random(seed)
    n = rng.randint(2, 7)
    scores = [float(rng.randint(0, 2)) if rng.random() < 0.9 else None for _ in range(n - 2)]
    scores += [1.0, 1.0]
    grades = {index: rng.choice([-1, 0, 1, 2]) for index in rng.sample(range(n), rng.randint(1, n))}
    rel = rng.choice([1, 2])
    ranking = by_score(candidates(n), scores, "grade out of 2")
    groups = {}
    for item in ranking:
        groups.setdefault(item.tie, []).append(item.index)
    orders = [sum(parts, ()) for parts in product(*(permutations(group) for group in groups.values()))]
    for k in (2, 10):
        measured = [library(order, grades, k, rel) for order in orders]
        means = [sum(column) / len(orders) for column in zip(*measured, strict=True)]
        assert ndcg(ranking, grades, k) == pytest.approx(means[0], abs=1e-12)
    quality = evaluate(ranking, grades, relevant_from=rel)
    assert quality.averaged
    assert figures(quality) == pytest.approx(means, abs=1e-12)


def test_a_strategy_that_ties_everything_scores_the_same_whatever_the_input_order():
    grades = [2, 0, 0, 1, 0]
    seen = set()
    for order in permutations(range(5)):
        ranking = by_score(candidates(5), [1.0] * 5, "similarity")
        quality = evaluate(ranking, {at: grades[index] for at, index in enumerate(order)})
        seen.add(tuple(round(value, 12) for value in figures(quality)))
    assert len(seen) == 1


def test_a_tie_of_two_of_which_one_is_relevant_counts_half():
    ranking = by_score(candidates(3), [5.0, 5.0, 1.0], "similarity")
    quality = evaluate(ranking, {0: 1, 1: 0, 2: 0})
    assert quality.precision_at_1 == 0.5
    assert quality.reciprocal_rank == pytest.approx((1 + 1 / 2) / 2)


def test_a_failed_ranking_and_one_without_judgments_have_no_figures():
    pool = candidates(3)
    assert evaluate(failed(pool, []), {0: 1}) is None
    assert ndcg(failed(pool, []), {0: 1}) is None
    assert evaluate(by_order(pool, [0, 1, 2]), {}) is None
    assert evaluate(by_order(pool, [0, 1, 2]), {7: 1}) is None
    assert evaluate(by_order((), ()), {}) is None


def test_unjudged_documents_are_counted_and_not_taken_for_judged_irrelevant():
    quality = evaluate(by_order(candidates(12), range(12)), {0: 0, 3: 2, 11: 1})
    assert (quality.judged, quality.judged_at_10, quality.unjudged, quality.relevant) == (3, 2, 9, 2)


def test_reversing_a_perfect_order_lowers_every_figure():
    pool, grades = candidates(12), dict.fromkeys(range(6, 12), 0) | {at: 3 - at // 2 for at in range(6)}
    best, worst = evaluate(by_order(pool, range(12)), grades), evaluate(by_order(pool, range(11, -1, -1)), grades)
    assert figures(best) == [1, 1, 1]
    assert all(low < high for low, high in zip(figures(worst), figures(best), strict=True))


@st.composite
def partly_judged(draw):
    """A ranking of a few documents, perhaps with ties, whose judgments leave some open; and the best grade."""
    best = draw(st.integers(1, 3))
    n = draw(st.integers(1, 6))
    tied = draw(st.booleans())
    scores = draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)) if tied else range(n)
    judged = draw(st.lists(st.sampled_from(range(n + 2)), min_size=1, unique=True))
    grades = {index: draw(st.integers(-1, best + 1)) for index in judged}
    rel = draw(st.integers(1, 2))
    return by_score(candidates(n), [float(score) for score in scores], "similarity"), grades, best, rel


@settings(max_examples=300, deadline=None)
@given(partly_judged(), st.integers(1, 6))
def test_the_ranges_are_the_least_and_greatest_figures_over_all_grades_the_unjudged_may_get(case, depth):
    ranking, grades, best, rel = case
    found = quality_range(ranking, grades, best, rel)
    if all(item.index not in grades for item in ranking):
        assert found is None
        return
    left = [item.index for item in ranking if item.index not in grades]
    reached = [
        {**grades, **dict(zip(left, completion, strict=True))}
        for completion in product(range(best + 1), repeat=len(left))
    ]
    all_figures = [figures(evaluate(ranking, full, rel)) for full in reached]
    for values, ends in zip(
        zip(*all_figures, strict=True),
        (found.ndcg_at_10, found.reciprocal_rank, found.precision_at_1),
        strict=True,
    ):
        assert (ends.low, ends.high) == pytest.approx((min(values), max(values)), abs=1e-9)
    assert (found.judged, found.unjudged) == (len(ranking) - len(left), len(left))
    cut = [ndcg(ranking, full, depth) for full in reached]
    assert _ndcg_ends(_tie_groups(ranking), grades, best, depth) == pytest.approx((min(cut), max(cut)), abs=1e-9)


def test_one_judged_document_at_the_top_leaves_ndcg_open_though_counting_the_others_as_zero_says_one():
    ranking = by_order(candidates(20), range(20))
    assert evaluate(ranking, {0: 3}).ndcg_at_10 == 1
    found = quality_range(ranking, {0: 3}, best=3)
    assert found.ndcg_at_10.low < 0.25
    assert found.ndcg_at_10.high == pytest.approx(1)
    assert found.precision_at_1 == found.reciprocal_rank == Range(1, 1)


def test_with_every_document_judged_the_ranges_are_the_figures():
    ranking = by_order(candidates(5), [4, 2, 0, 1, 3])
    grades = {0: 1, 1: 0, 2: 3, 3: 2, 4: 0}
    found, exact = quality_range(ranking, grades, best=3), figures(evaluate(ranking, grades))
    ends = (found.ndcg_at_10, found.reciprocal_rank, found.precision_at_1)
    assert [(end.low, end.high) for end in ends] == [(value, value) for value in exact]


def test_a_long_list_with_ties_has_a_range_too():
    ranking = by_score(candidates(500), [float(at // 3) for at in range(500)], "similarity")
    found = quality_range(ranking, {at: at % 4 for at in range(0, 500, 7)}, best=3)
    assert 0 <= found.ndcg_at_10.low < found.ndcg_at_10.high <= 1


def test_a_threshold_below_one_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        evaluate(by_order(candidates(1), [0]), {0: 1}, relevant_from=0)


def test_the_given_order_of_noveleval_has_its_published_ndcg():
    data, expected = SHARED / "data/noveleval/qrels.txt", SHARED / "conformance/figures.json"
    if not (data.exists() and expected.exists()):
        pytest.skip("the shared reference data is not beside the checkout")
    queries = {}
    for line in data.read_text().splitlines():
        topic, _, docno, grade = line.split()
        queries.setdefault(topic, {})[int(docno.split("-")[1])] = int(grade)
    given = json.loads(expected.read_text())["noveleval_bm25"]["given_order"]
    for k in (1, 5, 10):
        values = [ndcg(by_order(candidates(20), range(20)), grades, k) for grades in queries.values()]
        assert 100 * sum(values) / len(values) == pytest.approx(given[f"ndcg@{k}"], abs=0.01)
