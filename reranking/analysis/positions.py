"""Where documents end up, by the place at which they were given: the raw picture of position bias.

Descriptive only: shares and a slope, no test and no interval.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reranking.ranking import Ranking

Run = tuple[Sequence[int], Ranking]
"""An input order (`order[place]` is an original position) and the ranking it led to."""

REPAIRS = frozenset({"missing", "window-kept"})
"""Codes of diagnostics whose documents were placed by a repair and not by the model."""


@dataclass(frozen=True, slots=True, eq=False)
class PositionGrid:
    """What k runs of one strategy on n documents show, over the runs that did not fail.

    `share[p, r]` is the share of runs in which the document given at place p ended at rank r
    (both from 0); a tied group is spread evenly over its ranks. Rows and columns sum to 1.
    `mean_rank[p]` is the mean output rank from 1 of that document. Both are NaN if no run is
    usable. `slope` is in places of output rank per place of input, within documents: positive
    means that the later a document comes in, the worse it ends; None if the runs cannot tell.
    `tied_pairs` and `repaired` are the shares of document pairs that are tied and of placements
    that come from a repair; None if there are none of either.
    """

    share: NDArray[np.float64]
    mean_rank: NDArray[np.float64]
    used: int
    failed: int
    slope: float | None
    tied_pairs: float | None
    repaired: float | None


def position_grid(runs: Sequence[Run]) -> PositionGrid:
    """Count where the documents of `runs` ended up.

    Raises ValueError if there are no runs, or if the runs are not about the same documents.
    """
    if not runs:
        raise ValueError("a position grid needs at least one run")
    known = sorted(runs[0][0])
    if any(sorted(order) != known or sorted(ranking.order) != known for order, ranking in runs):
        raise ValueError("every run must give and rank the same documents")
    n = len(known)
    usable = [(order, ranking) for order, ranking in runs if ranking.outcome != "failed"]
    k = len(usable)
    if not k:
        empty = np.full((n, n), np.nan)
        return PositionGrid(empty, np.full(n, np.nan), 0, len(runs), None, None, None)
    column = {index: at for at, index in enumerate(known)}
    given = np.empty((k, n))  # given[run, document]: the place it came in at
    ended = np.empty((k, n))  # ended[run, document]: its mid-rank
    share = np.zeros((n, n))
    for run, (order, ranking) in enumerate(usable):
        ranks = ranking.mid_ranks()
        sizes = Counter(ranks.values())
        for place, index in enumerate(order):
            given[run, column[index]] = place
            ended[run, column[index]] = ranks[index]
            size = sizes[ranks[index]]
            first = round(ranks[index] - (size + 1) / 2)  # the 0-based rank at which the tied group begins
            share[place, first : first + size] += 1 / size / k
    mean_rank = np.zeros(n)
    np.add.at(mean_rank, given.astype(int), ended / k)
    rankings = [ranking for _, ranking in usable]
    return PositionGrid(
        share=share,
        mean_rank=mean_rank,
        used=k,
        failed=len(runs) - k,
        slope=_slope(given, ended),
        tied_pairs=_tied_pairs(rankings, n),
        repaired=sum(_repaired(ranking) for ranking in rankings) / (k * n) if n else None,
    )


def _slope(given: NDArray[np.float64], ended: NDArray[np.float64]) -> float | None:
    """Least squares of output on input place, both centred per document; None without variation."""
    place = given - given.mean(axis=0)
    rank = ended - ended.mean(axis=0)
    variation = float((place**2).sum())
    return float((place * rank).sum()) / variation if variation else None


def _tied_pairs(rankings: Sequence[Ranking], n: int) -> float | None:
    pairs = len(rankings) * n * (n - 1) // 2
    tied = sum(
        size * (size - 1) // 2 for ranking in rankings for size in Counter(ranking.mid_ranks().values()).values()
    )
    return tied / pairs if pairs else None


def _repaired(ranking: Ranking) -> int:
    return len({index for entry in ranking.diagnostics if entry.code in REPAIRS for index in entry.indexes})
