import random
from itertools import combinations, permutations
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.analysis.agreement import (
    Dispute,
    agreement_matrix,
    by_similarity,
    kendall_tau_b,
    most_disputed,
    summary,
    ties_everything,
)
from reranking.analysis.overlap import overlap, rbo
from reranking.documents import as_candidates
from reranking.ranking import Diagnostic, by_order, by_score, failed


def pool(n):
    return as_candidates([{"text": f"text {at}", "title": f"doc {at + 1}"} for at in range(n)])


def ordered(*order):
    return by_order(pool(len(order)), order)


def scored(*scores):
    return by_score(pool(len(scores)), scores, "similarity")


def broken(n):
    return failed(pool(n), [Diagnostic("model", "no answer")])


def by_definition(a, b):
    """Tau-b straight from its definition: pairs counted one by one."""
    first, second = a.mid_ranks(), b.mid_ranks()
    balance = untied_first = untied_second = 0
    for i, j in combinations(first, 2):
        x = (first[i] > first[j]) - (first[i] < first[j])
        y = (second[i] > second[j]) - (second[i] < second[j])
        balance += x * y
        untied_first += x != 0
        untied_second += y != 0
    return balance / sqrt(untied_first * untied_second) if untied_first and untied_second else None


@settings(deadline=None)  # the first example imports scipy
@given(st.integers(2, 12).flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 4), min_size=n, max_size=n)] * 2)))
def test_tau_follows_its_definition_with_ties(scores):
    a, b = (scored(*map(float, each)) for each in scores)
    expected, tau = by_definition(a, b), kendall_tau_b(a, b)
    assert tau == (None if expected is None else pytest.approx(expected, abs=1e-12))


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=30).filter(lambda scores: len(set(scores)) > 1))
def test_tau_of_a_ranking_with_itself_is_exactly_one_and_with_its_reverse_exactly_minus_one(scores):
    a, b = scored(*map(float, scores)), scored(*(-float(score) for score in scores))
    assert kendall_tau_b(a, a) == 1.0
    assert kendall_tau_b(a, b) == -1.0


# The 10 pairs of five documents, counted by hand. First: 7 agree, 3 do not. Second: each ties another one; of the
# 8 others 7 agree. Third: the first ties one, the second three others; of the 6 that are left 2 agree.
@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (ordered(0, 1, 2, 3, 4), ordered(1, 0, 3, 4, 2), (7 - 3) / 10),
        (scored(5, 4, 3, 3, 1), scored(4, 5, 3, 1, 1), (7 - 1) / sqrt(9 * 9)),
        (scored(5, 5, 3, 2, 1), scored(4, 3, 3, 3, 5), (2 - 4) / sqrt(9 * 7)),
    ],
)
def test_tau_of_hand_worked_cases_is_scipys(a, b, expected):
    from scipy.stats import kendalltau

    assert kendall_tau_b(a, b) == pytest.approx(expected, abs=1e-12)
    ranks = [[ranking.mid_ranks()[at] for at in range(5)] for ranking in (a, b)]
    assert kendall_tau_b(a, b) == pytest.approx(kendalltau(*ranks).statistic, abs=1e-12)


def test_tau_is_undefined_for_failures_full_ties_and_single_documents():
    assert kendall_tau_b(broken(3), ordered(0, 1, 2)) is None
    assert kendall_tau_b(ordered(0, 1, 2), broken(3)) is None
    assert kendall_tau_b(scored(1.0, 1.0, 1.0), ordered(0, 1, 2)) is None
    assert kendall_tau_b(ordered(0), ordered(0)) is None
    assert kendall_tau_b(ordered(), ordered()) is None


def test_rankings_of_different_candidates_are_refused():
    with pytest.raises(ValueError, match="same candidates"):
        kendall_tau_b(ordered(0, 1), ordered(0, 1, 2))


def test_the_order_in_which_tied_documents_are_listed_does_not_count():
    texts, reference = pool(4), ordered(2, 0, 1, 3)
    values = [3.0, 3.0, 1.0, 3.0]
    taus = {
        kendall_tau_b(by_score([texts[at] for at in order], [values[at] for at in order], "similarity"), reference)
        for order in permutations(range(4))
    }
    assert len(taus) == 1


def test_the_matrix_is_symmetric_with_ones_where_tau_is_defined():
    rankings = [ordered(0, 1, 2, 3), ordered(3, 1, 0, 2), broken(4), scored(1.0, 1.0, 1.0, 1.0)]
    matrix = agreement_matrix(rankings)
    assert [matrix[at][at] for at in range(4)] == [1.0, 1.0, None, None]
    assert all(matrix[i][j] == matrix[j][i] for i in range(4) for j in range(4))
    assert matrix[0][1] == pytest.approx(by_definition(rankings[0], rankings[1]))
    assert all(matrix[2][j] is None and matrix[3][j] is None for j in range(4))


@pytest.mark.parametrize("measure", [kendall_tau_b, rbo, lambda a, b: overlap(a, b, 2)])
def test_a_matrix_of_any_measure_leaves_out_what_holds_no_order(measure):
    rankings = [ordered(0, 1, 2, 3), scored(1.0, 1.0, 1.0, 1.0), ordered(3, 1, 0, 2), broken(4)]
    assert [ties_everything(ranking) for ranking in rankings] == [False, True, False, False]
    matrix = agreement_matrix(rankings, measure)
    assert [matrix[at][at] for at in range(4)] == [1.0, None, 1.0, None]
    assert matrix[0][2] == measure(rankings[0], rankings[2]) < 1
    assert all(matrix[1][j] is None and matrix[3][j] is None for j in range(4))


