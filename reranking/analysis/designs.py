"""Designs of a position-bias test: which input orders are run, and how they could have been drawn otherwise.

A design is drawn at random from its kind. That is what makes the randomisation test valid: it
asks how the statistic would look had the same kind of design been drawn otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import factorial
from random import Random
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reranking.analysis.shuffles import Order, order_reverse_pairs, random_orders

Kind = Literal["pairs", "balanced", "random", "repeats"]
KINDS: tuple[Kind, ...] = ("pairs", "balanced", "random")
"""The designs that shuffle; `repeats`, the same order again and again, is the noise control."""

RUNS = 10
BALANCED_UP_TO = 10
FEWEST_REPEATS = 3


@dataclass(frozen=True, slots=True)
class Design:
    """Input orders to run, all of the same documents.

    `orders[run][place]` is a document's original position. `groups[run]` numbers the runs that
    were drawn together (an order and its reverse) and are resampled together.
    """

    kind: Kind
    orders: tuple[Order, ...]
    seed: int = 0

    @property
    def runs(self) -> int:
        """How often the strategy is run."""
        return len(self.orders)

    @property
    def groups(self) -> tuple[int, ...]:
        """For each run the number of its group, from 0."""
        return tuple(run // 2 if self.kind == "pairs" else run for run in range(self.runs))

    def places(self) -> NDArray[np.int64]:
        """By run and document (in ascending order) the place at which it was given, from 0: (runs, n)."""
        return np.argsort(np.array(self.orders, int), axis=1, kind="stable")

    def possible(self) -> int:
        """How many designs of this kind could have been drawn, at most; 1 for repeats."""
        orders = factorial(len(self.orders[0]))
        if self.kind == "repeats":
            return 1
        if self.kind == "balanced":
            return orders * factorial(self.runs)
        return int(orders ** len(set(self.groups)))

    def redraw(self, chance: np.random.Generator, draws: int) -> NDArray[np.float32]:
        """Places as in `places`, of `draws` designs drawn anew: (draws, runs, n).

        Pairs and random orders are drawn independently. Of a balanced design the documents are
        relabelled and the rows put in another order; repeats stay as they are.
        """
        places = self.places().astype(np.float32)
        runs, n = places.shape
        if self.kind == "random":
            return _permutations(chance, (draws, runs, n))
        if self.kind == "pairs":
            firsts = _permutations(chance, (draws, runs // 2, n))
            return np.stack([firsts, n - 1 - firsts], axis=2).reshape(draws, runs, n)
        if self.kind == "repeats":
            return np.broadcast_to(places, (draws, runs, n))
        rows = _permutations(chance, (draws, runs)).astype(int)
        labels = _permutations(chance, (draws, n)).astype(int)
        drawn: NDArray[np.float32] = places[rows[:, :, None], labels[:, None, :]]
        return drawn


def offered(n: int) -> tuple[Kind, ...]:
    """The kinds of shuffles that can be drawn for `n` documents, the best first; none for fewer than 2."""
    if n < 2:
        return ()
    return KINDS if n <= BALANCED_UP_TO else ("pairs", "random")


def runs_needed(kind: Kind, n: int, runs: int = RUNS) -> int:
    """How many runs the design takes: `runs`, but 2 n for a balanced design of an odd n, n for an even one."""
    return n * (1 + n % 2) if kind == "balanced" else runs


def draw(kind: Kind, n: int, runs: int = RUNS, seed: int = 0) -> Design:
    """A design for `n` documents; the same seed gives the same orders everywhere.

    `runs` must be even for pairs; a balanced design has as many as it needs. Raises ValueError
    for fewer than 2 documents, an odd number of pairs, fewer than 3 repeats, or a balanced
    design of more than 10 documents.
    """
    if n < 2:
        raise ValueError(f"the order of {n} document{'' if n == 1 else 's'} cannot be shuffled: take at least 2")
    if kind == "pairs":
        return Design(kind, tuple(order_reverse_pairs(n, runs, seed)), seed)
    if kind == "random":
        return Design(kind, tuple(random_orders(n, runs, seed)), seed)
    if kind == "repeats":
        return repeats(range(n), runs)
    if n > BALANCED_UP_TO:
        raise ValueError(f"a balanced design of {n} documents takes too many runs: take at most {BALANCED_UP_TO}")
    square, chance = williams(n), Random(seed)
    labels = sorted(range(n), key=[chance.random() for _ in range(n)].__getitem__)
    rows = sorted(range(len(square)), key=[chance.random() for _ in square].__getitem__)
    return Design(kind, tuple(tuple(labels[at] for at in square[row]) for row in rows), seed)


def repeats(order: Sequence[int], runs: int = FEWEST_REPEATS) -> Design:
    """The noise control: the same order `runs` times. Raises ValueError for fewer than 3."""
    if runs < FEWEST_REPEATS:
        raise ValueError(f"noise shows only when an order is repeated: take at least {FEWEST_REPEATS} runs")
    return Design("repeats", (tuple(order),) * runs)


def williams(n: int) -> list[Order]:
    """Orders in which each document stands at each place equally often, and each follows each other equally often.

    n orders if n is even, else 2 n. Source: Williams 1949, https://doi.org/10.1071/CH9490149
    """
    first = [0]
    for step in range(1, n):
        first.append((first[-1] + (step if step % 2 else -step)) % n)
    rows = [tuple((document + shift) % n for document in first) for shift in range(n)]
    return rows if n % 2 == 0 else [*rows, *(row[::-1] for row in rows)]


def recognise(orders: Sequence[Sequence[int]]) -> Design:
    """The design that orders from elsewhere follow; random if they follow none.

    Raises ValueError without orders, or if they are not of the same documents.
    """
    found = tuple(tuple(order) for order in orders)
    if not found:
        raise ValueError("a design needs at least one order")
    known = set(found[0])
    if any(set(order) != known or len(order) != len(known) for order in found):
        raise ValueError("every run must give the same documents, each of them once")
    if len(found) > 1 and len(set(found)) == 1:
        return Design("repeats", found)
    if len(known) > 2 and is_balanced(found):  # such a square may hold each order and its reverse, too
        return Design("balanced", found)
    reversed_next = all(found[at + 1] == found[at][::-1] for at in range(0, len(found) - 1, 2))
    return Design("pairs" if len(found) % 2 == 0 and reversed_next else "random", found)


def is_balanced(orders: Sequence[Sequence[int]]) -> bool:
    """Whether each document is at each place, and each directly follows each other, equally often."""
    n = len(orders[0])
    at = Counter((place, document) for order in orders for place, document in enumerate(order))
    after = Counter(pair for order in orders for pair in pairwise(order))
    return (
        len(at) == n * n and len(set(at.values())) == 1 and len(after) == n * (n - 1) and len(set(after.values())) <= 1
    )


def _permutations(chance: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Uniform permutations of 0 .. shape[-1] - 1 along the last axis."""
    return chance.random(shape, dtype=np.float32).argsort(axis=-1).astype(np.float32)
