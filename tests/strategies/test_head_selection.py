"""Heads chosen on a judged set, through the gateway, and what they are worth afterwards."""

import asyncio

import numpy as np
import pytest

from reranking import engine
from reranking.documents import as_candidates
from reranking.gateway import Run
from reranking.models import ModelError
from reranking.providers import embedded
from reranking.providers.settings import Settings
from reranking.replies import Attention, Text
from reranking.requests import Attend
from reranking.strategies.attention import NO_QUERY, AttentionMass
from reranking.strategies.head_selection import JudgedQuery, NoHeadsError, select_heads
from tests.oracles import Scripted
from tests.support import candidates, gateway, needs, rank

GOOD = (1, 2)
LAST = (0, 1)
HEADS = tuple((layer, head) for layer in range(2) for head in range(3))


def drive(steps, through=None):
    """The end of a generator of requests, answered by the gateway."""
    return asyncio.run(engine.drive(steps, through or gateway(), Run()))


class OneGoodHead:
    """One head attends to relevant passages, one to what is shown last, the others to anything."""

    name = "one-good-head"
    answers = frozenset({Attend})

    def __init__(self, relevant):
        self.relevant = relevant
        self.asked = []

    async def answer(self, request):
        self.asked.append(request)
        chance = np.random.default_rng(len(self.asked))
        content = any(piece.label == "query" and piece.text != NO_QUERY for piece in request.pieces)
        tables = []
        for slot, index in enumerate(request.shown):
            table = chance.random((len(HEADS), 4)).astype(np.float32) * 0.1
            table[HEADS.index(GOOD)] += 0.1 * (content and index in self.relevant)
            table[HEADS.index(LAST)] += 2.0 * slot / len(request.shown)
            tables.append(table)
        return Attention(passages=tuple(tables), heads=HEADS)


def judged(count=12, relevant=(0, 1, 2), queries=8):
    """Relevant documents come first, as from a good retriever."""
    grades = {at: int(at in relevant) for at in range(count)}
    return [JudgedQuery(f"query {number}", candidates(count), grades) for number in range(queries)]


def test_the_head_that_finds_relevant_documents_is_chosen_whatever_the_order_of_the_judged_set():
    model = OneGoodHead({0, 1, 2})
    selection = drive(select_heads(AttentionMass(model=model), judged(queries=60), 2))
    assert selection.heads[0] == GOOD
    assert len(selection.heads) == 2
    assert selection.scores.queries == 60
    assert selection.left_out == ()


def test_one_request_is_made_per_query_one_after_another():
    model = OneGoodHead({0})
    steps = select_heads(AttentionMass(model=model), judged(queries=3), 1)
    batches = [*next(steps)]
    for _ in range(2):
        batches += steps.send([asyncio.run(model.answer(batches[-1]))])
    assert [request.pieces[-1].text for request in batches] == ["query 0", "query 1", "query 2"]
    assert all(sorted(request.shown) == list(range(12)) for request in batches)
    assert len({request.shown for request in batches}) == 3  # each in another order


def test_what_is_shown_is_what_is_judged():
    """A passage's grade goes with it through the shuffle."""
    items = as_candidates([f"document {at} worth {at % 2}" for at in range(9)])

    def by_text(request, number):
        texts = [piece.text for piece in request.pieces if piece.label == "passage"]
        assert [int(text.split()[1]) for text in texts] == list(request.shown)
        return Attention(
            passages=tuple(np.full((1, 2), float(text[-1]), np.float32) for text in texts), heads=((0, 0),)
        )

    grades = {at: at % 2 for at in range(9)}
    selection = drive(select_heads(AttentionMass(model=Scripted(by_text)), [JudgedQuery("q", items, grades)], 1))
    assert selection.scores.scores.tolist() == [2.0]


def test_the_same_seed_shows_the_same_order():
    def shown(seed):
        model = OneGoodHead({0})
        drive(select_heads(AttentionMass(model=model), judged(queries=3), 1, seed=seed))
        return [request.shown for request in model.asked]

    assert shown(4) == shown(4)
    assert shown(4) != shown(5)


