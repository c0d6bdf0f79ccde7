"""How good a ranking is, against judged grades: nDCG, reciprocal rank, precision at 1.

nDCG uses linear gain and the log2 discount, as trec_eval does. A ranking with ties stands for
every order of its tied documents, and its figures are the exact means over these orders: else a
strategy that cannot tell documents apart would be credited with the order they came in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import comb, log2

from reranking.ranking import Ranking

DEPTH = 10


@dataclass(frozen=True, slots=True)
class Quality:
    """The figures of one ranking, each from 0 (worst) to 1 (best), and what they rest on.

    `judged`, `unjudged` and `relevant` count documents of the ranking, `judged_at_10` those
    among the first ten as listed. Unjudged documents count as not relevant. With no grade above
    0 the figures are 0, as in trec_eval: then they say nothing. `averaged` tells whether
    they are means over the orders of tied documents.
    """

    ndcg_at_10: float
    reciprocal_rank: float
    precision_at_1: float
    judged: int
    judged_at_10: int
    unjudged: int
    relevant: int
    averaged: bool


def evaluate(ranking: Ranking, grades: Mapping[int, int], relevant_from: int = 1) -> Quality | None:
    """Measure `ranking` against `grades` (original position -> grade; absent means unjudged).

    `relevant_from` is the lowest grade that counts as relevant for reciprocal rank and
    precision. Returns None for a failed ranking and if none of its documents is judged. Raises
    ValueError if `relevant_from` is below 1.
    """
    if relevant_from < 1:
        raise ValueError(f"relevant_from must be at least 1, not {relevant_from}")
    judged = [item.index in grades for item in ranking]
    if ranking.outcome == "failed" or not any(judged):
        return None
    groups = _tie_groups(ranking)
    averaged = any(len(group) > 1 for group in groups)
    figures = _expected if averaged else _measured
    ndcg_at_10, reciprocal_rank, precision_at_1 = figures(groups, grades, DEPTH, relevant_from)
    return Quality(
        ndcg_at_10=ndcg_at_10,
        reciprocal_rank=reciprocal_rank,
        precision_at_1=precision_at_1,
        judged=sum(judged),
        judged_at_10=sum(judged[:DEPTH]),
        unjudged=len(judged) - sum(judged),
        relevant=sum(grades.get(item.index, 0) >= relevant_from for item in ranking),
        averaged=averaged,
    )


def ndcg(ranking: Ranking, grades: Mapping[int, int], k: int = DEPTH) -> float | None:
    """Linear-gain nDCG of the first `k` documents; None where `evaluate` gives None."""
    if ranking.outcome == "failed" or not any(item.index in grades for item in ranking):
        return None
    groups = _tie_groups(ranking)
    figures = _expected if any(len(group) > 1 for group in groups) else _measured
    return figures(groups, grades, k, 1)[0]


def _tie_groups(ranking: Ranking) -> list[list[int]]:
    """Original positions, best first, those of one tie group together."""
    return [[item.index for item in group] for _, group in groupby(ranking, key=lambda item: item.tie)]


def _measured(
    groups: Sequence[Sequence[int]], grades: Mapping[int, int], k: int, relevant_from: int
) -> tuple[float, float, float]:
    """nDCG@k, reciprocal rank and precision at 1 of a ranking without ties, by ir-measures."""
    from ir_measures import RR, P, Qrel, ScoredDoc, calc_aggregate, nDCG  # loads the evaluator, 40 ms

    wanted = (nDCG @ k, RR(rel=relevant_from), P(rel=relevant_from) @ 1)
    qrels = [Qrel("q", f"{index:08d}", int(grade)) for index, grade in grades.items()]
    run = [
        ScoredDoc("q", f"{index:08d}", float(len(groups) - rank))
        for rank, group in enumerate(groups, start=1)
        for index in group
    ]
    values = calc_aggregate(wanted, qrels, run)
    return float(values[wanted[0]]), float(values[wanted[1]]), float(values[wanted[2]])


def _expected(
    groups: Sequence[Sequence[int]], grades: Mapping[int, int], k: int, relevant_from: int
) -> tuple[float, float, float]:
    """The means of `_measured` over all orders within the groups."""
    ideal = _gain([[gain] for gain in sorted((max(grade, 0) for grade in grades.values()), reverse=True)], k)
    gains = [[max(grades.get(index, 0), 0) for index in group] for group in groups]
    relevant = [sum(grades.get(index, 0) >= relevant_from for index in group) for group in groups]
    reciprocal, before = 0.0, 0
    for group, hits in zip(groups, relevant, strict=True):
        if hits:
            reciprocal = _reciprocal(before, len(group), hits)
            break
        before += len(group)
    return _gain(gains, k) / ideal if ideal else 0.0, reciprocal, relevant[0] / len(groups[0])


def _gain(groups: Sequence[Sequence[int]], k: int) -> float:
    """Mean discounted gain of the first k places: each place of a group has the group's mean gain."""
    total, before = 0.0, 0
    for gains in groups:
        discounts = sum(1 / log2(rank + 1) for rank in range(before + 1, min(before + len(gains), k) + 1))
        total += sum(gains) / len(gains) * discounts
        before += len(gains)
    return total


def _reciprocal(before: int, size: int, hits: int) -> float:
    """Mean of 1 / rank of the first of `hits` documents in a shuffled group that starts after `before`."""
    first = range(1, size - hits + 2)
    return sum(comb(size - place, hits - 1) / (before + place) for place in first) / comb(size, hits)
