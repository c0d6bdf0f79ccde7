"""Lots belong to documents: what is drawn does not change with the order in which documents are given."""

import asyncio
import random

import pytest

from reranking.analysis.bias_plan import BiasPlan
from reranking.api import measure_bias
from reranking.documents import Document, as_candidates
from reranking.engine import run_strategy
from reranking.gateway import Gateway
from reranking.providers.registry import Registry
from reranking.strategies.bias_results import lots_of
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


@pytest.mark.parametrize(
    ("value", "lots"),
    [
        ("pairwise-random", "whole"),
        ("tournament", "whole"),
        ("self-consistency(runs=3)", "whole"),
        ("self-consistency(runs=1)", "none"),
        ("self-consistency(runs=1, base='tournament')", "whole"),
        ("self-consistency(runs=3, base='bm25')", "none"),
        ("pairwise-active", "none"),
        ("pairwise-active(both_orders=False)", "part"),
        ("pairwise-all", "none"),
        ("listwise", "none"),
        ("bm25", "none"),
        ({"kind": "cascade", "stages": [{"strategy": "bm25"}, {"strategy": "tournament"}]}, "part"),
    ],
)
def test_what_draws_lots_by_the_texts_says_so_and_so_does_what_is_made_of_it(value, lots):
    assert lots_of(make(value)) == lots


def test_a_bias_test_of_what_draws_by_the_texts_says_that_the_preference_for_places_still_acts():
    documents = [Document(text) for text in TEXTS]
    values = ["tournament(window=4)", "listwise", "bm25", "pairwise-random"]
    model = "simulated:overlap?primacy=0.6"
    registry = Registry()
    strategies = [fill_model(make(value), model, registry.answers(model)) for value in values]
    results = measure_bias("harbour lantern", documents, strategies, BiasPlan("pairs", 4, seed=1))
    said = ["another seed may give another ranking" in result.verdict.text for result in results]
    assert said == [True, False, False, True]
    assert [result.trial("it", {}).drawn for result in results] == said


def test_another_seed_of_the_shuffles_changes_what_a_model_that_prefers_places_gives():
    registry = Registry()
    model = "simulated:overlap?primacy=3"

    def ranked(seed):
        strategy = fill_model(make(f"self-consistency(runs=3, seed={seed})"), model, registry.answers(model))
        ranking = asyncio.run(run_strategy(strategy, "harbour lantern", CANDIDATES, Gateway(registry.resolve)))
        return tuple(sorted(ranking.mid_ranks().items()))

    assert len({ranked(seed) for seed in range(1, 7)}) > 1
