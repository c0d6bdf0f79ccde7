"""Lots belong to documents: what is drawn does not change with the order in which documents are given."""

import asyncio
import random

import pytest

from reranking.documents import Document, as_candidates
from reranking.engine import run_strategy
from reranking.gateway import Gateway
from reranking.providers.registry import Registry
from reranking.strategies.catalogue import fill_model, make
from reranking.strategies.lots import Directions, by_content

TEXTS = [
    "harbour",
    "lantern at the harbour",
    "a lantern",
    "bread",
    "bread and harbour lantern",
    "the sea",
    "tide",
    "oil",
]
CANDIDATES = as_candidates([Document(text) for text in TEXTS])


def orders(count):
    chance = random.Random(count)
    return [chance.sample(CANDIDATES, len(CANDIDATES)) for _ in range(count)]


@pytest.mark.parametrize("given", orders(5))
def test_directions_and_content_order_are_the_same_however_documents_are_given(given):
    texts = [item.document.text for item in given]
    assert [texts[place] for place in by_content(given)] == [TEXTS[place] for place in by_content(CANDIDATES)]
    pairs = [(one, other) for one in range(len(given)) for other in range(one)]
    drawn = {(texts[one], texts[other]) for one, other in Directions(3, given).drawn(pairs)}
    turned = Directions(3, given).drawn([(other, one) for one, other in pairs])
    assert drawn == {(texts[one], texts[other]) for one, other in turned}
    assert drawn == {(TEXTS[one], TEXTS[other]) for one, other in Directions(3, CANDIDATES).drawn(pairs)}


def test_about_half_of_the_pairs_are_turned_and_a_seed_turns_others():
    many = as_candidates([Document(f"text {at}") for at in range(60)])
    pairs = [(one, other) for one in range(60) for other in range(one)]
    drawn = [Directions(seed, many).drawn(pairs) for seed in (1, 2)]
    assert 0.45 < sum(new == old for new, old in zip(drawn[0], pairs, strict=True)) / len(pairs) < 0.55
    assert 0.4 < sum(new == old for new, old in zip(*drawn, strict=True)) / len(pairs) < 0.6


@pytest.mark.parametrize(
    "value",
    ["pairwise-random", "self-consistency(runs=3)", "self-consistency(runs=5, method='borda')", "tournament(window=4)"],
)
def test_a_model_that_prefers_what_is_shown_first_cannot_pass_that_on_to_the_order_of_the_input(value):
    registry = Registry()
    model = "simulated:overlap?primacy=0.6"
    strategy = fill_model(make(value), model, registry.answers(model))
    plain = fill_model(make("listwise"), model, registry.answers(model))

    def scores(chosen, given):
        ranking = asyncio.run(run_strategy(chosen, "harbour lantern", given, Gateway(registry.resolve)))
        return ranking.mid_ranks()

    assert len({tuple(sorted(scores(plain, given).items())) for given in orders(5)}) > 1
    assert len({tuple(sorted(scores(strategy, given).items())) for given in orders(5)}) == 1
