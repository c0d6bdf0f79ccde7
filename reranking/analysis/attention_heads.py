"""Which attention heads tell relevant passages from irrelevant ones (CoRe heads, arXiv 2510.02219)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reranking.replies import Attention

Head = tuple[int, int]
"""(layer, head), from 0."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadScores:
    """What each head of a model is worth: `scores[i]` belongs to `heads[i]`; a mean over `queries` queries.

    A score is in attention mass: how much more of it goes to a relevant passage than to an irrelevant one.
    """

    heads: tuple[Head, ...]
    scores: NDArray[np.float64]
    queries: int

    def top(self, count: int) -> tuple[Head, ...]:
        """The `count` best heads, best first; of equal ones that of the lower layer."""
        order = sorted(range(len(self.heads)), key=lambda at: (-self.scores[at], self.heads[at]))
        return tuple(self.heads[at] for at in order[:count])


def contrast(reply: Attention, relevant: Sequence[bool | None]) -> NDArray[np.float64]:
    """Per head the mean attention mass of the relevant passages less that of the irrelevant ones.

    A passage's mass is the sum over its tokens. `relevant` says for each passage of the reply
    whether it is; None, or a passage without tokens, does not count. Raises ValueError if no
    relevant or no irrelevant passage is left, or if the numbers of passages differ.
    """
    pairs = [
        (table.astype(np.float64).sum(axis=1), known)
        for table, known in zip(reply.passages, relevant, strict=True)
        if known is not None and table.shape[1]
    ]
    yes = [mass for mass, known in pairs if known]
    no = [mass for mass, known in pairs if not known]
    if not yes or not no:
        raise ValueError("a judged query needs a relevant and an irrelevant document")
    found: NDArray[np.float64] = np.mean(yes, axis=0) - np.mean(no, axis=0)
    return found


def head_scores(heads: Sequence[Head], contrasts: Sequence[NDArray[np.float64]]) -> HeadScores:
    """The score of each head: the mean of its contrasts, in which every query counts the same.

    Raises ValueError if there are no contrasts.
    """
    if not contrasts:
        raise ValueError("heads are chosen from the attention to at least one judged query")
    return HeadScores(tuple(heads), np.mean(contrasts, axis=0), len(contrasts))
