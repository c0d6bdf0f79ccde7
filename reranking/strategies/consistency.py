"""One ranking out of the rankings of the same documents in several shuffles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice, permutations
from statistics import fmean
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from typing_extensions import override

from reranking.analysis.agreement import tau_b
from reranking.analysis.consensus import Consensus, borda, copeland, kemeny, reciprocal_rank
from reranking.analysis.shuffles import random_orders
from reranking.documents import Candidates
from reranking.ranking import Diagnostic, Explanation, Ranking, by_score, failed
from reranking.strategies.base import OF_ITS_BASE, Family, Guarantee, Lots, Remedy, Steps, Strategy, aside, together
from reranking.strategies.catalogue import Nested
from reranking.strategies.listwise import Listwise
from reranking.strategies.lots import by_content
from reranking.strategies.merging import by_consensus, joint_outcome, ranks_in

Method = Literal["kemeny", "borda", "copeland", "reciprocal rank"]

REMEDIES = tuple(Remedy(f"Self-consistency, {runs} shuffles", {"runs": runs}, is_dear=runs > 5) for runs in (3, 5, 10))
"""What to try against a dependence on the order, for every strategy as the base."""


class SelfConsistency(Strategy):
    """Rank several shuffles of the documents, all at once, and take the consensus.

    Requests: runs x those of the base strategy; a list that has fewer orders than `runs` is
    given once in each. The shuffles are drawn by the documents, not by their places in the
    input, so that the order of the input changes nothing. Scores: Borda points, majorities won
    or reciprocal ranks, summed over the runs; with Kemeny none (rank only). Ties: equal sums;
    with Kemeny what every run ties. What the base strategy guarantees is kept, and one run is
    the base strategy itself, in the order given. Runs that fail are left out and make the outcome `partial`.
    Source: Tang et al. 2024, https://arxiv.org/abs/2310.07712
    """

    title: ClassVar[str] = "Self-consistency over shuffles"
    family: ClassVar[Family] = "LLM listwise"
    requests: ClassVar[str] = "runs x those of its base"
    promises = OF_ITS_BASE
    source: ClassVar[str] = "Tang et al. 2024, https://arxiv.org/abs/2310.07712"
    remedies: ClassVar[tuple[Remedy, ...]] = REMEDIES

    kind: Literal["self-consistency"] = "self-consistency"
    base: Nested = Field(
        Listwise(reasons=False), title="Strategy that is repeated", description="What ranks each shuffle"
    )
    runs: int = Field(5, ge=1, le=50, title="Shuffles", description="Shuffles that are ranked; 1 is the order given")
    method: Method = Field("kemeny", title="How the runs are merged", description="How the runs become one order")
    seed: int = Field(1, ge=0, description="Seed of the shuffles")

    @override
    def lots(self) -> Lots:
        if self.base.ignores_order:
            return "none"
        return "whole" if self.runs > 1 else self.base.lots()

    @override
    def guarantee(self) -> Guarantee:
        return self.base.guarantee()

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        places = by_content(candidates) if self.runs > 1 else list(range(len(candidates)))
        orders = [[places[at] for at in order] for order in shuffles(len(candidates), self.runs, self.seed)]
        rankings: list[Ranking] = yield together(
            *(self.base.steps(query, [candidates[at] for at in order]) for order in orders)
        )
        notes = _notes(rankings)
        runs = [
            {
                "shuffle": [candidates[at].index for at in order],
                "outcome": ranking.outcome,
                "order": None if ranking.outcome == "failed" else list(ranking.order),
            }
            for order, ranking in zip(orders, rankings, strict=True)
        ]
        kept = [ranking for ranking in rankings if ranking.outcome != "failed"]
        if not kept:
            return failed(candidates, notes, details={"runs": runs})
        outcome = joint_outcome(rankings)
        agreed: _Agreed = yield aside(_agreed, kept, candidates, self.method)
        details = {"runs": runs, "spread": agreed.spread, "tau": agreed.tau}
        if isinstance(agreed.result, Consensus):
            ranking = by_consensus(candidates, agreed.result, outcome=outcome, diagnostics=notes, details=details)
        else:
            kind = _SCORE_KINDS[self.method]
            ranking = by_score(candidates, agreed.result, kind, diagnostics=notes, details=details)
        told = {entry["index"]: Explanation(_sentence(entry, len(kept))) for entry in agreed.spread}
        items = tuple(replace(item, explanation=told[item.index]) for item in ranking)
        return replace(ranking, items=items, outcome=outcome)


_SCORE_KINDS = {"borda": "Borda points", "copeland": "majorities won", "reciprocal rank": "reciprocal ranks"}
_SUMS = {"borda": borda, "copeland": copeland, "reciprocal rank": reciprocal_rank}


def shuffles(count: int, runs: int, seed: int) -> list[tuple[int, ...]]:
    """`runs` different orders of `count` documents, or all that there are; a single one is the order given."""
    if runs == 1:
        return [tuple(range(count))]
    if count < 10 and math.factorial(count) <= runs:
        return list(permutations(range(count)))
    drawn = runs
    while len(different := list(dict.fromkeys(random_orders(count, drawn, seed)))) < runs:
        drawn *= 2
    return list(islice(different, runs))


@dataclass(frozen=True, slots=True)
class _Agreed:
    """What the runs agree on, and how far: `tau` is the mean over all pairs of runs, None where undefined."""

    result: Consensus | list[float]
    spread: list[dict[str, Any]]
    tau: float | None


def _agreed(rankings: Sequence[Ranking], candidates: Candidates, method: Method) -> _Agreed:
    ranks = [ranks_in(ranking, candidates) for ranking in rankings]
    result = kemeny(ranks) if method == "kemeny" else _SUMS[method](ranks)
    names = ("min", "q1", "median", "q3", "max")
    columns = np.quantile(ranks, [0, 0.25, 0.5, 0.75, 1], axis=0).T.tolist()
    spread = [
        {"index": item.index} | dict(zip(names, column, strict=True))
        for item, column in zip(candidates, columns, strict=True)
    ]
    taus = [tau for one, two in combinations(ranks, 2) if (tau := tau_b(one, two)) is not None]
    return _Agreed(result, spread, fmean(taus) if taus else None)


def _sentence(spread: dict[str, Any], runs: int) -> str:
    """The ranks of a document in words."""
    low, median, high = spread["min"], spread["median"], spread["max"]
    if runs == 1:
        return f"Rank {low:g} in the one run."
    if low == high:
        return f"Rank {low:g} in each of {runs} runs."
    return f"Rank {low:g} to {high:g} in {runs} runs, median {median:g}."


def _notes(rankings: Sequence[Ranking]) -> list[Diagnostic]:
    """How many runs were lost, and the runs' own notes; equal ones are told once, with the runs they are from."""
    lost = [number for number, ranking in enumerate(rankings, start=1) if ranking.outcome == "failed"]
    notes = []
    if lost and len(rankings) > 1:
        message = f"{len(lost)} of {len(rankings)} runs gave no ranking and are left out."
        notes.append(Diagnostic("runs-lost", message, data={"runs": lost}))
    found: dict[tuple[str, str, tuple[int, ...], str], tuple[Diagnostic, list[int]]] = {}
    for number, ranking in enumerate(rankings, start=1):
        for note in ranking.diagnostics:
            key = (note.code, note.message, tuple(sorted(note.indexes)), note.raw)
            found.setdefault(key, (note, []))[1].append(number)
    for note, runs in found.values():
        notes.append(replace(note, message=f"{_which(runs, len(rankings))}: {note.message}"))
    return notes


def _which(runs: Sequence[int], of: int) -> str:
    runs = sorted(set(runs))
    if len(runs) == of and of > 1:
        return f"All {of} runs"
    return f"Run{'s' if len(runs) > 1 else ''} {', '.join(str(run) for run in runs)}"
