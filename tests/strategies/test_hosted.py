"""Rerank endpoints as a strategy: what is sent, how it is split, and what the ranking says of it."""

import math

import pytest

from reranking.documents import Document, as_candidates
from reranking.gateway import MemoryArchive
from reranking.jobs import predict
from reranking.models import ModelError
from reranking.replies import Scores
from reranking.requests import Score
from reranking.strategies.hosted import RerankEndpoint
from tests.oracles import PerfectOracle, Scripted
from tests.support import gateway, rank


class Endpoint(Scripted):
    """Takes `most` documents at once and no text with one of `refused` in it; scores by length."""

    answers = frozenset({Score})
    joint = True

    def __init__(self, most=10_000, refused=(), **extra):
        super().__init__(self.score, name="endpoint", **extra)
        self.most = most
        self.refused = refused
        self.asked = []

    def score(self, request, number):
        self.asked.append(request)
        if len(request.texts) > self.most or any(word in text for word in self.refused for text in request.texts):
            raise ModelError("context-too-long", "The request is too long.", raw="413")
        scores = tuple(float(len(text)) for text in request.texts)
        return Scores(scores=scores, score_kind="relevance score", cut=(False,) * len(scores))


def run(model, texts, **parameters):
    return rank(RerankEndpoint(model=model, **parameters), as_candidates(texts))


def codes(ranking):
    return [note.code for note in ranking.diagnostics]


@pytest.mark.parametrize("per_request", [1, 2, 3, 7, 1000])
def test_every_document_is_sent_once_in_as_few_requests_as_can_be_of_like_size(per_request):
    for count in range(1, 25):
        model = Endpoint()
        ranking = run(model, [f"text {at}" for at in range(count)], per_request=per_request)
        sizes = [len(request.texts) for request in model.asked]
        assert sorted(index for request in model.asked for index in request.shown) == list(range(count))
        assert len(sizes) == ranking.usage.requests == math.ceil(count / per_request)
        assert max(sizes) <= per_request
        assert max(sizes) - min(sizes) <= 1
        assert ranking.outcome == "complete"


def test_scores_of_several_requests_are_said_to_be_so_and_those_of_one_are_not():
    texts = [f"text {at}" for at in range(7)]
    whole = run(Endpoint(), texts, per_request=7)
    split = run(Endpoint(), texts, per_request=3)
    assert codes(whole) == []
    (note,) = split.diagnostics
    assert note.code == "several-requests"
    assert sorted(note.data["documents"]) == [2, 2, 3]
    assert "3 requests" in note.message
    assert "may not compare" in note.message


def test_an_endpoint_that_takes_few_documents_is_sent_fewer_until_it_takes_them():
    model = Endpoint(most=5)
    texts = ["x" * (at + 1) for at in range(40)]
    ranking = run(model, texts)
    assert ranking.order == tuple(reversed(range(40)))
    assert ranking.outcome == "complete"
    assert [len(request.texts) for request in model.asked] == [40, *[20] * 2, *[10] * 4, *[5] * 8]
    assert codes(ranking) == ["several-requests"]


def test_one_document_that_is_too_long_is_found_and_takes_no_other_down():
    texts = [f"text {at}" for at in range(30)]
    texts[17] = "monster"
    model = Endpoint(refused=("monster",))
    ranking = run(model, texts)
    assert [item.index for item in ranking if item.score is None] == [17]
    assert ranking.outcome == "partial"
    (note,) = [note for note in ranking.diagnostics if note.code == "context-too-long"]
    assert (note.indexes, note.raw) == ((17,), "413")


def test_an_endpoint_that_takes_nothing_is_asked_fewer_than_two_times_per_document():
    model = Endpoint(most=0)
    ranking = run(model, [f"text {at}" for at in range(30)])
    assert ranking.outcome == "failed"
    assert len(model.asked) == 2 * 30 - 1


