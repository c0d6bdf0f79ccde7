"""Heap sort for the top k with as many questions at once as its dependencies allow.

Subtrees are built together; pops follow each other down the heap, each as soon as the ones
before have left the places that it needs. The questions are those of the plain algorithm.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from reranking.strategies.lockstep import Task, lockstep

Choose = Callable[[int, Sequence[int]], Generator[Any, Any, int]]
"""Asks which of a parent and its children is best: yields questions and returns the item."""


class Heap:
    """A heap of `items` in which every place has up to `arity` children; `choose` asks the model.

    `choose` answers a tie with the parent, so that what came first stays first.
    """

    def __init__(self, items: Sequence[int], arity: int, choose: Choose) -> None:
        self.items = list(items)
        self.arity = arity
        self.choose = choose
        self.top: list[int] = []
        self._built: set[int] = set()
        self._pops: list[_Pop] = []

    def best(self, k: int) -> Generator[list[Any], list[Any], list[int]]:
        """Yields rounds of questions and is sent their answers; returns the best `k` items, in order."""
        count = len(self.items)
        inner = [place for place in range(count - 1, -1, -1) if self.children(place, count)]
        self._built = set(range(count)) - set(inner)
        yield from lockstep([self._build(place, count) for place in inner])
        wanted = min(k, count)
        self._pops = [_Pop(self, number, count - 1 - number) for number in range(wanted)]
        yield from lockstep([pop.steps(last_pop=pop.number == wanted - 1) for pop in self._pops])
        return self.top

    def children(self, place: int, end: int) -> range:
        """The places below `place` among the first `end` places."""
        first = place * self.arity + 1
        return range(min(first, end), min(first + self.arity, end))

    def is_settled(self, place: int, before: int) -> bool:
        """Whether none of the first `before` pops can still change what stands at `place`."""
        return all(
            pop.is_over or (pop.at is not None and not self._below(place, pop.at)) for pop in self._pops[:before]
        )

    def decide(self, place: int, end: int) -> Generator[Any, Any, int | None]:
        """Ask at `place`; swap in a better child and return its place, or None if the parent stays."""
        below = self.children(place, end)
        best = yield from self.choose(self.items[place], [self.items[child] for child in below])
        if best == self.items[place]:
            return None
        child = below[[self.items[item] for item in below].index(best)]
        self.items[place], self.items[child] = self.items[child], self.items[place]
        return child

    def _build(self, place: int, end: int) -> Task:
        """Make the subtree at `place` a heap, once those below it are."""
        yield lambda: self._built.issuperset(self.children(place, end))
        at: int | None = place
        while at is not None and self.children(at, end):
            at = yield from self.decide(at, end)
        self._built.add(place)

    def _below(self, place: int, top: int) -> bool:
        """Whether `place` is `top` or somewhere below it."""
        while place > top:
            place = (place - 1) // self.arity
        return place == top


class _Pop:
    """Takes the best off the heap and lets the last item sink from the top. `at` is where that one is."""

    def __init__(self, heap: Heap, number: int, last: int) -> None:
        self.heap = heap
        self.number = number
        self.last = last
        self.at: int | None = None
        self.is_over = False

    def steps(self, *, last_pop: bool) -> Task:
        """Wait, take, sink: yields questions and conditions."""
        heap = self.heap
        yield lambda: heap.is_settled(0, self.number)
        heap.top.append(heap.items[0])
        if not last_pop and self.last > 0:
            yield lambda: heap.is_settled(self.last, self.number)
            heap.items[0] = heap.items[self.last]
            self.at = 0
            while heap.children(self.at, self.last):
                below = heap.children(self.at, self.last)
                yield lambda below=below: all(heap.is_settled(child, self.number) for child in below)
                moved = yield from heap.decide(self.at, self.last)
                if moved is None:
                    break
                self.at = moved
        self.is_over = True