def test_queries_that_cannot_be_used_are_left_out_and_named():
    def lossy(request, number):
        if number == 1:
            raise ModelError("context-too-long", "The prompt is too long.")
        if number == 2:
            return Text(text="[1] > [2]")
        if number == 3:
            return Attention(passages=(np.full((6, 2), np.nan, np.float32),) * 12, heads=HEADS)
        return Attention(passages=(np.ones((6, 2), np.float32),) * 12, heads=HEADS)

    unjudged = JudgedQuery("all the same", candidates(3), {0: 1, 1: 1})
    selection = drive(select_heads(AttentionMass(model=Scripted(lossy)), [unjudged, *judged(queries=5)], 2))
    assert selection.scores.queries == 2
    assert [name for name, _ in selection.left_out] == ["all the same", "query 0", "query 1", "query 2"]
    assert "too long" in selection.left_out[1][1]


def test_if_no_query_can_be_used_it_says_why():
    def never(request, number):
        raise ModelError("server", "The server failed (500).")

    with pytest.raises(NoHeadsError, match=r"none of 2 judged queries.*server failed"):
        drive(select_heads(AttentionMass(model=Scripted(never)), judged(queries=2), 1))
    with pytest.raises(NoHeadsError):
        drive(select_heads(AttentionMass(model=Scripted(never)), [], 1))


def test_a_grade_from_which_a_document_is_relevant_can_be_set():
    grades = {0: 3, 1: 2, 2: 1, 3: 0}

    def first_two(request, number):
        tables = [np.full((1, 1), float(index < 2), np.float32) for index in request.shown]
        return Attention(passages=tuple(tables), heads=((0, 0),))

    def score(least):
        item = JudgedQuery("q", candidates(4), grades)
        steps = select_heads(AttentionMass(model=Scripted(first_two)), [item], 1, relevant_from=least)
        return float(drive(steps).scores.scores[0])

    assert score(2) == 1.0
    assert score(1) == pytest.approx(2 / 3)


def test_the_chosen_heads_rank_better_than_all_of_them():
    relevant = {3, 8}
    model = OneGoodHead(relevant)
    selection = drive(select_heads(AttentionMass(model=model), judged(relevant=tuple(relevant), queries=60), 1))
    everything = AttentionMass(model=model, calibrate=False)
    chosen = everything.model_copy(update={"heads": selection.heads})
    assert set(rank(everything, 12).order[:2]) != relevant
    ranking = rank(chosen, 12)
    assert set(ranking.order[:2]) == relevant
    assert ranking.details["heads"] == [list(GOOD)]


@pytest.mark.models
@needs("smollm2")
def test_heads_of_the_embedded_model_are_chosen_end_to_end():
    model = embedded.open_model("embedded", "smollm2", Settings(environment={}))
    texts = [
        "An egg takes about six minutes in boiling water.",
        "The lighthouse was built in 1871.",
        "The capital of France is Paris.",
        "Marble forms when limestone is exposed to heat.",
    ]
    items = as_candidates(texts)
    questions = ("How long does an egg boil?", "When was the lighthouse built?", "What is the capital of France?")
    judged_set = [
        JudgedQuery(query, items, {at: int(at == answer) for at in range(4)}) for answer, query in enumerate(questions)
    ]
    strategy = AttentionMass(model=model)
    selection = drive(select_heads(strategy, judged_set, 8))
    assert len(set(selection.heads)) == 8
    assert set(selection.heads) <= {(layer, head) for layer in range(30) for head in range(9)}
    best = [selection.scores.scores[selection.scores.heads.index(head)] for head in selection.heads]
    assert best == sorted(best, reverse=True)
    assert best[-1] > 0
    ranking = rank(strategy.model_copy(update={"heads": selection.heads}), items, query=questions[0])
    assert ranking.outcome == "complete"
    assert ranking.details["heads"] == [list(head) for head in selection.heads]
