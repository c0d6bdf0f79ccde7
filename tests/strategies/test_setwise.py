"""Setwise: exact top k under a perfect oracle, as many questions as published, faults kept and told."""

import random
import statistics

import pytest

from reranking.models import ModelError
from reranking.replies import Choices
from reranking.strategies.catalogue import fill_model, make
from tests.oracles import PerfectOracle, Scripted
from tests.support import rank


def run(grades, **parameters):
    oracle = PerfectOracle(grades)
    return rank(fill_model(make({"kind": "setwise", **parameters}), oracle, oracle.answers), len(grades)), oracle


@pytest.mark.parametrize("count", [0, 1, 2, 3, 9, 21, 40])
@pytest.mark.parametrize("k", [1, 5, 10, 40])
@pytest.mark.parametrize("children", [2, 3, 9])
def test_the_top_k_are_exact_for_every_n_and_k(count, k, children):
    chance = random.Random(f"{count} {k} {children}")
    for ties in (False, True, False, True):
        grades = [chance.randrange(4) / 4 if ties else at / 50 for at in chance.sample(range(50), count)]
        ranking, _ = run(grades, k=k, children=children)
        assert [grades[index] for index in ranking.order[:k]] == sorted(grades, reverse=True)[:k]
        assert ranking.outcome == "complete"


@pytest.mark.parametrize(("children", "published"), [(2, 141), (3, 82), (9, 31), (19, 23.5)])
def test_the_number_of_questions_is_as_published(children, published):
    amounts = []
    for seed in range(20):
        grades = [at / 100 for at in random.Random(seed).sample(range(100), 100)]
        amounts.append(len(run(grades, k=10, children=children)[1].asked))
    assert statistics.mean(amounts) == pytest.approx(published, rel=0.1)


def test_no_prompt_shows_fewer_than_two_passages():
    for count in range(1, 30):
        _, oracle = run([at / 30 for at in range(count)], k=10)
        assert all(len(request.shown) >= 2 for request in oracle.asked)


def test_an_answer_that_names_nothing_keeps_the_parent_and_is_told():
    model = Scripted(lambda request, number: Choices(logprobs=(None,) * len(request.choices)) if number == 1 else
                     Choices(logprobs=tuple(-float(slot) for slot in range(len(request.choices)))))  # fmt: skip
    ranking = rank(fill_model(make("setwise"), model, model.answers), 6)
    assert ranking.outcome == "partial"
    assert [note.code for note in ranking.diagnostics] == ["unusable-reply"]


def test_a_lost_answer_is_told_with_its_documents():
    def sometimes(request, number):
        if number == 2:
            raise ModelError("server", "The server failed (500).")
        return Choices(logprobs=tuple(-float(slot) for slot in range(len(request.choices))))

    model = Scripted(sometimes)
    ranking = rank(fill_model(make("setwise(children=2)"), model, model.answers), 6)
    assert ranking.outcome == "partial"
    assert len(ranking.diagnostics[0].indexes) >= 2
