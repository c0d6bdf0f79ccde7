"""Pairwise strategies: exact under a perfect oracle, honest under any other, with the stated number of requests."""

import math
import random
import statistics
from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.models import ModelError
from reranking.replies import Choices
from reranking.strategies.catalogue import fill_model, make
from tests.clock import steps_of
from tests.oracles import PerfectOracle, Scripted
from tests.support import candidates, rank

TOP_K = ("pairwise-sort", "pairwise-sliding")


def run(name, grades, **parameters):
    oracle = PerfectOracle(grades)
    strategy = fill_model(make({"kind": name, **parameters}), oracle, oracle.answers)
    return rank(strategy, len(grades)), oracle


def lists(count, amount, seed=0):
    chance = random.Random(f"{seed} {count}")
    for at in range(amount):
        grades = (
            [chance.randrange(4) / 4 for _ in range(count)]
            if at % 2
            else [item / 50 for item in chance.sample(range(50), count)]
        )
        yield grades


@pytest.mark.parametrize("mode", ["agreement", "log-odds"])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 15])
def test_all_pairs_give_the_exact_order_and_ties_exactly_where_grades_are_equal(count, mode):
    for grades in lists(count, 6):
        ranking, oracle = run("pairwise-all", grades, mode=mode)
        ordered = [grades[index] for index in ranking.order]
        assert ordered == sorted(grades, reverse=True)
        assert ranking.outcome == "complete"
        assert len(oracle.asked) == count * (count - 1)
        if mode == "agreement":
            for one, two in zip(ranking.items, ranking.items[1:], strict=False):
                assert (one.tie == two.tie) == (grades[one.index] == grades[two.index])


@pytest.mark.parametrize("name", TOP_K)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 16, 25, 40])
@pytest.mark.parametrize("k", [1, 5, 10, 40])
def test_the_top_k_are_exact_for_every_n_and_k(name, count, k):
    for grades in lists(count, 6, seed=k):
        ranking, _ = run(name, grades, k=k)
        assert [grades[index] for index in ranking.order[:k]] == sorted(grades, reverse=True)[:k]
        assert ranking.outcome == "complete"


def test_what_was_not_put_in_order_is_one_tie_in_input_order():
    ranking, _ = run("pairwise-sort", [at / 20 for at in range(20)], k=3)
    assert ranking.order[:3] == (19, 18, 17)
    assert ranking.order[3:] == tuple(range(17))
    assert {item.tie for item in ranking.items[3:]} == {4}


def test_sorting_asks_about_as_often_as_published():
    amounts = []
    for seed in range(10):
        grades = [item / 200 for item in random.Random(seed).sample(range(200), 100)]
        amounts.append(len(run("pairwise-sort", grades, k=10)[1].asked) / 2)
    assert statistics.mean(amounts) == pytest.approx(280, rel=0.1)


def test_sliding_asks_as_often_as_its_formula_and_in_the_steps_of_a_wavefront():
    grades = [item / 50 for item in range(50)]  # worst first: every pass changes something
    requests, steps = steps_of(make("pairwise-sliding(k=10)"), grades)
    assert requests == 2 * (10 * 49 - 45)
    assert steps == 49 + 9


def test_sorting_takes_far_fewer_steps_than_comparisons():
    taken = []
    for seed in range(10):
        grades = [item / 100 for item in random.Random(seed).sample(range(100), 50)]
        requests, steps = steps_of(make("pairwise-sort(k=10)"), grades)
        taken.append(steps)
        assert requests > 4 * steps
    assert statistics.mean(taken) <= 64


def test_the_answers_order_of_arrival_changes_nothing():
    import asyncio

    for name in TOP_K:
        found = []
        for seed in range(4):
            chance = random.Random(seed)

            async def answer(request, chance=chance):
                await asyncio.sleep(chance.random() / 1000)
                first, second = request.shown
                odd = (first * second) % 7 == 0
                return Choices(logprobs=(-0.1, -2.5) if (first > second) != odd else (-2.5, -0.1))

            model = Scripted(lambda request, number, answer=answer: answer(request), name="m", concurrency=5)
            ranking = rank(fill_model(make({"kind": name, "k": 4}), model, model.answers), 12)
            found.append((ranking.items, ranking.diagnostics, ranking.details))
        assert found[1:] == found[:1] * 3


