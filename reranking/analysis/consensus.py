"""One order out of several rankings of the same documents: Kemeny, Borda, Copeland, reciprocal ranks.

A ranking is a list of ranks by document, 1 the best; tied documents share a rank (the mean one
or any other, only the order counts). Weights say how much each ranking counts. The sums are
higher for better documents, and equal where the method holds documents equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reranking.analysis.kemeny import Solved, solve

RRF_K = 60
SECONDS = 10.0

DIGITS = 12
LARGEST_WEIGHT = 10**6

Ranks = Sequence[float]
Matrix = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Consensus:
    """A Kemeny order: groups of documents, best first.

    The members of a group are tied in every ranking. `disagreements` counts, with the rankings'
    weights, the pairs that a ranking orders the other way; no order has fewer than
    `lower_bound`. `exact` says that none has fewer than this one.
    """

    groups: tuple[tuple[int, ...], ...]
    disagreements: float
    lower_bound: float
    exact: bool


def mid_ranks(ranks: Ranks) -> list[float]:
    """The ranks with tied documents sharing their mean rank."""
    _, group, sizes = np.unique(np.asarray(ranks, float), return_inverse=True, return_counts=True)
    means = np.cumsum(sizes) - (sizes - 1) / 2
    return [float(mean) for mean in means[group]]


def borda_points(ranks: Ranks) -> list[float]:
    """For each document how many are ranked below it, tied ones counting half."""
    return [len(ranks) - rank for rank in mid_ranks(ranks)]


def reciprocal_ranks(ranks: Ranks) -> list[float]:
    """1 / (60 + rank) for each document, with mean ranks where there are ties."""
    return [1 / (RRF_K + rank) for rank in mid_ranks(ranks)]


def total(parts: Sequence[float]) -> float:
    """The sum of a document's parts, the same in whatever order they are added."""
    return float(f"{math.fsum(parts):.{DIGITS}g}")


def borda(rankings: Sequence[Ranks], weights: Sequence[float] | None = None) -> list[float]:
    """The weighted sum of `borda_points` by document. Raises ValueError as `kemeny` does."""
    return _summed(borda_points, rankings, weights)


def reciprocal_rank(rankings: Sequence[Ranks], weights: Sequence[float] | None = None) -> list[float]:
    """The weighted sum of `reciprocal_ranks` by document. Raises ValueError as `kemeny` does.

    Source: Cormack, Clarke & Buettcher 2009, https://doi.org/10.1145/1571941.1572114
    """
    return _summed(reciprocal_ranks, rankings, weights)


def copeland(rankings: Sequence[Ranks], weights: Sequence[float] | None = None) -> list[float]:
    """For each document how many it beats by weighted majority, an even vote counting half.

    Raises ValueError as `kemeny` does.
    """
    counts, _ = _whole(_checked(rankings, weights))
    margin = _preferences(rankings, counts)
    margin = margin - margin.T
    return [float(wins) for wins in (margin > 0).sum(axis=1) + ((margin == 0).sum(axis=1) - 1) / 2]


def kemeny(rankings: Sequence[Ranks], weights: Sequence[float] | None = None, *, seconds: float = SECONDS) -> Consensus:
    """The order that the rankings contradict in the fewest pairs, counted with their weights.

    A ranking that ties two documents contradicts neither order of them. Documents that every
    ranking ties stay tied; all others get an order. Where orders are equally good, Borda's sums
    decide, then the order of the input: of the documents that may come next the one with more
    points comes first, and within a majority cycle of up to 40 the order nearest to Borda's is
    taken.

    What majorities decide without a cycle is found at once. Each cycle is an integer programme
    with one variable for every pair; after `seconds` in all, the best order found so far is
    taken, with `exact` false. Weights count to six digits.

    Raises ValueError without a ranking, or if ranks are not finite, lengths differ or a weight
    is not positive. Source: Kemeny 1959, https://www.jstor.org/stable/20026529; components as
    in Truchon 1998 (extended Condorcet criterion).
    """
    deadline = perf_counter() + seconds
    counts, unit = _whole(_checked(rankings, weights))
    points = borda(rankings, weights)
    members = _clones(rankings)
    members.sort(key=lambda group: (-points[group[0]], group[0]))  # from here on by Borda, then input order
    first = [group[0] for group in members]
    sizes = np.array([len(group) for group in members], np.int64)
    prefer = _preferences([[ranks[at] for at in first] for ranks in rankings], counts) * np.outer(sizes, sizes)

    parts = [_part(prefer, component, deadline) for component in _components(prefer > prefer.T)]
    order = _merged(prefer > prefer.T, [component for component, _ in parts])
    within = np.zeros_like(prefer, bool)
    for component, _ in parts:
        within[np.ix_(component, component)] = True
    certain = int(np.minimum(prefer, prefer.T)[~within].sum()) // 2
    bound = certain + sum(solved.bound for _, solved in parts)
    cost = int(np.tril(prefer[np.ix_(order, order)], -1).sum())
    groups = tuple(tuple(members[at]) for at in order)
    return Consensus(groups, float(cost * unit), float(bound * unit), all(solved.exact for _, solved in parts))


