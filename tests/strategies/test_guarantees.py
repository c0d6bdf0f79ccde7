"""Under a model that is always right, every strategy delivers what its class declares."""

import pytest

from reranking.strategies.catalogue import fill_model, make
from tests.guarantees import broken_promise, cases, variants
from tests.oracles import PerfectOracle
from tests.support import rank


@pytest.mark.parametrize("variant", variants())
def test_a_model_that_is_always_right_gets_what_the_class_promises(variant):
    """A small grid; `make bench ONLY=oracle` runs every n from 0 to 40 with 200 lists each."""
    for n in (0, 1, 2, 3, 8, 21, 40):
        for strategy, grades in cases(variant, n, lists=4):
            assert broken_promise(strategy, grades) == "", f"{strategy.name} with n = {n}"


@pytest.mark.parametrize(
    ("strategy", "requests"),
    [("input-order", 0), ("bm25", 0), ("dense", 2), ("late-interaction", 2), ("cross-encoder", 1), ("yes-no", 12),
     ("grade", 12), ("grade(mode='expected')", 12), ("listwise", 1)],
)  # fmt: skip
def test_the_number_of_requests_is_as_stated(strategy, requests):
    oracle = PerfectOracle([at / 12 for at in range(12)])
    ranking = rank(fill_model(make(strategy), oracle, oracle.answers), 12)
    assert ranking.usage.requests == len(oracle.asked) == requests