def test_sliding_gives_what_the_plain_passes_give():
    """An independent, sequential bubble of k passes."""
    for grades in lists(17, 10):
        order = list(range(17))
        for number in range(5):
            for lower in range(16, number, -1):
                if grades[order[lower]] > grades[order[lower - 1]]:
                    order[lower - 1], order[lower] = order[lower], order[lower - 1]
        ranking = run("pairwise-sliding", grades, k=5)[0]
        assert [grades[index] for index in ranking.order] == [grades[index] for index in order]
        for one, two in zip(ranking.items[:5], ranking.items[1:5], strict=False):
            assert (one.tie == two.tie) == (grades[one.index] == grades[two.index])


@pytest.mark.parametrize("name", ["pairwise-all", *TOP_K])
def test_a_model_that_always_answers_a_decides_nothing_and_every_comparison_is_inconsistent(name):
    model = Scripted(lambda request, number: Choices(logprobs=(-0.1, -2.5)))
    ranking = rank(fill_model(make({"kind": name}), model, model.answers), 8)
    assert ranking.order == tuple(range(8))
    assert ranking.details["inconsistent"] == ranking.details["compared"] > 0
    assert {item.tie for item in ranking} == {1}


def test_a_constant_preference_for_one_side_cancels_in_the_mean_log_odds():
    grades = [0.1, 0.9, 0.4, 0.6]

    def biased(request, number):
        first, second = (grades[index] for index in request.shown)
        return Choices(logprobs=(first + 3.0, second))  # "A" gains three nats wherever it stands

    model = Scripted(biased)
    assert rank(fill_model(make("pairwise-all"), model, model.answers), 4).details["inconsistent"] == 6
    ranking = rank(fill_model(make("pairwise-all(mode='log-odds')"), model, model.answers), 4)
    assert ranking.order == (1, 3, 2, 0)
    assert ranking.score_kind == "expected wins"


def test_circles_are_counted():
    beats = {(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)}

    def circular(request, number):
        return Choices(logprobs=(-0.1, -3.0) if request.shown in beats else (-3.0, -0.1))

    model = Scripted(circular)
    ranking = rank(fill_model(make("pairwise-all"), model, model.answers), 4)
    assert ranking.details["cyclic_triads"] == 1
    assert [item.score for item in ranking] == [2.0, 2.0, 2.0, 0.0]


def test_a_lost_answer_makes_a_tie_and_the_ranking_partial():
    def sometimes(request, number):
        if request.shown == (0, 1):
            raise ModelError("server", "The server failed (500).")
        return Choices(logprobs=(-0.1, -3.0) if request.shown[0] < request.shown[1] else (-3.0, -0.1))

    model = Scripted(sometimes)
    ranking = rank(fill_model(make("pairwise-all"), model, model.answers), 3)
    assert [(item.index, item.score) for item in ranking] == [(0, 1.5), (1, 1.5), (2, 0.0)]
    assert ranking.outcome == "partial"
    assert set(ranking.diagnostics[0].indexes) == {0, 1}


@settings(max_examples=50)
@given(st.lists(st.text(st.sampled_from(list("=AB:\n Passge[]12")), max_size=40), min_size=2, max_size=4))
def test_a_passage_cannot_pose_as_the_other_one(texts):
    from reranking.documents import as_candidates

    def literal(request, number):
        prompt = request.messages[1].text
        fence = prompt.split("Passage A:\n", 1)[1].split("\n", 1)[0]
        assert set(fence) == {"="}
        assert prompt.count(f"{fence}\n") >= 4
        assert sum(line == fence for line in prompt.splitlines()) == 4
        return Choices(logprobs=(-1.0, -1.0))

    model = Scripted(literal)
    rank(fill_model(make("pairwise-all"), model, model.answers), as_candidates(texts))


