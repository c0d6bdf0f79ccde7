"""What the engine and the gateway cost where the model costs nothing."""

from __future__ import annotations

import asyncio
import time
from itertools import permutations
from typing import ClassVar, Literal, cast

from benchmarks.harness import Row, benchmark, median_of
from reranking.documents import Candidates, as_candidates
from reranking.engine import run_strategy
from reranking.gateway import Gateway
from reranking.models import Model
from reranking.ranking import by_score
from reranking.replies import Choices, Reply
from reranking.requests import Choose, Message, Request
from reranking.strategies.base import AsksModel, Family, Steps

DOCUMENTS = 100
PASSAGE = "Thin panels lose less of their output than thick ones where a part of them lies in the shade. " * 6
"""About 570 characters, the length of a typical passage."""


class InMemory:
    """A model that prefers what is shown first, at once."""

    name = "in-memory"
    fingerprint = "in-memory"
    answers: frozenset[type[Request]] = frozenset({Choose})

    async def answer(self, request: Request) -> Reply:
        """The first choice, always."""
        return Choices(logprobs=(0.0, -1.0))


class EveryOrderedPair(AsksModel):
    """Asks for every ordered pair which one is better, in one batch, and counts wins."""

    title: ClassVar[str] = "Every ordered pair"
    family: ClassVar[Family] = "LLM pairwise"
    asks: ClassVar[tuple[type[Request], ...]] = (Choose,)
    kind: Literal["benchmark-every-pair"] = "benchmark-every-pair"

    def steps(self, query: str, candidates: Candidates) -> Steps:
        """One batch of n (n - 1) requests."""
        pairs = list(permutations(range(len(candidates)), 2))
        replies = yield [self._ask(query, candidates, first, second) for first, second in pairs]
        wins = [0.0] * len(candidates)
        for (first, second), reply in zip(pairs, cast(list[Choices], replies), strict=True):
            better = first if (reply.logprobs[0] or 0.0) >= (reply.logprobs[1] or 0.0) else second
            wins[better] += 1
        return by_score(candidates, wins, "wins")

    def _ask(self, query: str, candidates: Candidates, first: int, second: int) -> Request:
        text = f"Query: {query}\n\nA: {candidates[first].text}\n\nB: {candidates[second].text}\n\nA or B?"
        return Choose(
            model=self.asked,
            task="pick",
            shown=(candidates[first].index, candidates[second].index),
            messages=(Message("user", text),),
            choices=("A", "B"),
        )


@benchmark("engine")
def engine() -> list[Row]:
    """All ordered pairs of 100 documents, every request sent once and recorded."""
    requests = DOCUMENTS * (DOCUMENTS - 1)
    seconds = median_of(3, lambda: all_pairs_seconds(requests))
    return [
        Row("9,900 in-memory requests, all pairs of 100 documents", seconds, "s", "<= 3"),
        Row("one in-memory request", seconds / requests * 1e6, "µs"),
    ]


def all_pairs_seconds(requests: int) -> float:
    """Seconds for one run. Raises RuntimeError if it did not ask what it should have."""
    candidates = as_candidates(f"{number}. {PASSAGE}" for number in range(DOCUMENTS))
    gateway = Gateway(resolve=lambda ref: cast(Model, ref))
    strategy = EveryOrderedPair(model=InMemory())
    clock = time.perf_counter()
    ranking = asyncio.run(run_strategy(strategy, "which panels work in shade?", candidates, gateway))
    seconds = time.perf_counter() - clock
    if ranking.outcome != "complete" or ranking.usage.requests != requests or ranking.usage.cached:
        raise RuntimeError(f"not what was to be measured: {ranking.outcome}, {ranking.usage}, {ranking.diagnostics}")
    return seconds
