"""Simulated models: their names tell all that is stated, and nothing is answered that is not."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.models import ModelError
from reranking.providers.settings import Settings
from reranking.providers.simulated import Rehearsal, Simulated, open_model
from reranking.requests import Score

NUMBERS = st.floats(-1e30, 1e30)


@given(NUMBERS, NUMBERS, st.integers(0, 10**18))
def test_a_name_gives_the_same_model_again(primacy, noise, seed):
    model = Simulated(primacy=primacy, noise=noise, seed=seed)
    prefix, _, name = model.name.partition(":")
    again = open_model(prefix, name, Settings())
    assert again == model
    assert again.fingerprint == model.fingerprint


def test_models_with_different_seeds_are_never_taken_for_one_another():
    assert Simulated(seed=12345678).fingerprint != Simulated(seed=12345679).fingerprint


@pytest.mark.parametrize("shown", [(), (0,)])
def test_texts_that_are_no_candidates_get_no_made_up_score(shown):
    request = Score(model="x", task="score", query="q", texts=("a", "b"), shown=shown)
    with pytest.raises(ModelError) as caught:
        asyncio.run(Simulated(relevance=(0.5, 0.5)).answer(request))
    assert caught.value.code == "cannot-answer"
    assert len(asyncio.run(Rehearsal(relevance=(0.5, 0.5)).answer(request)).scores) == 2
