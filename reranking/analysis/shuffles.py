"""Input orders for position-bias tests: which document is given at which place, run by run.

An order lists original positions: `order[place]` is the document given at `place`. The same seed
gives the same orders on every platform and Python version: Python promises the sequence of
`random.Random(seed).random()`, and nothing else is drawn from.
"""

from __future__ import annotations

from random import Random

Order = tuple[int, ...]


def random_orders(n: int, k: int, seed: int) -> list[Order]:
    """`k` independent uniform orders of `n` documents; short lists may repeat an order.

    Raises ValueError if `n` is negative or `k` below 1.
    """
    if n < 0:
        raise ValueError(f"a list cannot have {n} documents")
    if k < 1:
        raise ValueError(f"a test needs at least 1 run, not {k}")
    source = Random(seed)
    return [_shuffled(n, source) for _ in range(k)]


def order_reverse_pairs(n: int, k: int, seed: int) -> list[Order]:
    """`k` orders, each uniform order followed by its reverse, so that a document's mean place is the middle.

    Raises ValueError if `n` is negative, or `k` is below 2 or odd.
    """
    if k < 2 or k % 2:
        raise ValueError(f"orders and their reverses come in pairs: the number of runs must be even, not {k}")
    return [order for first in random_orders(n, k // 2, seed) for order in (first, first[::-1])]


def _shuffled(n: int, source: Random) -> Order:
    keys = [source.random() for _ in range(n)]
    return tuple(sorted(range(n), key=keys.__getitem__))
