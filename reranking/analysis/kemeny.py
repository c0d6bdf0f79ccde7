"""The exact Kemeny order of documents among which majorities go round in circles.

A variable for every pair says which of the two comes first; every three documents must not
form a cycle. These constraints are added only as they are violated: first while fractions are
allowed, which gives a lower bound and often the solution, then in whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 250
"""Documents beyond which the programme does not fit into reasonable time and memory."""

NEAREST = 40
"""Documents up to which, of equally good orders, the nearest to a given one is found."""

CUTS_PER_ROUND = 5_000
SLACK = 1e-5

Matrix = NDArray[np.int64]
Cuts = list[tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Solved:
    """An order (positions), a lower bound of what any order contradicts, and whether it is the best."""

    order: list[int]
    bound: int
    exact: bool


def solve(prefer: Matrix, deadline: float) -> Solved:
    """The order that contradicts the least of `prefer`; `prefer[i, j]` is the weight of i above j.

    Of equally good orders it is the one nearest to ascending positions (fewest inverted pairs)
    among up to `NEAREST` documents; beyond that, one found near it. After `deadline` (by `perf_counter`) the best
    order found so far, which always holds every position once.
    """
    size = len(prefer)
    found = _search(prefer.T, 1, list(range(size)), deadline)
    if size > LARGEST:
        return found
    # One whole number holds both aims: contradictions first, inverted pairs second.
    scale = size * (size - 1) // 2 + 1
    both = prefer.T * scale + np.tril(np.ones_like(prefer), -1)
    order = improved(both, found.order, deadline)
    if found.exact and size <= NEAREST:
        order = _search(both, scale, order, deadline).order
    return Solved(order, found.bound, found.exact)


def _search(cost: Matrix, scale: int, start: list[int], deadline: float) -> Solved:
    """The cheapest order; `cost[i, j]` is what it costs to put i above j. Costs are solved divided by `scale`."""
    best = min(
        (improved(cost, first, deadline) for first in (start, list(range(len(cost))))),
        key=lambda order: paid(cost, order),
    )
    bound = int(np.triu(np.minimum(cost, cost.T), 1).sum())
    programme: _Programme | None = None
    whole = False
    while bound < paid(cost, best) and len(cost) <= LARGEST and perf_counter() < deadline:
        programme = programme or _Programme(cost, scale)
        above, lower, finished = programme.solved(whole, deadline)
        bound = max(bound, lower)
        if above is not None:
            found = improved(cost, np.argsort(-above.sum(axis=1), kind="stable").tolist(), deadline)
            best = min(best, found, key=lambda order: paid(cost, order))
        if above is None or not finished:
            break
        new = programme.violated(above)
        if not new and (whole or np.abs(above - above.round()).max() < SLACK):
            bound = paid(cost, best)
        whole = whole or not new
        programme.cuts += new
    bound = min(bound, paid(cost, best))  # the solver's bound may be off by a rounding error
    return Solved(best, bound, bound == paid(cost, best))


def improved(cost: Matrix, order: list[int], deadline: float) -> list[int]:
    """`order` with single documents moved to better places until no such move saves anything.

    `cost[i, j]` is what it costs to put i above j. Stops early at `deadline`.
    """
    order = list(order)
    moved = True
    while moved:
        moved = False
        for document in list(order):
            if perf_counter() >= deadline:
                return order
            at = order.index(document)
            rest = order[:at] + order[at + 1 :]
            # What each step down the list saves: one more of the rest comes above the document.
            steps = cost[rest, document] - cost[document, rest]
            totals = np.concatenate([[0], np.cumsum(steps)])
            place = int(np.argmin(totals))
            if totals[place] < totals[at]:
                order = [*rest[:place], document, *rest[place:]]
                moved = True
    return order


class _Programme:
    """The linear programme with the constraints found so far."""

    def __init__(self, cost: Matrix, scale: int) -> None:
        self.size = len(cost)
        self.cuts: Cuts = []
        self.rows, self.columns = np.triu_indices(self.size, 1)
        self.number = np.zeros((self.size, self.size), np.int64)
        self.number[self.rows, self.columns] = np.arange(len(self.rows))
        self.least = int(cost[self.columns, self.rows].sum())
        self.scale = scale
        # A variable is 1 if the first of its pair comes above the second.
        self.gain = (cost[self.rows, self.columns] - cost[self.columns, self.rows]) / scale

    def solved(self, whole: bool, deadline: float) -> tuple[NDArray[np.float64] | None, int, bool]:
        """What comes above what (1, 0 or between), the lower bound, and whether it was solved to the end."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        limits = [LinearConstraint(self._constraints(), *self._range())] if self.cuts else []
        options = {"time_limit": max(0.01, deadline - perf_counter()), "mip_rel_gap": 0.0}
        result = milp(
            self.gain, integrality=np.full(len(self.gain), int(whole)), bounds=Bounds(0, 1),
            constraints=limits, options=options,
        )  # fmt: skip
        finished = result.status == 0
        value = result.fun if finished and not whole else getattr(result, "mip_dual_bound", None)
        lower = 0
        if value is not None and np.isfinite(value):
            lower = int(np.ceil(value * self.scale + self.least - 0.01 - 1e-9 * abs(value) * self.scale))
        if result.x is None:
            return None, lower, False
        above = np.zeros((self.size, self.size))
        found = result.x.round() if whole else result.x
        above[self.rows, self.columns] = found
        above[self.columns, self.rows] = 1 - found
        return above, lower, finished

    def violated(self, above: NDArray[np.float64]) -> Cuts:
        """The cycles i > j > k > i that the values allow, i the lowest; the worst of them, if there are many."""
        cycles, excesses = [], []
        for i in range(self.size - 2):
            after = slice(i + 1, None)
            excess = above[i, after, None] + above[after, after] + above[None, after, i] - 2
            np.fill_diagonal(excess, 0)
            j, k = np.nonzero(excess > SLACK)
            cycles.append(np.stack([np.full_like(j, i), j + i + 1, k + i + 1], axis=1))
            excesses.append(excess[j, k])
        found = np.concatenate(cycles)
        worst = np.argsort(-np.concatenate(excesses), kind="stable")[:CUTS_PER_ROUND]
        return [(int(i), int(j), int(k)) for i, j, k in found[worst]]

    def _constraints(self) -> Any:
        """A row per cycle: x_ij + x_jk - x_ik where j < k, else x_ij - x_kj - x_ik."""
        from scipy.sparse import csr_array

        first, second, third = np.array(self.cuts).T
        low, high = np.minimum(second, third), np.maximum(second, third)
        sign = np.where(second < third, 1.0, -1.0)
        columns = np.stack([self.number[first, low], self.number[low, high], self.number[first, high]], axis=1)
        values = np.stack([sign, sign, -sign], axis=1)
        starts = np.arange(0, 3 * len(self.cuts) + 1, 3)
        return csr_array((values.ravel(), columns.ravel(), starts), shape=(len(self.cuts), len(self.gain)))

    def _range(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """No lower limits; the upper ones follow from x_ij + x_jk + x_ki <= 2 with x_ki = 1 - x_ik and so on."""
        top = np.array([1.0 if second < third else 0.0 for _, second, third in self.cuts])
        return np.full(len(self.cuts), -np.inf), top


def paid(cost: Matrix, order: list[int]) -> int:
    """What an order costs: `cost[i, j]` for every i above j."""
    return int(np.triu(cost[np.ix_(order, order)], 1).sum())
