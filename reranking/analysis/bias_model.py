"""The two-way model of a position-bias test: output rank = mean + document + input position + error.

Fitted by least squares over all runs, so that a document's quality does not count as an effect
of its place even where the runs do not balance the two. Intervals come from resampling whole
runs, or pairs of an order and its reverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reranking.analysis.bias_runs import Observed

Array = NDArray[np.float64]

NOTHING = 1e-9
"""Effects below are rounding errors; in places."""

LEVEL = 0.95
POWER = 0.8
_AT_ONCE = 2_500_000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval, in the unit of the figure. The last four are None if too few runs can tell.

    `error` is its standard error, `low` and `high` bound the interval, and an effect of the size
    `detectable` would be told from none in 4 of 5 such tests.
    """

    value: float
    low: float | None = None
    high: float | None = None
    error: float | None = None
    detectable: float | None = None

    def times(self, factor: float) -> Estimate:
        """The same figure in another unit; `factor` is positive."""
        scaled = (
            None if item is None else item * factor for item in (self.low, self.high, self.error, self.detectable)
        )
        return Estimate(self.value * factor, *scaled)


@dataclass(frozen=True, slots=True, eq=False)
class PositionModel:
    """Effects of the input position on the output rank, in places; ranks count from 1 at the top.

    `effects[p]` is how much worse (higher in number) a document ends for being given at place p;
    their sum is 0. `low` and `high` are their intervals, None with fewer than two groups of runs.
    `slope` is the linear trend in places of output per place of input: positive is primacy.
    `last_to_first` is the same over the whole list: how many places a document gains by being
    moved from the last place to the first. `middle` is the quadratic contrast: how many places
    a document loses by being moved from either end to the middle; negative if it gains.
    `position_share` is partial eta squared: of what documents do not explain, the share that
    positions do. `debiased[d]` is each document's mean rank had it been at every place equally
    often. What the orders cannot tell is None.
    """

    effects: Array | None
    low: Array | None
    high: Array | None
    slope: Estimate | None
    last_to_first: Estimate | None
    middle: Estimate | None
    position_share: float | None
    debiased: Array | None
    groups: int


def fit(
    observed: Observed,
    groups: Sequence[int],
    *,
    resamples: int = 2000,
    level: float = LEVEL,
    chance: np.random.Generator | None = None,
) -> PositionModel:
    """The model of the observed runs; `groups[run]` numbers the groups that are resampled whole.

    `resamples` is the number of bootstrap draws; without any there are no intervals. An interval
    is the estimate plus and minus t(G - 1) x bootstrap standard error x sqrt(G / (G - 1)) for G
    groups.
    """
    n, k = observed.n, observed.k
    _, numbers = np.unique(np.asarray(groups, int), return_inverse=True)
    count = int(numbers.max()) + 1 if k else 0
    if n < 2 or not k:
        return PositionModel(None, None, None, None, None, None, None, None, count)
    tables = _Tables(observed)
    effects, known = tables.solve_exactly()
    contrasts = _contrasts(n)
    can_tell = [bool(np.allclose(known @ contrast, contrast, atol=1e-6)) for contrast in contrasts]
    connected = bool(np.linalg.matrix_rank(known) == n - 1)
    values = [_clean(float(effects @ contrast)) for contrast in contrasts]
    errors: Array | None = None
    if count > 1 and resamples and (connected or any(can_tell)):
        chance = chance or np.random.default_rng(0)
        weights = chance.multinomial(count, np.full(count, 1 / count), size=resamples)[:, numbers].astype(float)
        drawn = tables.solve(weights)
        everything = np.concatenate([drawn, drawn @ contrasts.T], axis=1)
        errors = everything.std(axis=0, ddof=1) * np.sqrt(count / (count - 1))
        errors[errors < NOTHING] = 0.0
    slope, middle = (
        estimate(value, None if errors is None else float(errors[n + at]), count, level) if told else None
        for at, (value, told) in enumerate(zip(values, can_tell, strict=True))
    )
    half = None if errors is None or not connected else _quantiles(count, level)[0] * errors[:n]
    effects = np.where(np.abs(effects) < NOTHING, 0.0, effects)
    return PositionModel(
        effects=effects if connected else None,
        low=None if half is None else effects - half,
        high=None if half is None else effects + half,
        slope=slope,
        last_to_first=None if slope is None else slope.times(n - 1),
        middle=middle if n > 2 else None,
        position_share=tables.position_share(effects),
        debiased=tables.documents(effects) if connected else None,
        groups=count,
    )


