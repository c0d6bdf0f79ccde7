"""Rankings by trained encoders: dense vectors, late interaction, cross-encoders."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from typing_extensions import override

from reranking.documents import Candidate, Candidates
from reranking.ranking import Contribution, Diagnostic, Explanation, Ranking, by_score, failed
from reranking.replies import Failed, Reply, Scores, TokenVectors, Vectors
from reranking.requests import Embed, EmbedTokens, Request, Score
from reranking.strategies.base import AsksModel, Family, Steps
from reranking.strategies.llm import lost

FALLBACK = "The token vectors are those of a bi-encoder, which was not trained for late interaction."


class ComparesVectors(AsksModel):
    """A strategy that has the query and the documents embedded, each in its role, and compares them."""

    family: ClassVar[Family] = "Encoders"
    requests: ClassVar[str] = "2"
    default_model: ClassVar[str | None] = "embedded:minilm"
    ignores_order: ClassVar[bool] = True
    score_kind: ClassVar[str]

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        if not candidates:
            return by_score(candidates, [], self.score_kind)
        (embed,) = self.asks
        assert issubclass(embed, Embed | EmbedTokens)
        asked, passages = yield [
            embed(model=self.asked, task="embed", texts=(query,), role="query"),
            embed(
                model=self.asked, task="embed", texts=_texts(candidates), role="document", shown=_indexes(candidates)
            ),
        ]
        broken = _broken(candidates, [asked, passages])
        return self.compare(candidates, asked, passages) if broken is None else broken

    @abstractmethod
    def compare(self, candidates: Candidates, asked: Any, passages: Any) -> Ranking:
        """Rank by the reply for the query and the reply for the documents."""


class Dense(ComparesVectors):
    """Order by cosine similarity of the query's and each document's vector.

    Requests: 2 at once (the query, the documents). Scores: similarity, -1 to 1. Ties: equal
    similarities. If a request fails, so does the ranking; a document whose vector is zero (a model
    may know none of its words) is not scored and goes below the scored ones.
    Source: Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084
    """

    title: ClassVar[str] = "Dense bi-encoder"
    asks: ClassVar[tuple[type[Request], ...]] = (Embed,)
    source: ClassVar[str] = "Reimers & Gurevych 2019, https://arxiv.org/abs/1908.10084"
    score_kind: ClassVar[str] = "similarity"

    kind: Literal["dense"] = "dense"

    @override
    def compare(self, candidates: Candidates, asked: Vectors, passages: Vectors) -> Ranking:
        (question,) = (_unit(vector) for vector in asked.vectors)
        if question is None:
            return failed(candidates, [_nothing_asked()], score_kind=self.score_kind)
        units = [_unit(vector) for vector in passages.vectors]
        scores = [None if unit is None else float(question @ unit) for unit in units]
        notes = [*_cut(candidates, asked, passages), *_empty(candidates, [unit is not None for unit in units])]
        return by_score(candidates, scores, self.score_kind, diagnostics=notes)


class LateInteraction(ComparesVectors):
    """Sum, over the query's tokens, of the best match among the document's tokens (MaxSim).

    Requests: 2 at once (the query, the documents). Scores: similarity sum, explained by each query
    token's best match; these sum to the score. Ties: equal sums. If a request fails, so does the
    ranking; a document without tokens is not scored and goes below the scored ones. Token vectors
    of a model that was not trained for it are used too, and the ranking says so.
    Source: Khattab & Zaharia 2020, https://arxiv.org/abs/2004.12832
    """

    title: ClassVar[str] = "Late interaction"
    asks: ClassVar[tuple[type[Request], ...]] = (EmbedTokens,)
    source: ClassVar[str] = "Khattab & Zaharia 2020, https://arxiv.org/abs/2004.12832"
    score_kind: ClassVar[str] = "similarity sum"

    kind: Literal["late-interaction"] = "late-interaction"

    @override
    def compare(self, candidates: Candidates, asked: TokenVectors, passages: TokenVectors) -> Ranking:
        if not asked.tokens[0]:
            return failed(candidates, [_nothing_asked()], score_kind=self.score_kind)
        found = [
            _best_matches(asked, tokens, vectors)
            for tokens, vectors in zip(passages.tokens, passages.vectors, strict=True)
        ]
        scores = [sum(part.value for part in parts) if parts else None for parts in found]
        explanations = [Explanation(contributions=parts) if parts else None for parts in found]
        notes = [*_cut(candidates, asked, passages), *_empty(candidates, passages.tokens)]
        if passages.fallback:
            notes.append(Diagnostic("fallback-tokens", FALLBACK))
        return by_score(candidates, scores, self.score_kind, explanations=explanations, diagnostics=notes)


class CrossEncoder(AsksModel):
    """Read the query and each document together and score the pair.

    Requests: 1 (all pairs; the model batches them). Scores: the model's logit or probability, as
    it says. Ties: equal scores. If the request fails, so does the ranking; a score that is no
    number does not count, and its document goes below the scored ones.
    Source: Nogueira & Cho 2019, https://arxiv.org/abs/1901.04085
    """

    title: ClassVar[str] = "Cross-encoder"
    family: ClassVar[Family] = "Encoders"
    asks: ClassVar[tuple[type[Request], ...]] = (Score,)
    requests: ClassVar[str] = "1"
    source: ClassVar[str] = "Nogueira & Cho 2019, https://arxiv.org/abs/1901.04085"
    ignores_order: ClassVar[bool] = True

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
        return by_score(candidates, reply.scores, reply.score_kind, diagnostics=_shortened(candidates, reply.cut))


def _text(candidate: Candidate) -> str:
    return f"{candidate.title}\n{candidate.text}" if candidate.title else candidate.text


def _texts(candidates: Candidates) -> tuple[str, ...]:
    return tuple(_text(item) for item in candidates)


def _indexes(candidates: Candidates) -> tuple[int, ...]:
    return tuple(item.index for item in candidates)


def _unit(vector: np.ndarray) -> np.ndarray | None:
    """The vector in float64 with length 1; None for a zero vector, which has no direction."""
    wide = vector.astype(np.float64)
    length = float(np.linalg.norm(wide))
    return wide / length if length else None


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


def _nothing_asked() -> Diagnostic:
    return Diagnostic("no-tokens", "The query has no tokens to match. Write a query with words.")


def _empty(candidates: Candidates, found: Sequence[object]) -> list[Diagnostic]:
    """A note on the candidates of which the model `found` nothing to compare."""
    indexes = tuple(item.index for item, something in zip(candidates, found, strict=True) if not something)
    if not indexes:
        return []
    what = "1 document has" if len(indexes) == 1 else f"{len(indexes)} documents have"
    return [Diagnostic("no-tokens", f"{what} no tokens to match, and no score.", indexes)]


def _cut(candidates: Candidates, asked: Vectors | TokenVectors, passages: Vectors | TokenVectors) -> list[Diagnostic]:
    """Notes on the query and the documents that are longer than the model reads."""
    notes = _shortened(candidates, passages.cut)
    if asked.cut[0]:
        notes.append(Diagnostic("truncated-query", "The query is longer than the model reads; the rest was cut off."))
    return notes


def _shortened(candidates: Candidates, cut: Sequence[bool]) -> list[Diagnostic]:
    indexes = tuple(item.index for item, shortened in zip(candidates, cut, strict=True) if shortened)
    if not indexes:
        return []
    what = "1 document is" if len(indexes) == 1 else f"{len(indexes)} documents are"
    return [Diagnostic("truncated", f"{what} longer than the model reads; the rest was cut off.", indexes)]
