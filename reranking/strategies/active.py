"""Pairwise comparisons that choose what to ask next from what is known already."""

from __future__ import annotations

from collections.abc import Generator
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from reranking.documents import Candidates
from reranking.ranking import Diagnostic
from reranking.strategies.base import Lots, Remedy, Steps
from reranking.strategies.comparing import Comparisons, TopK
from reranking.strategies.llm import ShowsSeveral
from reranking.strategies.lots import Directions
from reranking.strategies.verdicts import Pair, PartialOrder, Verdict


class PairwiseActive(TopK):
    """Ask only the comparisons that can still change the top k, many at once.

    Requests: about 230 in 15 dependent steps for n = 50, k = 10 and 16 at once in both orders,
    140 in 9 steps in one order. Documents between which the two orders disagree cost more, since
    none of their comparisons can be inferred: 916 requests if only four grades are told apart,
    at most n (n - 1). Scores: none (rank only).
    What follows from earlier answers (A over B, B over C) is not asked; an answer that
    contradicts it is reported and does not count. Ties: neighbours of which none is known to be
    above another, and all documents below the top k, in input order. A lost answer leaves
    its pair open and makes the outcome `partial`.
    Source: Figueiredo Paschmann et al. 2026, https://arxiv.org/abs/2605.14236, for the idea of
    choosing comparisons by what is known.
    """

    title: ClassVar[str] = "Pairwise, active"
    requests: ClassVar[str] = "about 230 for n = 50, k = 10 (one order: 140), at most n (n - 1)"
    source: ClassVar[str] = "Figueiredo Paschmann et al. 2026, https://arxiv.org/abs/2605.14236"

    remedies: ClassVar[tuple[Remedy, ...]] = (
        *ShowsSeveral.remedies,
        Remedy("Both orders must agree", {"both_orders": True, "mode": "agreement"}),
        Remedy("Probability mode", {"both_orders": True, "mode": "log-odds"}),
    )

    kind: Literal["pairwise-active"] = "pairwise-active"
    at_once: int = Field(
        16, ge=2, le=1000, title="Requests in a step", description="Requests that are sent together in each step"
    )
    both_orders: bool = Field(
        True, title="Ask in both orders", description="Ask each comparison in both orders; else in one, drawn by lot"
    )
    seed: int = Field(1, ge=0, description="Seed of the lots, where each comparison is asked in one order")

    @override
    def lots(self) -> Lots:
        return "none" if self.both_orders else "part"  # which pairs are asked about follows the input

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        asked = Comparisons(self, query, candidates, both_orders=self.both_orders)
        known = PartialOrder(len(candidates))
        yield from asked.rounds(self._settle(known, Directions(self.seed, candidates)))
        notes = []
        against = [[candidates[place].index for place in pair] for pair in known.contradictions]
        if against:
            indexes = tuple(sorted({index for pair in against for index in pair}))
            message = f"{len(against)} answers contradict what follows from earlier ones and do not count."
            notes.append(Diagnostic("contradiction", message, indexes))
        return asked.in_groups(asked.above_the_rest(known.top(self.k)), notes, contradictions=against)

    def _settle(self, known: PartialOrder, lots: Directions) -> Generator[list[Pair], list[Verdict], None]:
        """Yields the pairs of each step and is sent their verdicts, until the top k are settled."""
        most = self.at_once // 2 if self.both_orders else self.at_once
        while pairs := known.open_pairs(self.k, most):
            if not self.both_orders:
                pairs = lots.drawn(pairs)
            known.learn((yield pairs), self.mode)
