"""Choose the attention heads of a model that find relevant documents, on a judged set."""

from __future__ import annotations

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reranking.analysis.attention_heads import Head, HeadScores, contrast, head_scores
from reranking.documents import Candidates
from reranking.replies import Attention, Failed
from reranking.requests import Request
from reranking.strategies.attention import AttentionMass
from reranking.strategies.base import Answer


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query with candidates, and their grades by original position. Documents without one count as nothing."""

    query: str
    candidates: Candidates
    grades: Mapping[int, float]


@dataclass(frozen=True, slots=True, eq=False)
class HeadSelection:
    """The chosen heads, best first, what all heads scored, and which queries gave nothing, and why."""

    heads: tuple[Head, ...]
    scores: HeadScores
    left_out: tuple[tuple[str, str], ...]


class NoHeadsError(ValueError):
    """No query of the judged set could be used; the message says why."""


def select_heads(
    strategy: AttentionMass,
    judged: Sequence[JudgedQuery],
    count: int = 8,
    *,
    relevant_from: float = 1,
    seed: int = 0,
) -> Generator[list[Request], list[Answer], HeadSelection]:
    """Ask for the attention to each judged query's documents, and choose the `count` heads that tell them apart.

    One request per query, one after another, for the model and with the prompt of `strategy`;
    put the result into its `heads`. A document is relevant from the grade `relevant_from` on.
    Documents are shown in an order drawn from `seed`: in the order of a retriever, heads that
    look at a place would pass for heads that find what is relevant. Queries that cannot be
    used are left out and named. Raises NoHeadsError if none can be used.
    """
    chance = random.Random(seed)
    heads: tuple[Head, ...] = ()
    contrasts: list[NDArray[np.float64]] = []
    left_out: list[tuple[str, str]] = []
    for item in judged:
        presented = chance.sample(range(len(item.candidates)), len(item.candidates))
        indexes = [item.candidates[place].index for place in presented]
        relevant = [item.grades[at] >= relevant_from if at in item.grades else None for at in indexes]
        if not {True, False} <= set(relevant):
            left_out.append((item.query, "it needs a relevant and an irrelevant document"))
            continue
        texts = strategy.shown(item.candidates).whole.texts
        (reply,) = yield [strategy.request(item.query, [texts[place] for place in presented], indexes)]
        try:
            contrasts.append(_contrast(reply, relevant, heads))
        except ValueError as error:
            left_out.append((item.query, str(error)))
        else:
            assert isinstance(reply, Attention)
            heads = reply.heads
    if not contrasts:
        why = f": {left_out[0][1]}" if left_out else ""
        raise NoHeadsError(f"No heads were chosen, since none of {len(judged)} judged queries could be used{why}.")
    scores = head_scores(heads, contrasts)
    return HeadSelection(scores.top(count), scores, tuple(left_out))


def _contrast(reply: Answer, relevant: Sequence[bool | None], heads: Sequence[Head]) -> NDArray[np.float64]:
    """What one reply says of each head. Raises ValueError if it says nothing, or is about other heads."""
    if isinstance(reply, Failed):
        raise ValueError(reply.message)
    if not isinstance(reply, Attention) or len(reply.passages) != len(relevant):
        raise ValueError("the reply does not hold the attention to each document")
    if heads and reply.heads != tuple(heads):
        raise ValueError("the reply is about other heads than those before")
    found = contrast(reply, relevant)
    if not np.isfinite(found).all():
        raise ValueError("the attention is no finite number")
    return found