def test_documents_of_a_failed_request_are_not_scored_and_the_others_are():
    def score(request, number):
        if 0 in request.shown:
            raise ModelError("server", "The server failed (500).")
        return Scores(scores=(0.5,) * len(request.texts), score_kind="relevance score", cut=(False,) * 2)

    ranking = run(Scripted(score), ["a", "b", "c", "d", "e", "f"], per_request=2)
    assert {item.index: item.score for item in ranking} == {2: 0.5, 3: 0.5, 4: 0.5, 5: 0.5, 0: None, 1: None}
    assert ranking.outcome == "partial"
    assert codes(ranking) == ["server", "several-requests"]


def test_texts_are_sent_as_they_are_with_their_title_above():
    model = Endpoint()
    items = [Document("see [3] and <|im_end|>", title="A title"), Document("  no title "), Document("", title="Only")]
    run(model, items)
    (request,) = model.asked
    assert request.texts == ("A title\nsee [3] and <|im_end|>", "no title", "Only")
    assert request.query == "harbour lantern"
    run(model, items[:1], show_title=False)
    assert model.asked[-1].texts == ("see [3] and <|im_end|>",)


def test_long_documents_are_cut_and_counted():
    model = Endpoint()
    ranking = run(model, ["one two three four", "one two", Document("three four", title="one two")], passage_words=3)
    assert model.asked[0].texts == ("one two three", "one two", "one two\nthree")
    (note,) = ranking.diagnostics
    assert (note.code, note.indexes) == ("truncated", (0, 2))


def test_what_the_model_says_it_cut_is_counted_too():
    def score(request, number):
        return Scores(scores=(1.0, 2.0), score_kind="logit", cut=(False, True))

    ranking = run(Scripted(score), ["a", "b"])
    assert [(note.code, note.indexes) for note in ranking.diagnostics] == [("truncated", (1,))]
    assert ranking.score_kind == "logit"


def test_a_document_without_text_is_not_sent_and_has_no_score():
    model = Endpoint()
    ranking = run(model, ["something", " \n", "\u200b"])
    assert model.asked[0].texts == ("something",)
    assert [item.score for item in ranking] == [9.0, None, None]
    assert ranking.outcome == "partial"
    assert [(note.code, note.indexes) for note in ranking.diagnostics] == [("no-text", (1, 2))]
    assert run(Endpoint(), ["", " "]).outcome == "failed"


def test_a_ranking_is_the_same_from_kept_replies_and_asks_again_only_what_was_refused():
    archive = MemoryArchive()
    model = Endpoint(most=4, fingerprint="f")
    items = as_candidates([f"text number {at}" for at in range(11)])
    first, second = (rank(RerankEndpoint(model=model), items, through=gateway(archive)) for _ in range(2))
    assert first.items == second.items
    assert first.diagnostics == second.diagnostics
    assert [len(request.texts) for request in model.asked] == [11, 5, 6, 2, 3, 3, 3, 11, 5, 6]


@pytest.mark.parametrize("per_request", [1, 4, 1000])
def test_a_model_that_is_always_right_gives_the_exact_order(per_request):
    grades = [(at * 7 % 13) / 13 for at in range(13)]
    ranking = run(PerfectOracle(grades), [f"text {at}" for at in range(13)], per_request=per_request)
    assert [grades[index] for index in ranking.order] == sorted(grades, reverse=True)


def test_the_number_of_requests_is_not_said_to_be_exact_since_halving_asks_more():
    assert RerankEndpoint.adaptive
    model = Endpoint(most=5)
    told = predict(RerankEndpoint(model=model), "q", as_candidates(["text"] * 10))
    assert (told.requests, told.exact) == (1, False)
    assert run(model, ["text"] * 10).usage.requests == 3


def test_one_document_that_is_too_long_alone_is_shortened_until_the_endpoint_takes_it():
    class Short(Endpoint):
        def score(self, request, number):
            if max(len(text.split()) for text in request.texts) > 60:
                raise ModelError("context-too-long", "The request is too long.", raw="413")
            return super().score(request, number)

    texts = [f"text {at}" for at in range(10)]
    texts[7] = " ".join(f"word{at}" for at in range(200))
    ranking = run(Short(), texts)
    assert ranking.outcome == "complete"
    (note,) = [note for note in ranking.diagnostics if note.code == "shortened"]
    assert (note.indexes, note.data["words"]) == ((7,), [50])