def test_the_note_on_order_is_shown_only_if_asked_for():
    seen = []
    model = Scripted(lambda request, number: (seen.append(request.messages[1].text), Choices(logprobs=(0.0, -1.0)))[1])
    for note in (False, True):
        rank(fill_model(make({"kind": "pairwise-all", "order_note": note}), model, model.answers), 2)
    assert ["carries no information" in text for text in seen] == [False, False, True, True]


def test_log_odds_of_a_missing_side_stay_finite():
    model = Scripted(
        lambda request, number: Choices(logprobs=(-0.1, None) if request.shown == (0, 1) else (None, -0.1))
    )
    ranking = rank(fill_model(make("pairwise-all(mode='log-odds')"), model, model.answers), 2)
    assert all(math.isfinite(item.score) for item in ranking)
    assert ranking.order == (0, 1)


def near(worth, gap):
    """A model that prefers A unless one of the two is better by `gap`: ties that are not transitive."""

    def answer(request, number):
        first, second = (worth[index] for index in request.shown)
        return Choices(logprobs=(-5.0, 0.0) if second - first >= gap else (0.0, -5.0))

    return Scripted(answer)


def broken(ranking, among):
    """Decided comparisons (winner, loser) that share a tie or stand upside down, the loser in `among`."""
    ties = {item.index: item.tie for item in ranking}
    told = [(entry["first"], entry["second"], entry["winner"]) for entry in ranking.details["comparisons"]]
    decided = [(one, two) if winner == one else (two, one) for one, two, winner in told if winner is not None]
    assert decided
    return [pair for pair in decided if pair[1] in among and ties[pair[0]] >= ties[pair[1]]]


@pytest.mark.parametrize("name", ["pairwise-sort", "pairwise-sliding", "pairwise-active"])
@pytest.mark.parametrize("gap", [0.05, 0.1, 0.3])
def test_no_decided_pair_of_the_top_k_shares_a_tie_or_stands_upside_down(name, gap):
    """Where a ties b and b ties c, while a beats c."""
    for seed in range(8):
        chance = random.Random(f"{gap} {seed}")
        for count, k in ((8, 5), (30, 10), (30, 30)):
            model = near([chance.random() for _ in range(count)], gap)
            ranking = rank(fill_model(make({"kind": name, "k": k}), model, model.answers), count)
            among = range(count) if name == "pairwise-sliding" else ranking.order[:k]
            assert broken(ranking, set(among)) == []


@pytest.mark.parametrize("name", ["pairwise-sort", "pairwise-sliding", "pairwise-active"])
def test_a_decided_pair_is_in_order_whatever_is_decided_as_long_as_it_goes_in_no_circle(name):
    for seed in range(40):
        chance = random.Random(seed)
        true = chance.sample(range(12), 12)
        tied = {frozenset(pair) for pair in combinations(range(12), 2) if chance.random() < 0.4}

        def answer(request, number, true=true, tied=tied):
            first, second = request.shown
            says_a = frozenset(request.shown) in tied or true[first] < true[second]
            return Choices(logprobs=(0.0, -5.0) if says_a else (-5.0, 0.0))

        model = Scripted(answer)
        ranking = rank(fill_model(make({"kind": name, "k": 12}), model, model.answers), 12)
        assert broken(ranking, set(range(12))) == []


def test_answers_that_go_in_a_circle_still_give_an_order_of_all():
    beats = {(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)}
    model = Scripted(lambda request, number: Choices(logprobs=(0.0, -5.0) if request.shown in beats else (-5.0, 0.0)))
    for name in TOP_K:
        ranking = rank(fill_model(make({"kind": name}), model, model.answers), 4)
        assert ranking.order[3] == 3
        assert ranking.items[3].tie > ranking.items[2].tie


