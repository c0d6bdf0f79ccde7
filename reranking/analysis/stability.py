"""How far several rankings of the same documents agree, and what a document's rank varies over.

All figures are on mid-ranks: tied documents share their mean rank. `ranks` is a table by run and
document.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_IN_TOP = 10


@dataclass(frozen=True, slots=True, eq=False)
class RankSpread:
    """The ranks that each document had, by document: lowest, quartiles, highest, and standard deviation in places.

    `deviation` is NaN with a single run.
    """

    low: Array
    first_quartile: Array
    median: Array
    third_quartile: Array
    high: Array
    deviation: Array


@dataclass(frozen=True, slots=True, eq=False)
class Stability:
    """How stable rankings are under what was varied. None where undefined.

    `w` is Kendall's coefficient of concordance, 0 to 1, corrected for ties; undefined when
    everything ties or there is one run. `tau` is the mean of Kendall's tau-b over the pairs of
    runs, -1 to 1. `flips` is the chance, 0 to 1/2 and more, that two runs put two documents in
    opposite orders; a pair that is tied in one of them is not flipped. `moved` is the mean
    distance in places between a document's ranks in two runs. `entropy` is that of the top
    document divided by log n: 0 when the same one is always on top. `overlap` is the mean share
    of the top `top` that two runs have in common. `tied_pairs` is the share of document pairs
    that are tied, over all runs.
    """

    runs: int
    w: float | None
    tau: float | None
    flips: float | None
    moved: float | None
    entropy: float | None
    overlap: float | None
    top: int
    tied_pairs: float | None
    spread: RankSpread


def stability(ranks: Array, top: int | None = None) -> Stability:
    """All figures of mid-ranks by run and document: (k, n), k at least 1.

    `top` is how many documents count as the top: by default the better half, at most 10.
    """
    k, n = ranks.shape
    top = max(1, min(MOST_IN_TOP, (n + 1) // 2)) if top is None else min(top, n)
    several = k > 1
    signs = _signs(ranks)
    return Stability(
        runs=k,
        w=concordance(ranks),
        tau=_mean_tau(signs) if several else None,
        flips=flip_rate(ranks) if several and n > 1 else None,
        moved=_moved(ranks) if several and n else None,
        entropy=_top_entropy(ranks) if n > 1 else None,
        overlap=_overlap(ranks, top) if several and n else None,
        top=top,
        tied_pairs=float((signs == 0).mean()) if signs.size else None,
        spread=_spread(ranks),
    )


def concordance(ranks: Array) -> float | None:
    """Kendall's W with ties; None if it is undefined. Identical runs give exactly 1.

    Source: Kendall & Babington Smith 1939, https://doi.org/10.1214/aoms/1177732186
    """
    k, n = ranks.shape
    doubled = np.rint(2 * ranks).astype(int)  # whole numbers, so that nothing is rounded
    ties = sum(int((sizes**3 - sizes).sum()) for sizes in (np.unique(row, return_counts=True)[1] for row in doubled))
    most = k * k * (n**3 - n) - k * ties
    if k < 2 or most == 0:
        return None
    sums = doubled.sum(axis=0) - k * (n + 1)
    return float(3 * int((sums**2).sum()) / most)


def flip_rate(ranks: Array) -> float:
    """The chance that two of the runs put two documents in opposite orders; k and n at least 2.

    With q the share of runs that put i above j, and q' that of j above i, this is the mean of
    2 q q' over the pairs of documents, times k / (k - 1): over pairs of different runs, so that
    it can be compared between numbers of runs.
    """
    k, n = ranks.shape
    above = (ranks[:, :, None] < ranks[:, None, :]).mean(axis=0)
    return float((above * above.T).sum() / (n * (n - 1)) * 2 * k / (k - 1))


def _signs(ranks: Array) -> NDArray[np.int8]:
    """For each run and pair of documents which of the two is better: -1, 0, 1."""
    first, second = np.triu_indices(ranks.shape[1], 1)
    return np.sign(ranks[:, first] - ranks[:, second]).astype(np.int8)


def _mean_tau(signs: NDArray[np.int8]) -> float | None:
    table = signs.astype(float)
    agree = table @ table.T
    sizes = np.diagonal(agree)
    told = np.outer(sizes > 0, sizes > 0) & np.triu(np.ones_like(agree, bool), 1)
    taus = agree[told] / np.sqrt(np.outer(sizes, sizes)[told])
    return float(np.round(taus.mean(), 12)) if taus.size else None


def _moved(ranks: Array) -> float:
    """Mean over documents and pairs of runs: of sorted values, the r-th (from 0) counts 2 r - k + 1 times."""
    k = len(ranks)
    counts = 2 * np.arange(k) - k + 1
    distances = (counts @ np.sort(ranks, axis=0)) / (k * (k - 1) / 2)
    return float(distances.mean())


def _top_entropy(ranks: Array) -> float:
    """Documents that share the top in a run share the run."""
    best = ranks == ranks.min(axis=1, keepdims=True)
    shares = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    shares = shares[shares > 0]
    return abs(float(-(shares * np.log(shares)).sum() / np.log(ranks.shape[1])))


def _overlap(ranks: Array, top: int) -> float:
    """Of documents that are tied across the limit, each is in the top with its share."""
    below = (ranks[:, :, None] > ranks[:, None, :]).sum(axis=2)  # how many are better
    size = (ranks[:, :, None] == ranks[:, None, :]).sum(axis=2)
    within = np.clip((top - below) / size, 0, 1)
    k = len(ranks)
    common = [np.minimum(within[run], within[run + 1 :]).sum(axis=1) for run in range(k - 1)]
    return float(np.concatenate(common).mean() / top)


def _spread(ranks: Array) -> RankSpread:
    low, first, median, third, high = np.quantile(ranks, [0, 0.25, 0.5, 0.75, 1], axis=0)
    deviation = ranks.std(axis=0, ddof=1) if len(ranks) > 1 else np.full(ranks.shape[1], np.nan)
    return RankSpread(low, first, median, third, high, deviation)
