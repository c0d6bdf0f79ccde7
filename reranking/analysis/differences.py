"""How two rankings of the same candidates differ: what each has in its top k, and which pairs they swap.

A tied document holds a range of places, and what only the order of listing within a tie decides
is not counted as a difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from reranking.ranking import Ranking


@dataclass(frozen=True, slots=True)
class Place:
    """The places (1-based) that a document holds: one, or those that it shares with the documents it is tied with."""

    first: int
    last: int

    @property
    def tied(self) -> bool:
        """Whether it shares its places."""
        return self.first != self.last

    @property
    def middle(self) -> float:
        """The mean of the places."""
        return (self.first + self.last) / 2

    def __str__(self) -> str:
        return f"{self.first}–{self.last}" if self.tied else str(self.first)


def places(ranking: Ranking) -> dict[int, Place]:
    """Original position -> the places it holds; empty if the ranking failed."""
    if ranking.outcome == "failed":
        return {}
    groups: dict[int | None, list[int]] = {}
    for at, item in enumerate(ranking, start=1):
        groups.setdefault(item.tie, []).append(at)
    return {item.index: Place(groups[item.tie][0], groups[item.tie][-1]) for item in ranking}


def moved(before: Place, after: Place) -> int:
    """How many places up (negative: down) a document went at least; 0 where ties leave it open."""
    return max(before.first - after.last, 0) - max(after.first - before.last, 0)


@dataclass(frozen=True, slots=True)
class Apart:
    """A document (original position) and where each of two rankings puts it."""

    index: int
    first: Place
    second: Place

    @property
    def distance(self) -> float:
        """Places between the middles of the two; positive if the second puts it further down."""
        return self.second.middle - self.first.middle


@dataclass(frozen=True, slots=True)
class TwoWay:
    """What two rankings have in common in their top k, and what not. Documents by original position.

    `common`, `only_first` and `only_second` are in order of the ranking that has them (`common`:
    of the first). `undecided` are those of which only the order of listing within a tie says
    whether they are in a top k. `swaps` are the pairs of `common` that the rankings put in
    opposite order, each with its better one by the first ranking first, the furthest apart
    first; `pairs` says how many pairs of `common` both rankings tell apart. `apart` holds all
    documents, the furthest apart first.
    """

    k: int
    common: tuple[int, ...]
    only_first: tuple[int, ...]
    only_second: tuple[int, ...]
    undecided: tuple[int, ...]
    swaps: tuple[tuple[int, int], ...]
    pairs: int
    apart: tuple[Apart, ...]


def two_way(first: Ranking, second: Ranking, k: int) -> TwoWay | None:
    """Compare two rankings and their top `k`; None if one of them failed.

    Raises ValueError if the candidates differ.
    """
    here, there = places(first), places(second)
    if not here or not there:
        return None
    if here.keys() != there.keys():
        raise ValueError("only rankings of the same candidates can be compared")
    inside = {index: (_within(here[index], k), _within(there[index], k)) for index in here}
    common = tuple(index for index in first.order if inside[index] == (True, True))
    pairs = [pair for pair in combinations(common, 2) if _apart(here, *pair) and _apart(there, *pair)]
    swaps = [pair for pair in pairs if there[pair[0]].first > there[pair[1]].first]
    apart = [Apart(index, here[index], there[index]) for index in sorted(here)]
    return TwoWay(
        k,
        common,
        tuple(index for index in first.order if inside[index] == (True, False)),
        tuple(index for index in second.order if inside[index] == (False, True)),
        tuple(index for index in first.order if None in inside[index]),
        tuple(sorted(swaps, key=lambda pair: -_width(here, there, pair))),
        len(pairs),
        tuple(sorted(apart, key=lambda one: -abs(one.distance))),
    )


def widest(rankings: Sequence[Ranking], index: int) -> tuple[int, int] | None:
    """Which two rankings put a document furthest apart, by their number in `rankings`, the higher first.

    None if fewer than two did not fail, or all put it at the same place.
    """
    found = [(held[index].middle, at) for at, ranking in enumerate(rankings) if (held := places(ranking))]
    if len(found) < 2:
        return None
    best, worst = min(found), max(found, key=lambda entry: (entry[0], -entry[1]))
    return (best[1], worst[1]) if best[0] < worst[0] else None


def _within(place: Place, k: int) -> bool | None:
    """Whether it is in the top k; None where a tie goes across the cut."""
    return True if place.last <= k else False if place.first > k else None


def _apart(held: dict[int, Place], one: int, two: int) -> bool:
    return held[one].first != held[two].first


def _width(here: dict[int, Place], there: dict[int, Place], pair: tuple[int, int]) -> float:
    one, two = pair
    return here[two].middle - here[one].middle + there[one].middle - there[two].middle