@pytest.mark.parametrize("name", [*TOP_K, "pairwise-active"])
def test_of_equal_documents_the_first_ones_are_the_top(name):
    for count, k in ((7, 3), (20, 5), (33, 10)):
        grades = [0.5] * count
        assert run(name, grades, k=k)[0].order == tuple(range(count))
        grades[count // 2] = 0.9
        best = count // 2
        assert run(name, grades, k=k)[0].order == (best, *(at for at in range(count) if at != best))


def details_of(strategy, model, items):
    return rank(fill_model(make(strategy), model, model.answers), items).details


def test_the_details_name_circles_inconsistent_pairs_and_wins_by_original_positions():
    beats = {(4, 1), (1, 2), (2, 4), (4, 3), (1, 3)}  # 2 and 3: always A

    def circular(request, number):
        says_a = request.shown in beats or set(request.shown) == {2, 3}
        return Choices(logprobs=(-0.1, -3.0) if says_a else (-3.0, -0.1))

    shuffled = [candidates(5)[at] for at in (3, 1, 4, 2)]
    told = details_of("pairwise-all", Scripted(circular), shuffled)
    assert told["cyclic_triads"] == 1
    ((one, two, three),) = told["cyclic"]
    assert {(one, two), (two, three), (three, one)} == {(4, 1), (1, 2), (2, 4)}
    assert told["inconsistent"] == 1
    assert [set(pair) for pair in told["inconsistent_pairs"]] == [{2, 3}]
    assert told["documents"] == [1, 2, 3, 4]
    assert told["wins"] == [[None, 1, 1, 0], [0, None, 0.5, 1], [0, 0.5, None, 0], [1, 0, 1, None]]


def test_the_sums_of_the_win_matrix_are_the_scores():
    for mode in ("agreement", "log-odds"):
        ranking, _ = run("pairwise-all", [at / 10 for at in (3, 1, 9, 3, 4)], mode=mode)
        for item in ranking:
            assert item.score == pytest.approx(math.fsum(won for won in ranking.details["wins"][item.index] if won))


def test_what_was_not_compared_or_lost_has_no_share_of_a_win():
    def sometimes(request, number):
        if request.shown == (0, 1):
            raise ModelError("server", "The server failed (500).")
        return Choices(logprobs=(-0.1, -3.0) if request.shown[0] < request.shown[1] else (-3.0, -0.1))

    assert details_of("pairwise-all", Scripted(sometimes), 3)["wins"] == [
        [None, None, 1],
        [None, None, 1],
        [0, 0, None],
    ]
    told = details_of("pairwise-sort(k=1)", PerfectOracle([at / 30 for at in range(30)]), 30)
    assert sum(won is not None for row in told["wins"] for won in row) == 2 * told["compared"] < 30 * 29


def test_circles_are_found_as_by_looking_at_every_triple_and_few_are_listed():
    chance = random.Random(4)
    for count in (3, 6, 12, 30):
        beats = {pair if chance.random() < 0.5 else pair[::-1] for pair in combinations(range(count), 2)}
        model = Scripted(
            lambda request, number, beats=beats: Choices(logprobs=(0.0, -5.0 if request.shown in beats else 5.0))
        )
        told = details_of("pairwise-all", model, count)
        found = [
            triple
            for triple in permutations(range(count), 3)
            if triple[0] == min(triple)
            and all(pair in beats for pair in zip(triple, (*triple[1:], triple[0]), strict=True))
        ]
        assert told["cyclic_triads"] == len(found)
        assert sorted(map(tuple, told["cyclic"])) == sorted(found)[:100]
    one_sided = details_of("pairwise-all", Scripted(lambda request, number: Choices(logprobs=(0.0, None))), 51)
    assert one_sided["inconsistent"] == 51 * 25
    assert len(one_sided["inconsistent_pairs"]) == 100
    assert one_sided["wins"] is None


def test_nothing_is_said_of_disagreement_where_one_order_was_asked():
    told = details_of("pairwise-random", PerfectOracle([0.1, 0.5, 0.9]), 3)
    assert told["inconsistent"] is None
    assert told["inconsistent_pairs"] is None
    assert told["wins"] == [[None, 0, 0], [1, None, 0], [1, 1, None]]
