"""How good a ranking is, against judged grades: nDCG, reciprocal rank, precision at 1.

nDCG uses linear gain and the log2 discount, as trec_eval does. A ranking with ties stands for
every order of its tied documents, and its figures are the exact means over these orders: else a
strategy that cannot tell documents apart would be credited with the order they came in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
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


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the greatest value that a figure may still take."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class QualityRange:
    """The figures of `Quality` as far as the judged documents decide them; `unjudged` are still open."""

    ndcg_at_10: Range
    reciprocal_rank: Range
    precision_at_1: Range
    judged: int
    unjudged: int


def quality_range(
    ranking: Ranking, grades: Mapping[int, int], best: int, relevant_from: int = 1
) -> QualityRange | None:
    """What `evaluate` may still give once the unjudged documents have grades from 0 to `best`.

    Both ends are reached by some such grades. Without unjudged documents they are equal. None
    where `evaluate` gives None. Raises ValueError if `relevant_from` or `best` is below 1.
    """
    if best < 1:
        raise ValueError(f"best must be at least 1, not {best}")
    low = evaluate(ranking, grades, relevant_from)
    if low is None:
        return None
    if not low.unjudged:
        ndcg_at_10, reciprocal, precision = (
            Range(value, value) for value in (low.ndcg_at_10, low.reciprocal_rank, low.precision_at_1)
        )
        return QualityRange(ndcg_at_10, reciprocal, precision, low.judged, 0)
    groups = _tie_groups(ranking)
    open_ones = [index for group in groups for index in group if index not in grades]
    # Reciprocal rank and precision only grow with every document that turns out relevant.
    _, reciprocal_high, precision_high = _expected(
        groups, {**grades, **dict.fromkeys(open_ones, best)}, DEPTH, relevant_from
    )
    return QualityRange(
        Range(*_ndcg_ends(groups, grades, best, DEPTH)),
        Range(low.reciprocal_rank, reciprocal_high),
        Range(low.precision_at_1, precision_high),
        low.judged,
        low.unjudged,
    )


def _ndcg_ends(groups: Sequence[Sequence[int]], grades: Mapping[int, int], best: int, k: int) -> tuple[float, float]:
    """The least and greatest nDCG@k over all grades from 0 to `best` of the documents without one.

    With the gain split into levels (a grade of 2 is worth one point at each of the levels 1 and
    2), a level with n documents at or above it adds `ideal[n]` to the ideal gain.
    """
    count = len({*grades, *(index for group in groups for index in group)})
    ideal = list(accumulate((1 / log2(rank + 1) if rank <= k else 0.0 for rank in range(1, count + 1)), initial=0.0))
    weight = _weights(groups, k)
    judged = {index: max(grade, 0) for index, grade in grades.items()}
    gained = sum(weight.get(index, 0.0) * grade for index, grade in judged.items())
    # above[t]: judged documents with a grade above t.
    above = [sum(grade > level for grade in judged.values()) for level in range(max(best, *judged.values()))]
    fixed = sum(ideal[number] for number in above[best:])
    rising = sorted(weight[index] for index in weight if index not in judged)
    worst = list(accumulate(rising, initial=0.0))  # worst[m]: the gain of m documents in the lowest places, per level
    better = list(accumulate(reversed(rising), initial=0.0))  # the same in the highest places

    # Of a linear by a convex function the least value lies in a corner: each grade 0 or the best.
    # The best grades then go to the lowest places.
    low = min(
        _ratio(gained + best * worst[m], fixed + sum(ideal[number + m] for number in above[:best]))
        for m in range(len(rising) + 1)
    )
    # The greatest lies where the highest places have the highest grades. Given the ratio to beat,
    # each level can choose for itself how many documents reach it (Dinkelbach's method).
    high, chosen = -1.0, [len(rising)] * best
    while True:
        reached = _ratio(
            gained + sum(better[m] for m in chosen),
            fixed + sum(ideal[number + m] for number, m in zip(above, chosen, strict=False)),
        )
        if reached <= high:
            return low, max(low, high)
        high = reached
        chosen = [
            max(range(len(rising) + 1), key=lambda m: better[m] - high * ideal[number + m]) for number in above[:best]
        ]


def _ratio(gain: float, ideal: float) -> float:
    return gain / ideal if ideal else 0.0


def _weights(groups: Sequence[Sequence[int]], k: int) -> dict[int, float]:
    """For each document the discount of its place; tied ones share the mean of theirs."""
    found: dict[int, float] = {}
    before = 0
    for group in groups:
        last = min(before + len(group), k)
        discount = sum(1 / log2(rank + 1) for rank in range(before + 1, last + 1)) / len(group)
        found.update(dict.fromkeys(group, discount))
        before += len(group)
    return found


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
