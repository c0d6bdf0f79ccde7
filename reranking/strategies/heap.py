"""Heap sort for the top k with as many questions at once as its dependencies allow.

The heap is built from the bottom, then its top is taken k times; each time an item sinks to its
place. All of them sink at once, one behind the other: an item goes on as soon as those before it
have left the places that it is compared with. The questions are those of the plain algorithm.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

from reranking.requests import Request
from reranking.strategies.base import Answer, Together, Until, together, until

Choose = Callable[[int, Sequence[int]], Generator[list[Request], list[Answer], int]]
"""Asks which of a parent and its children is best: yields requests and returns the item."""

Turn = Generator[list[Request] | Until, Any, None]


class Heap:
    """A heap of `items` in which every place has up to `arity` children; `choose` asks the model.

    `choose` answers a tie with the parent, so that what came first stays first.
    """

    def __init__(self, items: Sequence[int], arity: int, choose: Choose) -> None:
        self.items = list(items)
        self.arity = arity
        self.choose = choose
        self.top: list[int] = []
        self._sinking: dict[int, set[int]] = {}  # by place: the turns whose item is there and may go on down

    def best(self, k: int) -> Generator[Together, Any, list[int]]:
        """Asks for the best `k` items, and returns them in order."""
        count = len(self.items)
        inner = [place for place in range(count - 1, -1, -1) if self.children(place, count)]
        last = range(count - 1, count - 1 - min(k, count), -1)
        turns = [*(self._build(turn, place) for turn, place in enumerate(inner))]
        turns += [self._take(turn, place, place == last[-1]) for turn, place in enumerate(last, start=len(inner))]
        for turn, place in enumerate([*inner, *(0 for _ in last)]):
            self._sinking.setdefault(place, set()).add(turn)
        yield together(*turns)
        return self.top

    def children(self, place: int, end: int) -> range:
        """The places below `place` among the first `end` places."""
        first = place * self.arity + 1
        return range(min(first, end), min(first + self.arity, end))

    def is_settled(self, place: int, turn: int) -> bool:
        """Whether no turn before `turn` can still change what stands at `place`."""
        while all(turn <= other for other in self._sinking.get(place, ())):
            if place == 0:
                return True
            place = (place - 1) // self.arity
        return False

    def _are_settled(self, places: Sequence[int], turn: int) -> bool:
        return all(self.is_settled(place, turn) for place in places)

    def _build(self, turn: int, place: int) -> Turn:
        """Make the subtree at `place` a heap."""
        yield from self._sink(turn, place, len(self.items))

    def _take(self, turn: int, last: int, is_over: bool) -> Turn:
        """Take the best off the heap, and let the item at `last`, its last place, sink from the top."""
        yield until(lambda: self.is_settled(0, turn))
        self.top.append(self.items[0])
        if not is_over and last > 0:
            yield until(lambda: self.is_settled(last, turn))
            self.items[0] = self.items[last]
            yield from self._sink(turn, 0, last)
        else:
            self._sinking[0].discard(turn)

    def _sink(self, turn: int, place: int, end: int) -> Turn:
        """Let the item at `place` change places with a better child until there is none among the first `end`."""
        while below := self.children(place, end):
            yield until(partial(self._are_settled, below, turn))
            offered = [self.items[child] for child in below]
            chosen = yield from self.choose(self.items[place], offered)
            if chosen == self.items[place]:
                break
            child = below[offered.index(chosen)]
            self.items[place], self.items[child] = self.items[child], self.items[place]
            self._sinking[place].discard(turn)
            self._sinking.setdefault(child, set()).add(turn)
            place = child
        self._sinking[place].discard(turn)