class _Tables:
    """What the normal equations are made of. Document effects are eliminated: what is left has n unknowns."""

    def __init__(self, observed: Observed) -> None:
        self.n, self.k = observed.n, observed.k
        self.middle = (self.n + 1) / 2
        self.ranks = observed.ranks - self.middle  # by run and document
        self.places = observed.places
        self.by_place = observed.by_place() - self.middle
        self.given = np.zeros((self.k, self.n, self.n))  # given[run, document, place]
        np.put_along_axis(self.given, self.places[:, :, None], 1.0, axis=2)

    def solve_exactly(self) -> tuple[Array, Array]:
        """The effects of least norm, and the projection on what the runs can tell of them."""
        system, right = self._reduced(np.ones((1, self.k)))
        values, vectors = np.linalg.eigh(system[0])
        kept = vectors[:, values > NOTHING * self.k]
        inverse = (kept / values[values > NOTHING * self.k]) @ kept.T
        return inverse @ right[0], kept @ kept.T

    def solve(self, weights: Array) -> Array:
        """The effects with each run weighted, for each row of `weights`: (draws, n)."""
        size = max(1, _AT_ONCE // self.n**2)
        found = []
        for at in range(0, len(weights), size):
            system, right = self._reduced(weights[at : at + size])
            total = weights[at : at + size].sum(axis=1)[:, None, None]
            # The sum of the effects is not determined, nor is what a resample leaves out: both are held at 0.
            system += total * (1 / self.n + 1e-8 * np.eye(self.n))
            found.append(np.linalg.solve(system, right[:, :, None])[:, :, 0])
        return np.concatenate(found)

    def _reduced(self, weights: Array) -> tuple[Array, Array]:
        """The equations for the position effects alone: (draws, n, n) and (draws, n)."""
        n = self.n
        total = weights.sum(axis=1)
        met = (weights @ self.given.reshape(self.k, n * n)).reshape(-1, n, n)  # by document and place
        system = -(met.transpose(0, 2, 1) @ met) / total[:, None, None]
        system[:, range(n), range(n)] += total[:, None]
        documents = weights @ self.ranks / total[:, None]
        right = weights @ self.by_place - (documents[:, None, :] @ met)[:, 0]
        return system, right

    def documents(self, effects: Array) -> Array:
        """Each document's mean rank without the effect of the places at which it was given."""
        means: Array = (self.ranks - effects[self.places]).mean(axis=0) + self.middle
        return means

    def position_share(self, effects: Array) -> float:
        """Partial eta squared; 0 also where documents explain everything."""
        without = self.ranks - self.ranks.mean(axis=0)
        left = self.ranks - effects[self.places]
        left = left - left.mean(axis=0)
        rest, before = float((left**2).sum()), float((without**2).sum())
        if before < NOTHING:
            return 0.0
        return max(0.0, 1 - rest / before)


def _contrasts(n: int) -> Array:
    """Rows that turn effects into the slope and into what the middle loses against the ends."""
    place = np.arange(n) - (n - 1) / 2
    curve = place**2 - (place**2).mean()
    rows = np.zeros((2, n))
    rows[0] = place / (place**2).sum()
    if n > 2:
        rows[1] = -curve / (curve**2).sum() * (curve.max() - curve.min())
    return rows


def estimate(value: float, error: float | None, groups: int, level: float = LEVEL) -> Estimate:
    """A figure with its interval: `error` is its standard error from `groups` independent groups."""
    if error is None or groups < 2:
        return Estimate(value)
    reach, detect = _quantiles(groups, level)
    return Estimate(value, value - reach * error, value + reach * error, error, detect * error)


def _quantiles(groups: int, level: float) -> tuple[float, float]:
    """How many standard errors an interval reaches, and how many an effect must have to be found."""
    from scipy.special import stdtrit  # most of scipy takes long to import

    reach = float(stdtrit(groups - 1, 0.5 + level / 2))
    return reach, reach + float(stdtrit(groups - 1, POWER))


def _clean(value: float) -> float:
    return 0.0 if abs(value) < NOTHING else value
