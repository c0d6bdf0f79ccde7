"""Which documents the columns list, in which order, and what their movement is measured against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from reranking.analysis.differences import Place, moved, places
from reranking.views.compared import Compared

INPUT = "input"
DISAGREEMENT = "disagreement"

Order = int | str
"""`INPUT`, `DISAGREEMENT`, or the number of a strategy, by whose rank documents are listed."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What a document must meet to be listed.

    Among the first `top` of a strategy's list, `moved` at least that many places in one, at least `apart`
    places between its best and its worst, and `contains` in title, text or id in any letter case.
    """

    top: int
    moved: int = 0
    apart: int = 0
    contains: str = ""


@lru_cache(maxsize=32)
def held(found: Compared) -> tuple[Mapping[int, Place], ...]:
    """For each strategy the places that documents hold; empty for one that failed."""
    return tuple(places(ranking) for ranking in found.rankings)


@lru_cache(maxsize=32)
def came_in(found: Compared) -> Mapping[int, Place]:
    """The places in the input."""
    return {at: Place(at + 1, at + 1) for at in range(len(found.documents))}


def reference(found: Compared, against: int | None) -> Mapping[int, Place]:
    """What movement is measured against: the input, or the strategy of that number. Empty if that failed."""
    return came_in(found) if against is None else held(found)[against]


@lru_cache(maxsize=32)
def spreads(found: Compared) -> Mapping[int, float]:
    """The places between each document's best and its worst rank; 0 if fewer than two strategies ranked it."""
    known = [holds for holds in held(found) if holds]
    middles = {at: [holds[at].middle for holds in known] for at in range(len(found.documents))}
    return {at: max(values) - min(values) if values else 0.0 for at, values in middles.items()}


@lru_cache(maxsize=64)
def listed(found: Compared, filters: Filters, against: int | None, order: Order) -> tuple[int, ...]:
    """The documents (original positions) that meet the filters, in order."""
    known = [holds for holds in held(found) if holds]
    start = reference(found, against)
    far = spreads(found)
    ranked = [ranking for ranking in found.rankings if ranking.outcome != "failed"] or found.rankings
    near_top = {at for ranking in ranked for at in ranking.order[: filters.top]}
    wanted = filters.contains.strip().casefold()

    def meets(at: int) -> bool:
        return (
            at in near_top
            and (not filters.moved or any(_moved(start, holds, at) >= filters.moved for holds in known))
            and far[at] >= filters.apart
            and (not wanted or wanted in _searched(found)[at])
        )

    return tuple(at for at in _ordered(found, order) if meets(at))


def _moved(start: Mapping[int, Place], holds: Mapping[int, Place], at: int) -> int:
    return abs(moved(start[at], holds[at])) if at in start else 0


@lru_cache(maxsize=8)
def _searched(found: Compared) -> Sequence[str]:
    return [f"{item.title or ''}\n{item.text}\n{item.id}".casefold() for item in found.job.candidates]


def _ordered(found: Compared, order: Order) -> Sequence[int]:
    every = range(len(found.documents))
    if order == DISAGREEMENT:
        far = spreads(found)
        return sorted(every, key=lambda at: -far[at])
    if isinstance(order, int) and found.rankings[order].outcome != "failed":
        return found.rankings[order].order
    return every
