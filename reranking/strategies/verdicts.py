"""What is known of pairs of documents: verdicts, and the order that follows from them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Pair = tuple[int, int]
"""Two places in the list of candidates."""

Mode = Literal["agreement", "log-odds"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the answers say of a pair.

    `winner` is a place, or None for a tie. `log_odds` is the mean over the orders asked of the
    log-odds for the pair's first place; over both orders, a constant preference for one side
    cancels. None if an answer is missing. `agree` is None then, and if one order alone was asked.
    """

    pair: Pair
    winner: int | None
    log_odds: float | None
    agree: bool | None

    def share(self, mode: Mode) -> float:
        """The first place's share of the win, 0 to 1: a half for a tie."""
        if mode == "log-odds":
            return 0.5 if self.log_odds is None else 1 / (1 + math.exp(-max(-700.0, min(700.0, self.log_odds))))
        return 0.5 if self.winner is None else float(self.winner == self.pair[0])

    def beats(self, place: int, mode: Mode) -> bool:
        """Whether `place` is the better one; a tie says no."""
        share = self.share(mode)
        return (share if place == self.pair[0] else 1 - share) > 0.5

    def decided(self, mode: Mode) -> Pair | None:
        """The winner and the loser, or None for a tie."""
        first, second = self.pair
        if self.beats(first, mode):
            return first, second
        return (second, first) if self.beats(second, mode) else None


class PartialOrder:
    """What is known of `count` places: who is above whom, closed under transitivity.

    `contradictions` holds the answers (winner, loser) that say the opposite of what was known.
    """

    def __init__(self, count: int) -> None:
        self.above = np.zeros((count, count), bool)  # above[one, two]: one is known to be better than two
        self.compared = np.zeros((count, count), bool)
        self.contradictions: list[Pair] = []

    def learn(self, verdicts: Iterable[Verdict], mode: Mode) -> None:
        """Take in what was answered. A tie settles nothing, but its pair is not open any more."""
        for verdict in verdicts:
            one, two = verdict.pair
            self.compared[one, two] = self.compared[two, one] = True
            decided = verdict.decided(mode)
            if decided is not None:
                self._put(*decided)

    def open_pairs(self, k: int, most: int) -> list[Pair]:
        """Up to `most` pairs whose answers bear on the top `k`, to be asked together; none if it is settled.

        They are undecided pairs of places that fewer than `k` are known to beat, the most even
        first: those with the fewest known losses apart, then with the fewest losses, then those
        of which least is known. No place stands in a second pair while others have none.
        """
        losses, wins = self.above.sum(axis=0), self.above.sum(axis=1)
        alive = losses < k
        is_open = np.triu(alive[:, None] & alive & ~(self.above | self.above.T | self.compared), 1)
        first, second = np.nonzero(is_open)
        keys = (wins[first] + wins[second], losses[first] + losses[second], abs(losses[first] - losses[second]))
        order = np.lexsort(keys)
        left = list(zip(first[order].tolist(), second[order].tolist(), strict=True))
        picked: list[Pair] = []
        while left and len(picked) < most:
            busy: set[int] = set()
            later = []
            for pair in left:
                if len(picked) == most:
                    break
                if busy.isdisjoint(pair):
                    busy.update(pair)
                    picked.append(pair)
                else:
                    later.append(pair)
            left = later
        return picked

    def top(self, k: int) -> list[list[int]]:
        """The places that fewer than `k` are known to beat, best first, in groups of tied ones."""
        losses, wins = self.above.sum(axis=0), self.above.sum(axis=1)
        alive = np.flatnonzero(losses < k).tolist()
        return self.groups(sorted(alive, key=lambda place: (losses[place], -wins[place], place)))

    def groups(self, order: Sequence[int]) -> list[list[int]]:
        """The places of `order`, best first, in groups of tied ones; it is followed as far as what is known allows.

        Of two places of which one is known to be above the other, that one is in an earlier
        group. A new group begins only where its first place must be below the one before.
        """
        left = list(order)
        groups: list[list[int]] = []
        while left:
            place = next(place for place in left if not self.above[left, place].any())
            left.remove(place)
            if groups and not self.above[groups[-1], place].any():
                groups[-1].append(place)
            else:
                groups.append([place])
        return groups

    def _put(self, winner: int, loser: int) -> None:
        """Place `winner`, and all above it, above `loser` and all below it."""
        if self.above[loser, winner]:
            self.contradictions.append((winner, loser))
        elif not self.above[winner, loser]:
            upper = [*np.flatnonzero(self.above[:, winner]), winner]
            lower = [*np.flatnonzero(self.above[loser]), loser]
            self.above[np.ix_(upper, lower)] = True


@dataclass(frozen=True, slots=True)
class Circles:
    """Triples of documents that beat each other in a circle: how many, and the first of them."""

    count: int
    triads: list[tuple[int, int, int]]


def circles(verdicts: Iterable[Verdict], mode: Mode, most: int) -> Circles:
    """The circles A > B > C > A; `most` of them are named, each from its first place on."""
    beats = [pair for verdict in verdicts if (pair := verdict.decided(mode)) is not None]
    table = np.zeros((1 + max(map(max, beats), default=0),) * 2)
    for pair in beats:
        table[pair] = 1
    count = int(np.trace(table @ table @ table)) // 3  # each circle is met from each of its three
    triads: list[tuple[int, int, int]] = []
    for one, two in sorted(pair for pair in beats if pair[0] < pair[1]):
        if len(triads) >= min(count, most):
            break
        thirds = np.flatnonzero(table[two, one:] * table[one:, one]) + one  # one is the smallest of the three
        triads += [(one, two, third) for third in thirds.tolist()]
    return Circles(count, triads[:most])
