"""Encoders: scores from vectors, parts that sum to their score, one reply for all."""

import numpy as np
import pytest

from reranking.analysis.metrics import ndcg
from reranking.documents import as_candidates
from reranking.gateway import Gateway
from reranking.models import ModelError
from reranking.providers.registry import Registry
from reranking.replies import Scores, TokenVectors, Vectors
from reranking.requests import Embed, EmbedTokens, Score
from reranking.strategies.encoders import CrossEncoder, Dense, LateInteraction
from reranking.strategies.lexical import BM25
from tests.generated import held_out_cases
from tests.oracles import Scripted
from tests.support import rank

pytest_plugins = ("tests.trained",)


def encoder(answer, kind):
    model = Scripted(answer)
    model.answers = frozenset({kind})
    return model


def test_dense_scores_are_cosines_whatever_the_length_of_the_vectors():
    table = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32) * 7

    def embed(request, number):
        vectors = table[:1] if request.role == "query" else table[1:]
        return Vectors(vectors=tuple(vectors), cut=(False,) * len(vectors))

    ranking = rank(Dense(model=encoder(embed, Embed)), 4)
    for item in ranking:
        one, two = table[0].astype(float), table[1 + item.index].astype(float)
        assert item.score == pytest.approx(one @ two / np.linalg.norm(one) / np.linalg.norm(two), abs=1e-9)


def test_late_interaction_sums_the_best_match_of_each_query_token_and_its_parts_say_which():
    chance = np.random.default_rng(1)
    asked = chance.normal(size=(3, 4)).astype(np.float32)
    tables = [chance.normal(size=(size, 4)).astype(np.float32) for size in (5, 1, 7)]

    def embed(request, number):
        group = [asked] if request.role == "query" else tables
        tokens = tuple(tuple(f"t{at}" for at in range(len(table))) for table in group)
        return TokenVectors(tokens=tokens, vectors=tuple(group), cut=(False,) * len(group))

    ranking = rank(LateInteraction(model=encoder(embed, EmbedTokens)), 3)
    for item in ranking:
        products = asked.astype(float) @ tables[item.index].astype(float).T
        assert item.score == pytest.approx(products.max(axis=1).sum())
        parts = item.explanation.contributions
        assert sum(part.value for part in parts) == pytest.approx(item.score)
        assert [part.detail for part in parts] == [f"t{best}" for best in products.argmax(axis=1)]


def test_cross_encoder_scores_and_their_kind_are_the_models_own():
    def score(request, number):
        return Scores(scores=(0.5, 2.5, -1.0), score_kind="logit", cut=(False, True, False))

    ranking = rank(CrossEncoder(model=encoder(score, Score)), 3)
    assert [(item.index, item.score) for item in ranking] == [(1, 2.5), (0, 0.5), (2, -1.0)]
    assert ranking.score_kind == "logit"
    assert [note.indexes for note in ranking.diagnostics if note.code == "truncated"] == [(1,)]


def test_a_model_that_cannot_be_had_fails_the_ranking_with_what_to_do():
    def gone(request, number):
        raise ModelError("not-installed", "Cannot download it. Give a folder.")

    ranking = rank(CrossEncoder(model=encoder(gone, Score)), 3)
    assert ranking.outcome == "failed"
    assert [note.message for note in ranking.diagnostics] == ["Cannot download it. Give a folder."]


def test_a_document_without_tokens_has_no_late_interaction_score():
    def embed(request, number):
        count = len(request.texts)
        if request.role == "query":
            return TokenVectors(tokens=(("a",),), vectors=(np.ones((1, 2), np.float32),), cut=(False,))
        tables = (np.ones((1, 2), np.float32), np.ones((0, 2), np.float32))
        return TokenVectors(tokens=(("a",), ()), vectors=tables, cut=(False,) * count)

    ranking = rank(LateInteraction(model=encoder(embed, EmbedTokens)), 2)
    assert [item.score for item in ranking] == [2.0, None]
    assert ranking.outcome == "partial"
    (note,) = [note for note in ranking.diagnostics if note.code == "no-tokens"]
    assert note.indexes == (1,)


@pytest.mark.parametrize("shape", [(0, 2), (0,)])
def test_a_query_without_tokens_fails_late_interaction_and_says_why(shape):
    def embed(request, number):
        if request.role == "query":
            return TokenVectors(tokens=((),), vectors=(np.ones(shape, np.float32),), cut=(False,))
        return TokenVectors(tokens=(("a",),) * 2, vectors=(np.ones((1, 2), np.float32),) * 2, cut=(False,) * 2)

    ranking = rank(LateInteraction(model=encoder(embed, EmbedTokens)), 2)
    assert ranking.outcome == "failed"
    assert [note.code for note in ranking.diagnostics] == ["no-tokens"]


def test_a_vector_without_a_direction_has_no_similarity():
    def embed(request, number):
        vectors = [np.ones(2, np.float32)] if request.role == "query" else [np.zeros(2, np.float32), np.ones(2)]
        return Vectors(vectors=tuple(vectors), cut=(False,) * len(vectors))

    ranking = rank(Dense(model=encoder(embed, Embed)), 2)
    assert [(item.index, item.score) for item in ranking] == [(1, pytest.approx(1)), (0, None)]
    assert [(note.code, note.indexes) for note in ranking.diagnostics] == [("no-tokens", (0,))]


def test_a_query_whose_vector_has_no_direction_fails_and_says_what_to_do():
    def embed(request, number):
        return Vectors(vectors=(np.zeros(2, np.float32),) * len(request.texts), cut=(False,) * len(request.texts))

    ranking = rank(Dense(model=encoder(embed, Embed)), 2)
    assert ranking.outcome == "failed"
    assert "Write a query with words" in ranking.diagnostics[0].message


@pytest.mark.parametrize("strategy", [Dense, LateInteraction])
def test_a_query_that_the_model_reads_in_part_is_reported(strategy):
    def embed(request, number):
        count, cut = len(request.texts), (request.role == "query",) * len(request.texts)
        if isinstance(request, Embed):
            return Vectors(vectors=(np.ones(2, np.float32),) * count, cut=cut)
        return TokenVectors(tokens=(("a",),) * count, vectors=(np.ones((1, 2), np.float32),) * count, cut=cut)

    ranking = rank(strategy(model=encoder(embed, strategy.asks[0])), 2)
    assert ranking.outcome == "complete"
    assert [note.code for note in ranking.diagnostics] == ["truncated-query"]


@pytest.mark.models
def test_a_trained_cross_encoder_finds_answers_where_shared_words_mislead(trained_folder):
    """Held-out questions about other people, with other values, in other wordings than in training."""
    gateway = Gateway(Registry().resolve)
    trained, words = [], []
    for case in held_out_cases():
        items, grades = as_candidates(case.documents), dict(enumerate(case.grades))
        ranking = rank(CrossEncoder(model=f"hf:{trained_folder}"), items, query=case.query, through=gateway)
        assert (ranking.outcome, ranking.score_kind) == ("complete", "logit")
        trained.append(ndcg(ranking, grades))
        words.append(ndcg(rank(BM25(), items, query=case.query), grades))
    assert np.mean(trained) > 0.85
    assert np.mean(trained) > np.mean(words) + 0.3
