import asyncio

import pytest

from reranking.analysis.bias import analyse, bias_run
from reranking.analysis.designs import draw
from reranking.analysis.pairwise_bias import pairwise_bias
from reranking.analysis.slot_answers import SlotAnswer
from reranking.analysis.slots import slot_bias
from reranking.analysis.verdict import verdict
from reranking.archive import MemoryArchive
from reranking.documents import as_candidates
from reranking.engine import run_strategy
from reranking.formats.examples import examples
from reranking.providers.simulated import Simulated
from reranking.replies import Choices, Failed, Text
from reranking.strategies.catalogue import make
from reranking.strategies.slot_replies import slot_answers
from tests.oracles import Scripted
from tests.support import candidates, gateway


def pick(*logprobs):
    return Choices(logprobs=logprobs)


@pytest.mark.parametrize(
    ("task", "shown", "reply", "order"),
    [
        ("order", (4, 2, 9), Text(text="[2] > [3] > [1]"), (1, 2, 0)),
        ("order", (4, 2, 9), Text(text="[2] > [1]"), (1, 0)),
        ("order", (4, 2, 9), Text(text="I cannot tell."), ()),
        ("order", (4, 2, 9), Text(text="[2] > [3] > [1]", finish="refusal"), ()),
        ("order", (4, 2), Failed("timeout", "no answer"), ()),
        ("order", (4, 2), None, ()),
        ("pick", (4, 2), pick(-0.1, -2.0), (0,)),
        ("pick", (4, 2), pick(None, 0.0), (1,)),
        ("pick", (4, 2), pick(-0.7, -0.7), ()),
        ("pick", (4, 2), pick(None, None), ()),
        ("pick", (4, 2, 9), pick(-3.0, -0.2, -2.0), (1,)),
    ],
)
def test_what_a_reply_says_of_its_slots(task, shown, reply, order):
    assert slot_answers([(7, task, shown, reply)]) == [SlotAnswer(7, shown, order)]


def test_other_tasks_and_single_passages_are_passed_over():
    assert slot_answers([(0, "grade", (1, 2), Text(text="3")), (0, "order", (1,), Text(text="[1]"))]) == []


def run_through(spec, model, count=8, runs=6):
    """A bias test through the engine: its statistics, and what its answers say of the slots."""
    archive, design = MemoryArchive(), draw("pairs", count, runs, seed=2)
    door, items = gateway(archive), candidates(count)
    strategy = make({**spec, "model": model})

    async def all_runs():
        found, calls = [], []
        for number, order in enumerate(design.orders):
            before = len(archive.calls)
            given = [items[at] for at in order]
            found.append(bias_run(order, await run_strategy(strategy, "q", given, door, nonce=str(number))))
            made = archive.calls[before:]
            calls += [(number, call.request.task, call.request.shown, call.reply) for call in made]
        return found, calls

    found, calls = asyncio.run(all_runs())
    return analyse(found, design, resamples=200, draws=500), slot_answers(calls)


RELEVANCE = (0.9, 0.1, 0.5, 0.3, 0.75, 0.62, 0.2, 0.45)


def test_a_model_that_always_says_a_ties_all_under_both_orders_and_the_verdict_says_so():
    always_a = Scripted(lambda request, number: pick(0.0, -9.0))
    bias, answers = run_through({"kind": "pairwise-all"}, always_a)
    found = verdict(bias, pairwise_bias(answers))
    assert bias.shuffled.tied_pairs == 1
    assert found.finding == "all tied"
    assert found.sentence == (
        "The model always picks the first passage: every pair contradicts itself, so everything ties."
    )
    assert "favoured" not in found.text


def test_a_preference_that_asking_both_orders_cancels_is_told_beside_no_effect():
    bias, answers = run_through({"kind": "pairwise-all"}, Simulated("grades", primacy=0.5, relevance=RELEVANCE))
    found = verdict(bias, pairwise_bias(answers))
    assert found.finding == "no effect"
    assert "names the first of two passages in both orders" in found.text


def test_a_window_that_favours_its_first_slots_is_seen_by_slot():
    spec = {"kind": "listwise-window", "window": 4, "stride": 2}
    _, answers = run_through(spec, Simulated("grades", primacy=0.5, relevance=RELEVANCE))
    (found, *_) = slot_bias(answers)
    assert found.size == 4
    assert found.first_to_last.low > 0.3


def test_a_sliding_window_shows_bias_by_place_though_its_model_has_none_by_slot():
    """With noise, a document's way up takes luck in every window: it is better to begin on top."""
    spec = {"kind": "listwise-window", "window": 4, "stride": 2}
    model = Simulated("grades", noise=0.6, relevance=RELEVANCE)
    bias, answers = run_through(spec, model, runs=20)
    (found, *_) = slot_bias(answers)
    assert bias.model.last_to_first.low > 0
    assert found.first_to_last.low < 0 < found.first_to_last.high


def test_sets_are_read_by_slot_as_well():
    _, answers = run_through({"kind": "setwise", "k": 8}, Simulated("grades", primacy=0.8, relevance=RELEVANCE))
    assert slot_bias(answers)[0].first_to_last.low > 0


FREE_OF_ORDER = [
    {"kind": "bm25"},
    {"kind": "grade", "model": "simulated:overlap"},
    {"kind": "yes-no", "model": "simulated:overlap"},
    {"kind": "aspects", "model": "simulated:overlap"},
    {"kind": "query-likelihood", "model": "simulated:overlap"},
    {"kind": "cross-encoder", "model": "simulated:overlap"},
    pytest.param({"kind": "dense", "model": "embedded:minilm"}, marks=pytest.mark.models),
    pytest.param({"kind": "late-interaction", "model": "embedded:minilm"}, marks=pytest.mark.models),
]


@pytest.mark.parametrize("spec", FREE_OF_ORDER, ids=lambda spec: spec["kind"])
def test_strategies_that_look_at_one_document_at_a_time_show_exactly_no_effect_on_every_example(spec):
    from reranking.gateway import Gateway
    from reranking.providers.registry import Registry

    door = Gateway(Registry().resolve)
    runs = 2 if spec.get("model", "").startswith("embedded:") else 6  # real models take their time
    for example in examples():
        items = as_candidates(example.documents)
        design = draw("pairs", len(items), runs, seed=1)

        async def all_runs(items=items, design=design, query=example.query):
            return [
                bias_run(order, await run_strategy(make(spec), query, [items[at] for at in order], door, nonce=str(at)))
                for at, order in enumerate(design.orders)
            ]

        found = analyse(asyncio.run(all_runs()), design, resamples=50, draws=50)
        assert found.failed == 0
        assert found.unmoved
        assert found.shuffled.w == 1
        assert (found.model.slope.value, found.model.position_share) == (0, 0)
        assert (found.test.linear, found.test.middle) == (1, 1)
        assert verdict(found).finding == "no effect"
