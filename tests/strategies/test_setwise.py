"""Setwise: exact top k under a perfect oracle, as many questions as published, faults kept and told."""

import random
import statistics

import pytest

from reranking.analysis.bias_runs import bias_run
from reranking.models import ModelError
from reranking.replies import Choices
from reranking.strategies.catalogue import fill_model, make
from tests.clock import steps_of
from tests.oracles import ADVERSARIES, PerfectOracle, Scripted, adversary
from tests.support import rank

METHODS = ("heap", "tree")


def run(grades, **parameters):
    oracle = PerfectOracle(grades)
    return rank(fill_model(make({"kind": "setwise", **parameters}), oracle, oracle.answers), len(grades)), oracle


def first_of(request, number):
    """The first passage shown is the best."""
    return Choices(logprobs=tuple(-float(slot) for slot in range(len(request.choices))))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 9, 10, 11, 21, 40])
@pytest.mark.parametrize("k", [1, 2, 5, 10, 40])
@pytest.mark.parametrize("children", [2, 3, 9])
def test_the_top_k_are_exact_for_every_n_and_k(method, count, k, children):
    chance = random.Random(f"{count} {k} {children}")
    for ties in (False, True, False, True):
        grades = [chance.randrange(4) / 4 if ties else at / 50 for at in chance.sample(range(50), count)]
        ranking, _ = run(grades, k=k, children=children, method=method)
        assert [grades[index] for index in ranking.order[:k]] == sorted(grades, reverse=True)[:k]
        assert ranking.outcome == "complete"


@pytest.mark.parametrize(("children", "published"), [(2, 141), (3, 82), (9, 31), (19, 23.5)])
def test_the_number_of_questions_is_as_published(children, published):
    amounts = []
    for seed in range(20):
        grades = [at / 100 for at in random.Random(seed).sample(range(100), 100)]
        amounts.append(len(run(grades, k=10, children=children)[1].asked))
    assert statistics.mean(amounts) == pytest.approx(published, rel=0.1)


@pytest.mark.parametrize(("children", "requests", "steps"), [(2, 144, 14), (3, 112, 13), (9, 38, 11), (19, 28, 11)])
def test_a_tree_takes_the_stated_requests_and_steps(children, requests, steps):
    amounts = []
    for seed in range(20):
        grades = [at / 100 for at in random.Random(seed).sample(range(100), 100)]
        sent, taken = steps_of(make({"kind": "setwise", "method": "tree", "k": 10, "children": children}), grades)
        amounts.append(sent)
        assert taken == steps
    assert statistics.mean(amounts) == pytest.approx(requests, rel=0.02)


def test_after_the_first_has_come_up_a_tree_gives_one_document_a_step():
    for count in range(2, 80):
        grades = [at / 80 for at in random.Random(count).sample(range(count), count)]
        _, steps = steps_of(make("setwise(method='tree', children=3, k=10)"), grades)
        levels = 1 + (count > 4) + (count > 16) + (count > 64)
        assert steps <= levels - 1 + min(10, count)


def test_a_heap_goes_on_with_one_item_before_another_has_sunk():
    for children, most in ((2, 36), (3, 28), (9, 24), (19, 21)):
        taken = []
        for seed in range(10):
            grades = [at / 100 for at in random.Random(seed).sample(range(100), 100)]
            taken.append(steps_of(make(f"setwise(children={children})"), grades)[1])
        assert statistics.mean(taken) <= most


@pytest.mark.parametrize("method", METHODS)
def test_no_prompt_shows_fewer_than_two_passages_or_more_than_a_parent_and_its_children(method):
    for count in range(1, 30):
        _, oracle = run([at / 30 for at in range(count)], k=10, method=method)
        assert all(2 <= len(request.shown) <= 4 for request in oracle.asked)


@pytest.mark.parametrize("method", METHODS)
def test_an_answer_that_names_nothing_keeps_the_first_one_shown_and_is_told(method):
    shown = []

    def silent_once(request, number):
        shown.append(request.shown)
        return Choices(logprobs=tuple(None if number == 1 else -float(index) for index in request.shown))

    model = Scripted(silent_once)
    ranking = rank(fill_model(make({"kind": "setwise", "method": method}), model, model.answers), 6)
    assert ranking.outcome == "partial"
    assert [note.code for note in ranking.diagnostics] == ["unusable-reply", "first-kept"]
    assert set(ranking.diagnostics[0].indexes) == set(shown[0])
    assert ranking.diagnostics[1].indexes == shown[0][:1]
    assert ranking.order == tuple(range(6))


@pytest.mark.parametrize("method", METHODS)
def test_a_lost_answer_is_told_with_its_documents(method):
    def sometimes(request, number):
        if number == 2:
            raise ModelError("server", "The server failed (500).")
        return first_of(request, number)

    model = Scripted(sometimes)
    strategy = make({"kind": "setwise", "children": 2, "method": method})
    ranking = rank(fill_model(strategy, model, model.answers), 6)
    assert ranking.outcome == "partial"
    assert len(ranking.diagnostics[0].indexes) >= 2


@pytest.mark.parametrize("fault", ADVERSARIES)
def test_a_tree_of_broken_answers_still_lists_every_document(fault):
    for count in (1, 2, 7, 23):
        model = adversary(fault)
        ranking = rank(fill_model(make("setwise(method='tree')"), model, model.answers), count)
        assert sorted(ranking.order) == list(range(count))
        if model.count:
            lost = "partial" if model.count > 2 else "complete"
            assert ranking.outcome == (lost if "sided" in fault else "failed")
            assert bool(ranking.diagnostics) == (ranking.outcome != "complete")


@pytest.mark.parametrize("method", METHODS)
def test_documents_that_stay_first_for_want_of_an_answer_are_told_as_places_of_a_repair(method):
    silent = Scripted(
        lambda request, number: first_of(request, number) if number % 2 else Choices(logprobs=(None,) * 3)
    )
    ranking = rank(make({"kind": "setwise", "k": 2, "method": method}).model_copy(update={"model": silent}), 9)
    (kept,) = [note for note in ranking.diagnostics if note.code == "first-kept"]
    assert kept.indexes
    assert bias_run(tuple(range(9)), ranking).repaired == frozenset(kept.indexes)
