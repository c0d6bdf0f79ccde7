"""Under a model that is always right, every strategy delivers what its class declares."""

import random

import pytest

from reranking.strategies.catalogue import fill_model, make, strategies
from tests.oracles import PerfectOracle
from tests.support import rank

EXACT = [kind for kind, cls in strategies().items() if cls.promises == "exact order"]
VARIANTS = [*EXACT, "grade(mode='expected')", "listwise(reasons=False)", "dense", "late-interaction", "cross-encoder"]


@pytest.mark.parametrize("strategy", VARIANTS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 10, 40])
@pytest.mark.parametrize("ties", [False, True])
def test_grades_never_increase_down_the_list(strategy, count, ties):
    chance = random.Random(count)
    for _ in range(5):
        grades = [chance.randrange(4) / 4 if ties else at / 10 % 1 for at in chance.sample(range(count), count)]
        if not ties:
            grades = [round(grade * 10) / 10 for grade in grades]
        oracle = PerfectOracle(grades)
        ranking = rank(fill_model(make(strategy), oracle, oracle.answers), count)
        ordered = [grades[index] for index in ranking.order]
        assert ordered == sorted(grades, reverse=True)
        assert ranking.outcome == "complete"


@pytest.mark.parametrize(
    ("strategy", "requests"),
    [("input-order", 0), ("bm25", 0), ("dense", 2), ("late-interaction", 2), ("cross-encoder", 1), ("yes-no", 12),
     ("grade", 12), ("grade(mode='expected')", 12), ("listwise", 1)],
)  # fmt: skip
def test_the_number_of_requests_is_as_stated(strategy, requests):
    oracle = PerfectOracle([at / 12 for at in range(12)])
    ranking = rank(fill_model(make(strategy), oracle, oracle.answers), 12)
    assert ranking.usage.requests == len(oracle.asked) == requests
