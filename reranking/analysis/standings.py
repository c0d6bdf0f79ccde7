"""Where all rankings of a comparison together put each document, and how far they are apart about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reranking.analysis.agreement import ties_everything
from reranking.analysis.consensus import SECONDS, kemeny
from reranking.ranking import Ranking


@dataclass(frozen=True, slots=True)
class Standing:
    """A document in the consensus, and its mid-ranks in the rankings.

    `place` is its place in the consensus, shared with the documents that every ranking ties with
    it; `index` its original position.
    """

    index: int
    place: float
    best: float
    lower_quartile: float
    median: float
    upper_quartile: float
    worst: float


@dataclass(frozen=True, slots=True)
class Standings:
    """The consensus of `rankings` rankings, best first.

    `exact` says that no order contradicts fewer pairs than this one's `disagreements`; else none
    has fewer than `lower_bound`. `pairs` is how many all rankings order.
    """

    rows: tuple[Standing, ...]
    rankings: int
    exact: bool
    disagreements: float
    lower_bound: float
    pairs: int


def voting(rankings: Sequence[Ranking]) -> list[int]:
    """Which of the rankings (their places in the sequence) say something about the order."""
    return [at for at, each in enumerate(rankings) if each.outcome != "failed" and not ties_everything(each)]


def standings(rankings: Sequence[Ranking], *, seconds: float = SECONDS) -> Standings | None:
    """The Kemeny consensus with the spread of each document; None unless two rankings hold an order.

    Failed rankings and those that tie everything have no vote. Quartiles are interpolated
    linearly. After `seconds` the best order found so far is taken (see `kemeny`).
    """
    ranks = [rankings[at].mid_ranks() for at in voting(rankings)]
    if len(ranks) < 2:
        return None
    indexes = sorted(ranks[0])
    table = np.array([[each[index] for index in indexes] for each in ranks])
    found = kemeny(table.tolist(), seconds=seconds)
    spread = np.percentile(table, [0, 25, 50, 75, 100], axis=0)
    rows, before = [], 0
    for group in found.groups:
        place = before + (len(group) + 1) / 2
        rows += [Standing(indexes[at], place, *(float(value) for value in spread[:, at])) for at in group]
        before += len(group)
    pairs = sum(int((each[:, None] < each[None, :]).sum()) for each in table)
    return Standings(tuple(rows), len(ranks), found.exact, found.disagreements, found.lower_bound, pairs)
