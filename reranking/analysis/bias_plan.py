"""How a position-bias test was set up: what has to be known to run and to read it, kept with its job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reranking.analysis.bias_runs import BiasRun
from reranking.analysis.designs import Design, Kind, draw, runs_needed
from reranking.analysis.shuffles import Order
from reranking.analysis.stopping import StoppingPlan, look, plan_looks


@dataclass(frozen=True, slots=True)
class BiasPlan:
    """The set-up of one test; its orders are the `shuffles`, then the input order `repeats` times.

    `steady` are the strategies (by their place in the job) that are run without the repeats,
    since they give the same ranking each time. With `within`, a strategy's shuffles stop as soon
    as its bias from last to first is known to so many places either way. Tests of several queries
    that were started together share a `batch`. `remedies_of` names the job and the place in it
    of the strategy whose remedies are tried.
    """

    kind: Kind
    shuffles: int
    repeats: int = 0
    seed: int = 0
    steady: tuple[int, ...] = ()
    within: float | None = None
    batch: str = ""
    remedies_of: tuple[str, int] | None = None

    def design(self, count: int) -> Design:
        """The shuffles of `count` documents. Raises ValueError if there is no such design for so many."""
        if runs_needed(self.kind, count, self.shuffles) != self.shuffles:
            raise ValueError(f"a balanced design of {count} documents takes {runs_needed(self.kind, count)} shuffles")
        return draw(self.kind, count, self.shuffles, self.seed)

    def orders(self, count: int) -> list[Order]:
        """All input orders of `count` documents. Raises ValueError as `design` does."""
        return [*self.design(count).orders, *[tuple(range(count))] * self.repeats]

    def is_run(self, position: int, repetition: int) -> bool:
        """Whether the strategy at `position` is run on the order of that number at all."""
        return repetition < self.shuffles or position not in self.steady

    def runs(self, position: int) -> int:
        """How many runs the strategy at `position` takes if nothing is stopped early."""
        return self.shuffles + (0 if position in self.steady else self.repeats)

    def stopping(self, count: int) -> StoppingPlan | None:
        """When to look whether there are enough shuffles; None to run them all. Raises ValueError as `design` does."""
        return None if self.within is None else plan_looks(self.design(count), self.within)

    def waves(self, count: int) -> list[list[int]]:
        """The numbers of the orders that are run at once, one wave after the other; the repeats with the first."""
        stopping = self.stopping(count)
        ends = [self.shuffles] if stopping is None else list(stopping.looks)
        starts = [0, *ends[:-1]]
        waves = [list(range(start, end)) for start, end in zip(starts, ends, strict=True)]
        waves[0] += range(self.shuffles, self.shuffles + self.repeats)
        return waves

    def is_enough(self, shuffles: Sequence[BiasRun]) -> bool:
        """Whether the first so many shuffles tell the bias as precisely as is wanted."""
        if not shuffles:
            return False
        count = len(shuffles[0].order)
        stopping = self.stopping(count)
        if stopping is None or len(shuffles) not in stopping.looks:
            return False
        return look(stopping, self.design(count), shuffles).stop

    def to_json(self) -> dict[str, Any]:
        """The plan as JSON-able values."""
        return {
            **asdict(self),
            "steady": list(self.steady),
            "remedies_of": None if self.remedies_of is None else list(self.remedies_of),
        }


def plan_from_json(value: Mapping[str, Any]) -> BiasPlan:
    """The plan that `BiasPlan.to_json` wrote."""
    of = value["remedies_of"]
    known = {
        **value,
        "steady": tuple(value["steady"]),
        "remedies_of": None if of is None else (str(of[0]), int(of[1])),
    }
    return BiasPlan(**known)
