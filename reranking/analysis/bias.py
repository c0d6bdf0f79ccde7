"""Position bias: from input orders and output ranks to every statistic, with intervals and p-values.

from reranking.analysis.bias import BiasRun, analyse
bias = analyse([BiasRun((0, 1, 2), {0: 1, 1: 2, 2: 3}), BiasRun((2, 1, 0), {0: 2, 1: 3, 2: 1}), ...])
bias.model.last_to_first, bias.test, bias.shuffled.w
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reranking.analysis.bias_model import LEVEL, PositionModel, fit
from reranking.analysis.bias_runs import REPAIRS, BiasRun, Observed, bias_run, observe
from reranking.analysis.designs import Design, recognise
from reranking.analysis.randomisation import PositionTest, position_test
from reranking.analysis.stability import Stability, stability

__all__ = ["REPAIRS", "Bias", "BiasRun", "Noise", "analyse", "bias_run"]

Array = NDArray[np.float64]

SEED = 1


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """What moves when the same order is repeated.

    `failed` repeats are left out. `excess_flips` is the flip rate of the shuffles minus that of
    the repeats: what the order adds. `band` is how far from 0 noise alone takes an estimated
    position effect in 95 of 100 tests, in places: the noise floor. None where undefined.
    """

    stability: Stability
    failed: int
    excess_flips: float | None
    band: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Bias:
    """What the runs of one strategy, on one query's documents, say about the input order.

    `documents` are the numbers by which orders name them, ascending; tables by document follow
    it. `share[p, r]` is the share of runs in which the document given at place p ended at rank
    r + 1; a tied group is spread evenly over its ranks, and rows and columns sum to 1.
    `mean_rank[p]` is that document's mean rank; both are NaN if every run failed. `used` and
    `failed` count runs. `repaired` is the share of placements that come from a repair, None
    without a usable run. `unmoved` says that every document had the same rank in all runs,
    though the orders differed. `shuffled` is None if every run failed, `noise` if there were no
    usable repeats, `test` where no order could have been drawn otherwise.
    """

    documents: tuple[int, ...]
    design: Design
    used: int
    failed: int
    repaired: float | None
    unmoved: bool
    share: Array
    mean_rank: Array
    model: PositionModel
    test: PositionTest | None
    shuffled: Stability | None
    noise: Noise | None
    observed: Observed

    @property
    def n(self) -> int:
        """How many documents there are."""
        return len(self.documents)

    @property
    def debiased_order(self) -> tuple[int, ...] | None:
        """Documents by their rank without position effects, the best first; None if that cannot be told."""
        ranks = self.model.debiased
        return None if ranks is None else tuple(self.documents[at] for at in np.argsort(ranks, kind="stable"))


def analyse(
    runs: Sequence[BiasRun],
    design: Design | None = None,
    repeats: Sequence[BiasRun] = (),
    *,
    resamples: int = 2000,
    draws: int = 2000,
    level: float = LEVEL,
    top: int | None = None,
    seed: int = SEED,
) -> Bias:
    """Every statistic of the shuffled `runs`, and of the `repeats` of one order as noise control.

    `design` is what the runs were drawn from, run by run; without it, it is recognised from
    their orders. `resamples` and `draws` are those of bootstrap and randomisation test, `level`
    that of the intervals, `top` how many documents count as the top. Equal arguments give equal
    results. Raises ValueError if there are no runs, or they are not about the same documents.
    """
    observed = observe(runs)
    if design is None:
        design = recognise([run.order for run in runs])
    if design.orders != tuple(tuple(run.order) for run in runs):
        raise ValueError("the runs were not given in the orders of their design")
    chance = np.random.default_rng(seed)
    groups = np.array(design.groups)[observed.kept].tolist()
    share, mean_rank = _share(observed)
    return Bias(
        documents=observed.documents,
        design=design,
        used=observed.k,
        failed=observed.failed,
        repaired=observed.repaired,
        unmoved=_unmoved(observed),
        share=share,
        mean_rank=mean_rank,
        model=fit(observed, groups, resamples=resamples, level=level, chance=chance),
        test=position_test(observed, design, draws=draws, chance=chance),
        shuffled=(shuffled := stability(observed.ranks, top) if observed.k else None),
        noise=_noise(repeats, observed, shuffled, level),
        observed=observed,
    )


def _share(observed: Observed) -> tuple[Array, Array]:
    n, k = observed.n, observed.k
    if not k:
        return np.full((n, n), np.nan), np.full(n, np.nan)
    ranks = observed.by_place()
    size = (ranks[:, :, None] == ranks[:, None, :]).sum(axis=2)
    first = ranks - (size - 1) / 2 - 1  # the 0-based rank at which the tied group begins
    at = np.arange(n)
    inside = (at >= first[:, :, None]) & (at < (first + size)[:, :, None])
    share: Array = (inside / size[:, :, None]).mean(axis=0)
    return share, ranks.mean(axis=0)


def _unmoved(observed: Observed) -> bool:
    """Whether orders differed and ranks did not."""
    if observed.k < 2:
        return False
    return bool((observed.places != observed.places[0]).any() and (observed.ranks == observed.ranks[0]).all())


def _noise(repeats: Sequence[BiasRun], observed: Observed, shuffled: Stability | None, level: float) -> Noise | None:
    if not repeats:
        return None
    if len({run.order for run in repeats}) > 1:
        raise ValueError("repeats must be given in the same order")
    repeated = observe(repeats)
    if repeated.documents != observed.documents:
        raise ValueError("the repeats are not about the documents of the runs")
    if not repeated.k:
        return None
    found = stability(repeated.ranks, None if shuffled is None else shuffled.top)
    excess = None
    if shuffled is not None and shuffled.flips is not None and found.flips is not None:
        excess = shuffled.flips - found.flips
    return Noise(found, repeated.failed, excess, _band(repeated, observed.k, level))


def _band(repeated: Observed, runs: int, level: float) -> float | None:
    """A position's effect is the mean of `runs` ranks; their error is that of the repeats."""
    freedom = (repeated.n - 1) * (repeated.k - 1)
    if not freedom or not runs:
        return None
    from scipy.special import stdtrit  # most of scipy takes long to import

    error = float(np.sqrt(repeated.ranks.var(axis=0, ddof=1).mean() / runs))
    return float(stdtrit(freedom, 0.5 + level / 2)) * error
