"""A job as it stands: its strategies on their orders, and how far each is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from reranking.analysis.bias_plan import BiasPlan
from reranking.documents import Candidate
from reranking.engine import Estimate
from reranking.gateway import Budget
from reranking.ranking import Ranking
from reranking.store import JobKind, JobState
from reranking.strategies.base import Strategy


@dataclass
class Part:
    """One strategy on one order of the candidates: a comparison's column, a bias test's run.

    `order` holds the original positions as given to the strategy. `nonce` keeps its requests apart
    from equal ones without it, or with another. `predicted` is None until it is known; `done`,
    `failed` (those of them that brought no reply), `saved` (those that needed no call of this job,
    now or before it was resumed) and `spent_usd` (what its calls cost, None: unknown) grow while it
    runs, `answered` is when the last of them was done, and `troubles` is what the last try met with of
    each that is under way and of which one failed; `ranking` is there when it is over.
    """

    position: int
    repetition: int
    strategy: Strategy
    order: tuple[int, ...]
    nonce: str | None = None
    predicted: Estimate | None = None
    done: int = 0
    failed: int = 0
    saved: int = 0
    spent_usd: float | None = 0.0
    answered: float | None = None
    troubles: tuple[str, ...] = ()
    ranking: Ranking | None = None

    @property
    def is_cut(self) -> bool:
        """Whether a spending limit kept the strategy from asking all that it wanted."""
        return self.ranking is not None and self.ranking.usage.turned_away > 0


@dataclass
class JobStatus:
    """A job as it stands now. `problem` says why a `failed` job could not go on.

    `limit` is what it was allowed to spend when it was first started, None for no limit; `budget`
    is the one it has now, None for no limit or if this process has not worked on it.
    `created` is when it was first started, `started` when this process began to work on it.
    `is_kept` is False where the store could not be told how it ended.
    `plan` is how a bias test was set up; parts of a test that is done without a ranking were not
    needed any more.
    """

    id: str
    session: str
    kind: JobKind
    query: str
    candidates: tuple[Candidate, ...]
    parts: list[Part]
    state: JobState
    created: float
    problem: str = ""
    started: float = field(default_factory=time.time)
    plan: BiasPlan | None = None
    limit: float | None = None
    budget: Budget | None = None
    is_kept: bool = True

    @property
    def may_have_spent(self) -> float | None:
        """The most that it may have cost by now, in US dollars; None without a limit. To be asked on the loop."""
        return None if self.budget is None else self.budget.at_most

    @property
    def rankings(self) -> list[Ranking]:
        """The rankings that are there, in the order of the strategies."""
        return [part.ranking for part in self.parts if part.ranking is not None]


def parts_of(
    strategies: Sequence[Strategy],
    orders: Sequence[Sequence[int]],
    count: int,
    plan: BiasPlan | None,
    nonces: Sequence[str | None],
) -> list[Part]:
    """A part for each strategy on each order (the input order if there are none), as far as a plan runs it."""
    given: Sequence[Sequence[int]] = orders or [range(count)]
    return [
        Part(position, repetition, strategy, tuple(order), nonces[position] if nonces else None)
        for position, strategy in enumerate(strategies)
        for repetition, order in enumerate(given)
        if plan is None or plan.is_run(position, repetition)
    ]