def _part(prefer: Matrix, component: list[int], deadline: float) -> tuple[list[int], Solved]:
    """A component in its order, and how that was found."""
    if len(component) == 1:  # as nearly all are where the rankings mostly agree
        return component, Solved([0], 0, True)
    solved = solve(prefer[np.ix_(component, component)], deadline)
    return [component[at] for at in solved.order], solved


def _components(beats: NDArray[np.bool_]) -> list[list[int]]:
    """The sets of documents within which majorities go round in circles, each in ascending order."""
    if not len(beats):
        return []
    from scipy.sparse.csgraph import connected_components  # a fifth of a second to import

    count, labels = connected_components(beats, directed=True, connection="strong")
    found: list[list[int]] = [[] for _ in range(count)]
    for at, label in enumerate(labels):
        found[label].append(at)
    return found


def _merged(beats: NDArray[np.bool_], components: Sequence[Sequence[int]]) -> list[int]:
    """One order that keeps each component's and every majority between them; the lowest number goes first."""
    before = beats.copy()
    for component in components:
        before[np.ix_(component, component)] = False
        before[component[:-1], component[1:]] = True
    waiting = before.sum(axis=0)
    ready = [at for at in range(len(beats)) if not waiting[at]]
    heapify(ready)
    order = []
    while ready:
        at = heappop(ready)
        order.append(at)
        waiting[before[at]] -= 1
        for freed in np.flatnonzero(before[at] & (waiting == 0)):
            heappush(ready, int(freed))
    return order


def _preferences(rankings: Sequence[Ranks], counts: Sequence[int]) -> Matrix:
    """By row and column the weight of the rankings that put the one document above the other."""
    size = len(rankings[0])
    found = np.zeros((size, size), np.int64)
    for ranks, count in zip(rankings, counts, strict=True):
        column = np.asarray(ranks, float)
        found += count * (column[:, None] < column[None, :])
    return found


def _clones(rankings: Sequence[Ranks]) -> list[list[int]]:
    """The documents in groups that every ranking ties."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for at, column in enumerate(zip(*rankings, strict=True)):
        groups.setdefault(column, []).append(at)
    return list(groups.values())


def _summed(
    points: Callable[[Ranks], list[float]], rankings: Sequence[Ranks], weights: Sequence[float] | None
) -> list[float]:
    shares = _checked(rankings, weights)
    columns = [[weight * value for value in points(ranks)] for weight, ranks in zip(shares, rankings, strict=True)]
    return [total(row) for row in zip(*columns, strict=True)]


def _checked(rankings: Sequence[Ranks], weights: Sequence[float] | None) -> Sequence[float]:
    if not rankings:
        raise ValueError("a consensus needs at least one ranking")
    if len({len(ranks) for ranks in rankings}) > 1:
        raise ValueError("only rankings of the same documents have a consensus: their lengths differ")
    if not all(math.isfinite(rank) for ranks in rankings for rank in ranks):
        raise ValueError("a rank must be a finite number")
    weights = [1.0] * len(rankings) if weights is None else weights
    if len(weights) != len(rankings):
        raise ValueError(f"{len(rankings)} rankings need as many weights, not {len(weights)}")
    if not all(math.isfinite(weight) and weight > 0 for weight in weights):
        raise ValueError("a weight must be a positive number")
    return weights


def _whole(weights: Sequence[float]) -> tuple[list[int], Fraction]:
    """The weights as whole numbers, and what 1 stands for; so 0.1 and 0.2 together equal 0.3."""
    exact = [Fraction(str(weight)) for weight in weights]
    unit = Fraction(1, math.lcm(*(weight.denominator for weight in exact)))
    unit = max(unit, max(exact) / LARGEST_WEIGHT)
    counts = [max(1, round(weight / unit)) for weight in exact]
    shared = math.gcd(*counts)
    return [count // shared for count in counts], unit * shared
