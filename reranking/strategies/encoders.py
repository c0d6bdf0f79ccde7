"""Rankings by trained encoders: dense vectors, late interaction, cross-encoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from typing_extensions import override

from reranking.documents import Candidate, Candidates
from reranking.ranking import Contribution, Diagnostic, Explanation, Ranking, by_score, failed
from reranking.replies import Failed, Reply, Scores, TokenVectors, Vectors
from reranking.requests import Embed, EmbedTokens, Request, Score
from reranking.strategies.base import AsksModel, Family, Steps
from reranking.strategies.llm import lost


class Dense(AsksModel):
    """Order by cosine similarity of the query's and each document's vector.

    Requests: 2 (the query, the documents). Scores: similarity. Ties: equal similarities.
    A document that got no vector is not scored. Source: Reimers & Gurevych 2019.
    """

    title: ClassVar[str] = "Dense bi-encoder"
    family: ClassVar[Family] = "Encoders"
    asks: ClassVar[tuple[type[Request], ...]] = (Embed,)
    requests: ClassVar[str] = "2"
    default_model: ClassVar[str | None] = "embedded:minilm"
    source: ClassVar[str] = "Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084"

    kind: Literal["dense"] = "dense"

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        if not candidates:
            return by_score(candidates, [], "similarity")
        asked, passages = yield [
            Embed(model=self.asked, task="embed", texts=(query,), role="query"),
            Embed(
                model=self.asked, task="embed", texts=_texts(candidates), role="document", shown=_indexes(candidates)
            ),
        ]
        broken = _broken(candidates, [asked, passages])
        if broken is not None:
            return broken
        assert isinstance(asked, Vectors)
        assert isinstance(passages, Vectors)
        question = _unit(asked.vectors[0])
        scores = [float(question @ _unit(vector)) for vector in passages.vectors]
        return by_score(candidates, scores, "similarity", diagnostics=_cut(candidates, passages.cut))


class LateInteraction(AsksModel):
    """Sum, over the query's tokens, of the best match among the document's tokens (MaxSim).

    Requests: 2 (the query, the documents). Scores: similarity sum, with each query token's
    best match, which sum to the score. Ties: equal sums. Source: Khattab & Zaharia 2020.
    """

    title: ClassVar[str] = "Late interaction"
    family: ClassVar[Family] = "Encoders"
    asks: ClassVar[tuple[type[Request], ...]] = (EmbedTokens,)
    requests: ClassVar[str] = "2"
    default_model: ClassVar[str | None] = "embedded:minilm"
    source: ClassVar[str] = "Khattab & Zaharia 2020, https://arxiv.org/abs/2004.12832"

    kind: Literal["late-interaction"] = "late-interaction"

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        kind = "similarity sum"
        if not candidates:
            return by_score(candidates, [], kind)
        asked, passages = yield [
            EmbedTokens(model=self.asked, task="embed", texts=(query,), role="query"),
            EmbedTokens(
                model=self.asked, task="embed", texts=_texts(candidates), role="document", shown=_indexes(candidates)
            ),
        ]
        broken = _broken(candidates, [asked, passages])
        if broken is not None:
            return broken
        assert isinstance(asked, TokenVectors)
        assert isinstance(passages, TokenVectors)
        if not asked.tokens[0]:
            message = "The query has no tokens to match. Write a query with words."
            return failed(candidates, [Diagnostic("no-tokens", message)], score_kind=kind)
        scores: list[float | None] = []
        explanations: list[Explanation | None] = []
        for tokens, vectors in zip(passages.tokens, passages.vectors, strict=True):
            parts = _best_matches(asked, tokens, vectors)
            scores.append(sum(part.value for part in parts) if parts else None)
            explanations.append(Explanation(contributions=parts) if parts else None)
        notes = [*_cut(candidates, passages.cut), *_empty(candidates, passages.tokens)]
        if passages.fallback:
            notes.append(
                Diagnostic(
                    "fallback-tokens",
                    "The token vectors are those of a bi-encoder, which was not trained for late interaction.",
                )
            )
        return by_score(candidates, scores, kind, explanations=explanations, diagnostics=notes)


class CrossEncoder(AsksModel):
    """Read the query and each document together and score the pair.

    Requests: 1 (all pairs; the model batches them). Scores: the model's logit or
    probability, as it says. Ties: equal scores. Source: Nogueira & Cho 2019.
    """

    title: ClassVar[str] = "Cross-encoder"
    family: ClassVar[Family] = "Encoders"
    asks: ClassVar[tuple[type[Request], ...]] = (Score,)
    requests: ClassVar[str] = "1"
    source: ClassVar[str] = "Nogueira & Cho 2019, https://arxiv.org/abs/1901.04085"

    kind: Literal["cross-encoder"] = "cross-encoder"

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        if not candidates:
            return by_score(candidates, [], "logit")
        (reply,) = yield [
            Score(model=self.asked, task="score", query=query, texts=_texts(candidates), shown=_indexes(candidates))
        ]
        broken = _broken(candidates, [reply])
        if broken is not None:
            return broken
        assert isinstance(reply, Scores)
        return by_score(candidates, reply.scores, reply.score_kind, diagnostics=_cut(candidates, reply.cut))


def _text(candidate: Candidate) -> str:
    return f"{candidate.title}\n{candidate.text}" if candidate.title else candidate.text


def _texts(candidates: Candidates) -> tuple[str, ...]:
    return tuple(_text(item) for item in candidates)


def _indexes(candidates: Candidates) -> tuple[int, ...]:
    return tuple(item.index for item in candidates)


def _unit(vector: np.ndarray) -> np.ndarray:
    """The vector in float64 with length 1; a zero vector stays zero."""
    wide = vector.astype(np.float64)
    length = float(np.linalg.norm(wide))
    return wide / length if length else wide


def _best_matches(asked: TokenVectors, tokens: Sequence[str], vectors: np.ndarray) -> tuple[Contribution, ...]:
    """Each query token's best dot product with any document token, and which token that is."""
    if not len(tokens):
        return ()
    table = asked.vectors[0].astype(np.float64) @ vectors.astype(np.float64).T
    best = table.argmax(axis=1)
    return tuple(
        Contribution(token, float(table[row, column]), tokens[column])
        for row, (token, column) in enumerate(zip(asked.tokens[0], best, strict=True))
    )


def _broken(candidates: Candidates, replies: Sequence[Reply | Failed]) -> Ranking | None:
    """A failed ranking if any of `replies` failed: one reply holds the vectors or scores of all."""
    gone = [reply for reply in replies if isinstance(reply, Failed)]
    if not gone:
        return None
    return failed(candidates, lost([(item.index, gone[0]) for item in candidates]))


def _empty(candidates: Candidates, tokens: Sequence[Sequence[str]]) -> list[Diagnostic]:
    indexes = tuple(item.index for item, found in zip(candidates, tokens, strict=True) if not found)
    if not indexes:
        return []
    what = "1 document has" if len(indexes) == 1 else f"{len(indexes)} documents have"
    return [Diagnostic("no-tokens", f"{what} no tokens to match, and no score.", indexes)]


def _cut(candidates: Candidates, cut: Sequence[bool]) -> list[Diagnostic]:
    indexes = tuple(item.index for item, shortened in zip(candidates, cut, strict=True) if shortened)
    if not indexes:
        return []
    what = "1 document is" if len(indexes) == 1 else f"{len(indexes)} documents are"
    return [Diagnostic("truncated", f"{what} longer than the model reads; the rest was cut off.", indexes)]
