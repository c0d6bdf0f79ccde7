"""When to stop a position-bias test early: when its interval is narrow enough.

The rule looks at the width only, never at which way the effect points, but it looks several
times. So that all intervals together hold what they promise, each look uses an interval at
1 - .05 / looks instead of .95 (Bonferroni), and its p-values are multiplied by the number of looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reranking.analysis.bias import BiasRun, analyse
from reranking.analysis.bias_model import LEVEL, Estimate
from reranking.analysis.designs import Design

FIRST = 8


@dataclass(frozen=True, slots=True)
class StoppingPlan:
    """At which numbers of runs to look, the last of them being all, and how narrow is narrow enough.

    `within` is the half-width of the interval of `last_to_first`, in places. For several queries
    a plan may as well count queries: then look at `pool(biases, level=plan.level).last_to_first`.
    """

    looks: tuple[int, ...]
    within: float

    @property
    def level(self) -> float:
        """The level of the interval at each look."""
        return 1 - (1 - LEVEL) / len(self.looks)

    @property
    def promise(self) -> str:
        """What intervals and p-values mean where the runs may stop early, in a sentence."""
        looks = len(self.looks)
        if looks == 1:
            return "There was one look only, at all shuffles: intervals and p-values are those of a test without one."
        return (
            f"Up to {looks} looks (after {', '.join(map(str, self.looks[:-1]))} and {self.looks[-1]} shuffles) would "
            f"make plain 95 % intervals hold less often. So each is computed at {100 * self.level:.4g} % and p-values "
            f"are multiplied by {looks}: whichever look is the last, the intervals hold in 95 of 100 tests or more."
        )

    @property
    def runs(self) -> int:
        """How many runs there are without stopping."""
        return self.looks[-1]

    def is_narrow(self, effect: Estimate | None) -> bool:
        """Whether an effect is known well enough; its interval must be at this plan's `level`."""
        half = half_width(effect)
        return half is not None and half <= self.within


@dataclass(frozen=True, slots=True)
class Look:
    """What one look shows: the effect from last to first with this look's interval, and whether to stop.

    `half_width` is None where the runs cannot tell. `saved` is how many runs stopping here saves.
    """

    runs: int
    effect: Estimate | None
    half_width: float | None
    stop: bool
    saved: int


def plan_looks(design: Design, within: float, *, first: int = FIRST, most: int = 4) -> StoppingPlan:
    """A plan for a design of pairs or random orders: `most` looks, evenly apart, from `first` runs on.

    Pairs are not split. Raises ValueError for other designs, which only hold as a whole, or if
    `within` is not positive.
    """
    if design.kind not in {"pairs", "random"}:
        raise ValueError("a balanced design is balanced only as a whole: it cannot stop early")
    if within <= 0:
        raise ValueError("the interval's half-width must be above 0")
    step = 2 if design.kind == "pairs" else 1
    first = min(first, design.runs)
    looks = {first + round((design.runs - first) * at / max(1, most - 1) / step) * step for at in range(most)}
    return StoppingPlan(tuple(sorted({min(look, design.runs) for look in looks} | {design.runs})), within)


def look(plan: StoppingPlan, design: Design, runs: Sequence[BiasRun], *, resamples: int = 2000, seed: int = 1) -> Look:
    """Look at the first runs of `design`, one for each number in the plan; the last look always stops.

    Raises ValueError if there is no look at that number of runs.
    """
    if len(runs) not in plan.looks:
        raise ValueError(f"the plan has no look at {len(runs)} runs, but at {', '.join(map(str, plan.looks))}")
    so_far = Design(design.kind, design.orders[: len(runs)], design.seed)
    found = analyse(runs, so_far, resamples=resamples, draws=0, level=plan.level, seed=seed).model.last_to_first
    stop = len(runs) == plan.runs or plan.is_narrow(found)
    return Look(len(runs), found, half_width(found), stop, plan.runs - len(runs) if stop else 0)


def half_width(effect: Estimate | None) -> float | None:
    """Half the width of the interval, None without one."""
    return None if effect is None or effect.low is None or effect.high is None else (effect.high - effect.low) / 2
