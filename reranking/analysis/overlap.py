"""How much the tops of two rankings have in common: top-k overlap and rank-biased overlap.

Both rest on how far each document belongs to the first d of a ranking: 1 or 0, or, where a tie
group lies across that depth, the share of the group's orders that bring it in.
"""

from __future__ import annotations

from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reranking.ranking import Ranking

PERSISTENCE = 0.9

Ties = Literal["w", "a", "b"]
Shares = NDArray[np.float64]


def rbo(a: Ranking, b: Ranking, p: float = PERSISTENCE, ties: Ties = "b") -> float | None:
    """Rank-biased overlap of two rankings of the same candidates: 1 is the same order, the top counts most.

    The mean of the agreement at each depth d, weighted by (1 - p) * p ** (d - 1) and extrapolated
    beyond the end of the lists, where both hold the same documents and the agreement stays 1. So
    it cannot fall to 0 (see `chance`). `p` is how likely a reader goes on by one more document:
    .9 puts 86 % of the weight on the first ten.

    `ties` says what a tie means (Corsi and Urbano): "w" that documents share a place as in
    sports, "a" that their order is not known, with the mean over all orders, and "b" the same,
    divided by what ties take away, so that a ranking agrees fully with itself. The default is
    "b", since a strategy that scores documents equal cannot tell them apart (no shared place),
    no ranking is a reference for the others, and tau-b treats ties the same way.

    None if one failed or there are no documents. Raises ValueError if the candidates differ or
    `p` is not between 0 and 1. Sources: Webber, Moffat and Zobel 2010,
    https://doi.org/10.1145/1852102.1852106, equation 30; Corsi and Urbano 2024,
    https://doi.org/10.1145/3626772.3657700
    """
    if not 0 < p < 1:
        raise ValueError(f"p must be between 0 and 1, not {p:g}")
    ranks = _comparable(a, b)
    if ranks is None:
        return None
    if ties != "a" and ranks[0] == ranks[1]:  # square roots may miss 1 by a rounding error
        return 1.0
    both = [_shares(ranking, at_once=ties == "w") for ranking in (a, b)]
    weights = (1 - p) * p ** np.arange(len(a))
    # One less what is missing: so that no sum of weights has to be 1 exactly.
    return float(1 - weights @ (1 - _agreement(both[0], both[1], ties)))


def chance(n: int, p: float = PERSISTENCE) -> float:
    """The mean `rbo` of two random orders of `n` documents without ties: what "unrelated" comes to."""
    depths = np.arange(1, n + 1)
    return float(1 - (1 - p) * p ** (depths - 1) @ (1 - depths / n))


def overlap(a: Ranking, b: Ranking, k: int) -> float | None:
    """The share of the first `k` documents that two rankings of the same candidates have in common, 0 to 1.

    Where ties lie across the cut it is the agreement at depth `k` of `rbo`'s variant "b": a tied
    document counts as far as the orders of its group bring it into the first `k`, divided by what
    ties take away, so that equal rankings have 1. With `k` beyond the list it is 1. None where
    `rbo` gives None. Raises ValueError if `k` is below 1 or the candidates differ.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    ranks = _comparable(a, b)
    if ranks is None:
        return None
    if ranks[0] == ranks[1]:
        return 1.0
    at = min(k, len(a)) - 1
    both = [_shares(ranking, at_once=False)[at : at + 1] for ranking in (a, b)]
    return float(_agreement(both[0], both[1], "b", first=at + 1)[0])


def _comparable(a: Ranking, b: Ranking) -> tuple[dict[int, float], dict[int, float]] | None:
    """The mid-ranks of both, if there are any."""
    first, second = a.mid_ranks(), b.mid_ranks()
    if not first or not second:
        return None
    if first.keys() != second.keys():
        raise ValueError("only rankings of the same candidates can be compared")
    return first, second


def _shares(ranking: Ranking, *, at_once: bool) -> Shares:
    """By depth (from 1) and document: how far it belongs to the first d. Documents are in input order.

    With `at_once` all of a tie group belong from the group's first place on.
    """
    n = len(ranking)
    column = {index: at for at, index in enumerate(sorted(ranking.order))}
    depths = np.arange(1, n + 1)
    found = np.zeros((n, n))
    before = 0
    for _, members in groupby(ranking, key=lambda item: item.tie):
        group = [column[item.index] for item in members]
        size = 1 if at_once else len(group)
        found[:, group] = np.clip((depths - before) / size, 0, 1)[:, None]
        before += len(group)
    return found


def _agreement(a: Shares, b: Shares, ties: Ties, first: int = 1) -> Shares:
    """The agreement at each depth, from `first` on."""
    common = (a * b).sum(axis=1)
    if ties == "a":
        possible = np.arange(first, first + len(a), dtype=float)
    elif ties == "w":
        possible = (a.sum(axis=1) + b.sum(axis=1)) / 2
    else:
        possible = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    found: Shares = np.minimum(common / possible, 1.0)
    return found
