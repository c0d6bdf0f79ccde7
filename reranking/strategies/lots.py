"""Lots drawn by what documents say and not by where they stand.

Lots that are drawn by place are the same for every order of the input: a model's preference for
a place in the prompt then becomes a fixed preference for places in the input.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from reranking.documents import Candidates


def by_content(candidates: Candidates) -> list[int]:
    """All places, in an order that is the same however the documents are given; equal ones stay as given."""
    return sorted(range(len(candidates)), key=lambda place: candidates[place].document.fingerprint)


class Directions:
    """Which of two documents is shown first, by a lot for each pair of texts."""

    def __init__(self, seed: int, candidates: Candidates) -> None:
        self.seed = seed
        self._number = {place: number for number, place in enumerate(by_content(candidates))}

    def drawn(self, pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """The pairs of places, each in the direction that its lot says."""
        return [self._drawn(*pair) for pair in pairs]

    def _drawn(self, one: int, other: int) -> tuple[int, int]:
        low, high = sorted((one, other), key=self._number.__getitem__)
        heads = random.Random(f"{self.seed} {self._number[low]} {self._number[high]}").random() < 0.5
        return (low, high) if heads else (high, low)
