"""A tree of groups for the top k, which asks ahead.

The items stand in groups of at most `size`; `size` groups stand under a node, and so on up to
one root. Every node finds the best of what it has and hands it up, and finds its next best
while the nodes above are still busy with the first. So the root can take one item per round.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from reranking.requests import Request
from reranking.strategies.base import Answer, Together, Until, together, until

Choose = Callable[[Sequence[int]], Generator[list[Request], list[Answer], int]]
"""Asks which of several items is best: yields requests and returns the item."""

AHEAD = 2
"""How many of its best a node keeps ready: one that its parent looks at, and the next."""


class Node:
    """A group of items, or of nodes below. `ready` holds its best that nobody has taken yet, in order."""

    def __init__(self, items: Sequence[int] = (), below: Sequence[Node] = ()) -> None:
        self.items = list(items)
        self.below = below
        self.ready: list[int] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left here or below."""
        return not self.ready and not self.items and all(node.is_empty for node in self.below)

    def offers(self) -> list[int] | None:
        """What the next best is chosen from; None while a node below has yet to find its own."""
        left = [node for node in self.below if not node.is_empty]
        if any(not node.ready for node in left):
            return None
        return [*self.items, *(node.ready[0] for node in left)]

    def take(self, item: int) -> None:
        """Get `item` ready, out of the items or from the node below that has it ready."""
        for held in (self.items, *(node.ready for node in self.below)):
            if item in held:
                held.remove(item)
        self.ready.append(item)


class Tree:
    """A tree over `items` in their order, for groups of at most `size`; `choose` asks the model."""

    def __init__(self, items: Sequence[int], size: int, choose: Choose) -> None:
        level = [Node(items=items[at : at + size]) for at in range(0, len(items), size)] or [Node()]
        self.nodes = level
        while len(level) > 1:
            level = [Node(below=level[at : at + size]) for at in range(0, len(level), size)]
            self.nodes = level + self.nodes  # the root first
        self.root = level[0]
        self.choose = choose

    def best(self, k: int) -> Generator[Together, Any, list[int]]:
        """Asks for the best `k` items, and returns them in order."""
        yield together(*(self._work(node, k) for node in self.nodes))
        return self.root.ready

    def _work(self, node: Node, k: int) -> Generator[list[Request] | Until, Any, None]:
        """Get the node's best ready, one after the other, as long as somebody wants them."""
        while True:
            yield until(lambda: self._is_over(node, k) or self._may_choose(node, k))
            offered = node.offers()
            if self._is_over(node, k) or not offered:
                return
            node.take(offered[0] if len(offered) == 1 else (yield from self.choose(offered)))

    def _is_over(self, node: Node, k: int) -> bool:
        """Whether nothing more is wanted of the node: it and all below are empty, or the top is complete."""
        left = k - len(self.root.ready)
        wanted = left if node is self.root else left - len(node.ready)
        return wanted <= 0 or not (node.items or any(not below.is_empty for below in node.below))

    def _may_choose(self, node: Node, k: int) -> bool:
        """Whether there is room for another one that is ready, and all below that can has one to offer."""
        return (node is self.root or len(node.ready) < AHEAD) and node.offers() is not None
