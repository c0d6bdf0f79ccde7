"""A tree of groups for the top k, which asks ahead.

The items stand in groups of at most `size`; `size` groups stand under a node, and so on up to
one root. Every node finds the best of what it has and hands it up, and finds its next best
while the nodes above are still busy with the first. So the root can take one item per round.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

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
    """A tree over `items` in their order, for groups of at most `size`."""

    def __init__(self, items: Sequence[int], size: int) -> None:
        level = [Node(items=items[at : at + size]) for at in range(0, len(items), size)] or [Node()]
        self.nodes = level
        while len(level) > 1:
            level = [Node(below=level[at : at + size]) for at in range(0, len(level), size)]
            self.nodes = level + self.nodes  # the root first
        self.root = level[0]

    def best(self, k: int) -> Generator[list[tuple[int, ...]], list[int], list[int]]:
        """Yields rounds of groups and is sent the best item of each; returns the best `k` items, in order."""
        while True:
            asking = self._asking(k)
            if not asking:
                return self.root.ready
            answers = yield [tuple(offered) for _, offered in asking]
            for (node, _), answer in zip(asking, answers, strict=True):
                node.take(answer)

    def _asking(self, k: int) -> list[tuple[Node, list[int]]]:
        """The nodes that have to ask, with what they ask about. What stands alone moves up unasked."""
        while True:
            asking = []
            moved = False
            for node in self.nodes:
                wanted = k if node is self.root else min(AHEAD, k - len(self.root.ready))
                offered = node.offers() if len(node.ready) < wanted else None
                if offered and len(offered) == 1:
                    node.take(offered[0])
                    moved = True
                elif offered:
                    asking.append((node, offered))
            if not moved:
                return asking
