"""Random direction: every pair once, strengths that maximise the stated likelihood, nothing for what was not heard."""

import random
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import minimize

from reranking.models import ModelError
from reranking.replies import Choices
from reranking.strategies.catalogue import fill_model, make
from reranking.strategies.random_direction import strengths
from tests.oracles import PerfectOracle, Rounds, Scripted
from tests.support import rank

A, B = Choices(logprobs=(-0.1, -3.0)), Choices(logprobs=(-3.0, -0.1))


def ask(model, count, **parameters):
    rounds = Rounds()
    strategy = fill_model(make({"kind": "pairwise-random", **parameters}), model, model.answers)
    return rank(strategy, count, through=rounds), rounds.sizes


def by_table(beats):
    """A model that follows a set of (winner, loser)."""
    return Scripted(lambda request, number: A if request.shown in beats else B)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 25, 100])
def test_every_pair_is_asked_once_and_all_pairs_together(count):
    oracle = PerfectOracle([at / max(count, 1) for at in range(count)])
    ranking, sizes = ask(oracle, count)
    assert sizes == ([count * (count - 1) // 2] if count > 1 else [])
    assert {frozenset(request.shown) for request in oracle.asked} == set(map(frozenset, combinations(range(count), 2)))
    assert ranking.order == tuple(reversed(range(count)))
    assert ranking.outcome == "complete"


@pytest.mark.parametrize("mode", ["agreement", "log-odds"])
@pytest.mark.parametrize("count", [2, 3, 8, 15, 30])
def test_grades_never_increase_down_the_list(count, mode):
    chance = random.Random(count)
    for ties in (False, True, False, True):
        grades = [chance.randrange(4) / 4 if ties else at / count for at in chance.sample(range(count), count)]
        for seed in (1, 2):
            ranking, _ = ask(PerfectOracle(grades), count, mode=mode, seed=seed)
            assert [grades[index] for index in ranking.order] == sorted(grades, reverse=True)


def likeliest(wins, alpha):
    """Maximise the stated likelihood directly."""
    count = len(wins)

    def loss(theta):
        apart = theta[:, None] - theta
        value = (wins * np.logaddexp(0, -apart)).sum() - alpha * count * (theta - np.exp(theta)).sum()
        missing = wins / (1 + np.exp(apart))  # win times the chance that it would have been none
        slope = missing.sum(axis=0) - missing.sum(axis=1) - alpha * count * (1 - np.exp(theta))
        return value, slope

    found = minimize(loss, np.zeros(count), jac=True, method="BFGS", options={"gtol": 1e-9, "maxiter": 5000})
    return found.x - found.x.mean()


@pytest.mark.parametrize("alpha", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("share", [1.0, 0.6])
@pytest.mark.parametrize("soft", [False, True])
def test_strengths_maximise_the_penalised_likelihood(alpha, share, soft):
    chance = np.random.default_rng(7)
    for count in (2, 5, 12):
        wins = np.zeros((count, count))
        for one, two in combinations(range(count), 2):
            if (one, two) == (0, 1) or chance.random() < share:
                won = chance.random() if soft else float(chance.random() < 0.3)
                wins[one, two], wins[two, one] = won, 1 - won
        known = [place for place in range(count) if (wins + wins.T)[place].any()]
        _, found = strengths(wins, alpha)
        assert [place for place in range(count) if found[place] is not None] == known
        expected = likeliest(wins[np.ix_(known, known)], alpha)
        assert [found[place] for place in known] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("count", [3, 5, 7, 9])
def test_documents_with_the_same_record_tie(count):
    """Everybody beats the next half of the circle: nobody is better than anybody."""
    beats = {(one, (one + step) % count) for one in range(count) for step in range(1, count // 2 + 1)}
    ranking, _ = ask(by_table(beats), count)
    assert {item.tie for item in ranking} == {1}
    assert [item.score for item in ranking] == pytest.approx([0] * count, abs=1e-6)
    assert ranking.order == tuple(range(count))


def test_documents_tie_exactly_where_their_numbers_of_wins_are_equal():
    for seed in range(20):
        chance = random.Random(seed)
        beats = {pair if chance.random() < 0.5 else pair[::-1] for pair in combinations(range(12), 2)}
        ranking, _ = ask(by_table(beats), 12)
        wins = [sum(winner == index for winner, _ in beats) for index in ranking.order]
        assert wins == sorted(wins, reverse=True)
        for at, (one, two) in enumerate(zip(ranking.items, ranking.items[1:], strict=False)):
            assert (one.tie == two.tie) == (wins[at] == wins[at + 1])


def test_a_probability_counts_as_a_share_of_the_win():
    def unsure(request, number):
        return Choices(logprobs=tuple(np.log([0.6, 0.4] if request.shown[0] == 0 else [0.4, 0.6])))

    whole, _ = ask(Scripted(unsure), 2, alpha=0.01)
    shared, _ = ask(Scripted(unsure), 2, mode="log-odds", alpha=0.01)
    assert whole.order == shared.order == (0, 1)
    gap = shared.items[0].score - shared.items[1].score
    assert gap == pytest.approx(np.log(0.6 / 0.4), rel=0.1)  # drawn together a little by alpha
    assert whole.items[0].score - whole.items[1].score > 3
    assert "log-strength" in whole.score_kind


def test_a_constant_preference_for_one_side_favours_no_document_on_average():
    scores = np.zeros((300, 5))
    for seed in range(300):
        ranking, _ = ask(Scripted(lambda request, number: A), 5, seed=seed)
        for item in ranking:
            scores[seed, item.index] = item.score
    error = scores.std(axis=0) / np.sqrt(300)
    assert (np.abs(scores.mean(axis=0)) < 3.5 * error).all()
    assert (error > 0).all()


def test_the_direction_follows_from_the_seed():
    def shown(seed):
        oracle = PerfectOracle([at / 20 for at in range(20)])
        ask(oracle, 20, seed=seed)
        return [request.shown for request in oracle.asked]

    assert shown(1) == shown(1) != shown(2)
    assert 0.4 < sum(first < second for first, second in shown(1)) / 190 < 0.6


def lossy(is_lost):
    def answer(request, number):
        if is_lost(*sorted(request.shown)):
            raise ModelError("server", "The server failed (500).")
        return A if request.shown[0] < request.shown[1] else B

    return Scripted(answer)


def test_a_document_without_a_comparison_has_no_score_and_is_named():
    ranking, _ = ask(lossy(lambda one, two: 2 in (one, two)), 5)
    assert ranking.order == (0, 1, 3, 4, 2)
    assert [item.score is None for item in ranking] == [False] * 4 + [True]
    assert ranking.outcome == "partial"
    assert [(note.code, note.indexes) for note in ranking.diagnostics] == [("server", (2,))]


def test_a_lost_comparison_between_documents_that_met_others_makes_the_ranking_partial():
    ranking, _ = ask(lossy(lambda one, two: (one, two) == (0, 4)), 5)
    assert ranking.order == (0, 1, 2, 3, 4)
    assert all(item.score is not None for item in ranking)
    assert ranking.outcome == "partial"
    assert [note.code for note in ranking.diagnostics] == ["server"]


def test_groups_without_a_comparison_between_them_are_reported():
    ranking, _ = ask(lossy(lambda one, two: (one < 2) != (two < 2)), 4)
    assert "not-connected" in [note.code for note in ranking.diagnostics]
    assert ranking.outcome == "partial"


def test_answers_that_say_neither_do_not_count():
    def silent(request, number):
        return Choices(logprobs=(None, None)) if 0 in request.shown else A

    ranking, _ = ask(Scripted(silent), 4)
    assert ranking.order[-1] == 0
    assert ranking.items[-1].score is None
    (note,) = ranking.diagnostics
    assert (note.code, note.indexes) == ("unusable-reply", (0,))
    assert "do not count" in note.message


def test_an_alpha_too_small_for_a_fit_is_refused():
    with pytest.raises(ValueError, match="alpha"):
        make("pairwise-random(alpha=0.001)")
