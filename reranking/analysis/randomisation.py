"""Does the input position have any effect? A randomisation test on designs drawn otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reranking.analysis.bias_runs import Observed
from reranking.analysis.designs import Design

_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class PositionTest:
    """Two-sided p-values, from 0 to 1, of no effect of the input position.

    `linear` is that of a trend from first to last, `middle` that of a difference between the
    middle and the ends; the `_adjusted` ones are Holm's over the two, and are what to judge by.
    Two documents have no middle: its p is 1 and nothing is adjusted. `least` is the smallest
    adjusted p-value that the design allows: few documents and runs cannot reach a small one.
    """

    linear: float
    middle: float
    linear_adjusted: float
    middle_adjusted: float
    least: float
    draws: int


def position_test(
    observed: Observed, design: Design, *, draws: int = 2000, chance: np.random.Generator | None = None
) -> PositionTest | None:
    """Hold what each run made of its documents, and draw the input orders anew.

    If positions have no effect, the runs would have given the same ranks under any orders that
    the design could have drawn; the share of draws (the one observed included) whose statistic
    is at least as far from 0 is the p-value. Statistics: the sum over all cells of
    (place - mean place) x (rank - document's mean rank), and the same with the centred
    square of the former. None where nothing can be drawn otherwise, or without draws.
    """
    n, k = observed.n, observed.k
    if n < 2 or not k or not draws or design.kind == "repeats":
        return None
    chance = chance or np.random.default_rng(0)
    ranks = (observed.ranks - observed.ranks.mean(axis=0)).ravel()
    found = np.abs(_statistics(observed.places[None].astype(np.float64), ranks))
    # Figures that are equal in exact arithmetic must count as equal; others differ by 1 / (4 k) at least.
    found -= 1e-13 * float(np.abs(ranks).sum()) * n**2
    beyond = np.zeros(2)
    size = max(1, _AT_ONCE // (design.runs * n))
    for at in range(0, draws, size):
        places = design.redraw(chance, min(size, draws - at))[:, observed.kept]
        beyond += (np.abs(_statistics(places, ranks)) >= found).sum(axis=0)
    linear, middle = ((1 + beyond) / (1 + draws)).tolist()
    adjusted = holm([linear, middle]) if n > 2 else [linear, 1.0]
    least = min(1.0, (2 if n > 2 else 1) * 2 / design.possible())
    return PositionTest(linear, middle, adjusted[0], adjusted[1], least, draws)


def holm(values: list[float]) -> list[float]:
    """P-values adjusted for being several.

    Source: Holm 1979, https://www.jstor.org/stable/4615733
    """
    adjusted = [0.0] * len(values)
    highest = 0.0
    for rank, at in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[at]))
        adjusted[at] = highest
    return adjusted


def _statistics(places: NDArray[np.floating], ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """The linear and the quadratic statistic of each draw: (draws, 2). `ranks` have mean 0 in each run."""
    n = places.shape[-1]
    from_middle = places.reshape(len(places), -1) - np.float32((n - 1) / 2)
    return np.stack([from_middle @ ranks, from_middle**2 @ ranks], axis=1).astype(np.float64)