def test_rankings_that_agree_stand_beside_each_other():
    near = [ordered(0, 1, 2, 3, 4, 5), ordered(0, 1, 2, 3, 5, 4)]
    far = [ordered(5, 4, 3, 2, 1, 0), ordered(5, 4, 3, 2, 0, 1)]
    matrix = agreement_matrix([near[0], far[0], broken(6), near[1], far[1]])
    order = by_similarity(matrix)
    assert order[-1] == 2
    assert {*order[:2]} == {0, 3}
    assert {*order[2:4]} == {1, 4}


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 8))
def test_the_order_by_similarity_holds_every_row_once(seed, count):
    rng = random.Random(seed)
    rankings = [scored(*(float(rng.randrange(3)) for _ in range(4))) for _ in range(count)]
    assert sorted(by_similarity(agreement_matrix(rankings))) == list(range(count))


def test_the_most_disputed_document_comes_first_and_failures_do_not_count():
    rankings = [ordered(0, 1, 2, 3), ordered(1, 2, 3, 0), broken(4)]
    assert most_disputed(rankings) == [Dispute(0, 1, 4), Dispute(1, 1, 2), Dispute(2, 2, 3), Dispute(3, 3, 4)]
    assert most_disputed(rankings)[0].spread == 3
    assert most_disputed([broken(4)]) == []
    assert most_disputed([]) == []


def test_tied_documents_are_disputed_by_their_shared_rank():
    disputes = {each.index: each for each in most_disputed([scored(1.0, 1.0, 1.0, 1.0), ordered(3, 0, 1, 2)])}
    assert disputes[3] == Dispute(3, 1, 2.5)


@pytest.mark.parametrize(
    ("swaps", "verdict"),  # of 45 pairs, each swap takes 2/45 from tau: .91, .60, .33, .02, -.07, -.11, -.29, -.64
    [(2, "agree almost fully"), (9, "mostly agree"), (15, "agree in part"), (22, "hardly agree"), (24, "hardly agree"),
     (25, "disagree"), (29, "disagree"), (37, "contradict each other")],
)  # fmt: skip
def test_more_pairs_in_the_other_order_than_in_the_same_are_told_as_disagreement(swaps, verdict):
    order = list(range(10))
    for _ in range(swaps):  # each swap of neighbours that stand in order makes one more pair disagree
        at = next(at for at in range(9) if order[at] < order[at + 1])
        order[at], order[at + 1] = order[at + 1], order[at]
    said = summary([ordered(*range(10)), ordered(*order)], ["A", "B"])
    assert said.startswith(f"A and B {verdict} (tau ")


def test_the_summary_names_the_median_the_farthest_pair_and_the_most_moved_document():
    others = [at for at in range(20) if at != 6]
    base, nearly, last = (ordered(*others[:place], 6, *others[place:]) for place in (6, 7, 19))
    # Document 7 passes 1, 12 or 13 others: tau is 1 - 2 * swaps / 190 = .99, .87, .86.
    assert summary([base, nearly, last], ["BM25", "Dense", "Grade"]) == (
        "They mostly agree (median tau .87). BM25 and Grade disagree most (tau .86); “doc 7” moves 13 places."
    )


@pytest.mark.parametrize(
    ("rankings", "names", "expected"),
    [
        ([], [], None),
        ([ordered(0, 1)], ["A"], "Only A gave a ranking: nothing to compare it with."),
        ([broken(2)], ["A"], "Nothing to compare. A failed: no answer."),
        ([broken(2), broken(2)], ["A", "B"], "Nothing to compare. A and B failed: no answer."),
        (
            [ordered(0, 1), broken(2)],
            ["A", "B"],
            "Only A gave a ranking: nothing to compare it with. B failed and is left out: no answer.",
        ),
        ([ordered(0), ordered(0)], ["A", "B"], "With one document there is no order to compare."),
        ([ordered(0, 1), ordered(0, 1)], ["A", "B"], "A and B give the same order."),
        ([ordered(0, 1)] * 3, ["A", "B", "C"], "All 3 strategies give the same order."),
        (
            [ordered(0, 1, 2), ordered(2, 1, 0)],
            ["A", "B"],
            "A and B contradict each other (tau -1); “doc 1” moves 2 places.",
        ),
        (
            [scored(1.0, 1.0), ordered(0, 1)],
            ["A", "B"],
            "Too many ties to say how far A and B agree. A ties every document.",
        ),
        (
            [scored(1.0, 1.0, 1.0), ordered(0, 1, 2), ordered(0, 2, 1), broken(3)],
            ["A", "B", "C", "D"],
            "B and C agree in part (tau .33); “doc 2” moves 1 place. A ties every document. "
            "D failed and is left out: no answer.",
        ),
    ],
)
def test_the_summary_has_words_for_few_or_no_comparable_rankings(rankings, names, expected):
    assert summary(rankings, names) == expected


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30), st.integers(2, 6))
def test_the_summary_never_rounds_a_difference_away(seed, n, count):
    rng = random.Random(seed)
    rankings = [ordered(*rng.sample(range(n), n)) for _ in range(count)]
    text = summary(rankings, [f"S{at}" for at in range(count)])
    same = len({ranking.order for ranking in rankings}) == 1
    assert ("same order" in text) == same
    assert same or "moves" in text


def test_a_long_title_is_cut_and_a_missing_one_is_replaced_by_the_first_words():
    long = as_candidates([{"text": "a", "title": "word " * 40}, {"text": "b"}])
    assert "…” moves 1 place." in summary([by_order(long, [0, 1]), by_order(long, [1, 0])], ["A", "B"])
    plain = as_candidates(["a", "b"])
    assert "“a” moves" in summary([by_order(plain, [0, 1]), by_order(plain, [1, 0])], ["A", "B"])
