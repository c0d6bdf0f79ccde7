"""LLM strategies for lists that are longer than a prompt: windows, groups, tournaments."""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from typing_extensions import override

from reranking.documents import Candidates
from reranking.ranking import by_groups, by_order, by_score, failed
from reranking.strategies.base import Family, Guarantee, Lots, Steps, together
from reranking.strategies.lots import by_content
from reranking.strategies.windows import Ordering, Windows


class SlidingWindow(Ordering):
    """Order a window that slides from the bottom of the list to the top (RankGPT).

    Requests: 1 if n <= window, else ceil((n - window) / stride) + 1, one after another, for each
    pass. One pass brings the best window - stride to the top. Scores: none (rank only). Ties:
    cannot occur. A window without a usable reply keeps its order.
    Source: Sun et al. 2023, https://arxiv.org/abs/2304.09542
    """

    title: ClassVar[str] = "Listwise, sliding window"
    requests: ClassVar[str] = "passes x (1 if n <= window, else ceil((n - window) / stride) + 1)"
    source: ClassVar[str] = "Sun et al. 2023, https://arxiv.org/abs/2304.09542"

    kind: Literal["listwise-window"] = "listwise-window"
    stride: int = Field(10, ge=1, le=199, title="Stride of the window", description="Documents the window moves by")
    passes: int = Field(
        1, ge=1, le=20, title="Passes up the list", description="How often the window slides up the list"
    )

    @model_validator(mode="after")
    def _overlaps(self) -> Self:
        if self.stride >= self.window:
            raise ValueError("stride must be smaller than window, or documents could not pass from window to window")
        return self

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        windows = Windows(self, query, candidates)
        order = list(range(len(candidates)))
        for _ in range(self.passes if len(order) > 1 else 0):
            for start, end in spans(len(order), self.window, self.stride):
                (found,) = yield from windows.order([order[start:end]])
                order[start:end] = found if found is not None else order[start:end]
        return by_order(candidates, order, outcome=windows.outcome, diagnostics=windows.notes())


def spans(count: int, window: int, stride: int) -> list[tuple[int, int]]:
    """Start and end of each window, from the bottom to the top; together they cover the list."""
    found = []
    end = count
    while True:
        start = max(0, end - window)
        found.append((start, end))
        if start == 0:
            return found
        end -= stride


class Groups(Ordering):
    """Order windows side by side; the best k of each go on, until one window is left.

    Requests: 11 for n = 100, window 20, k = 10, in 4 dependent steps. Scores: none (rank only).
    Documents that dropped out follow by the round and the place at which they did; those of
    equal round and place are tied.
    """

    title: ClassVar[str] = "Listwise, groups"
    requests: ClassVar[str] = "11 for n = 100, window 20, k = 10"
    promises: ClassVar[Guarantee] = "exact top k"
    source: ClassVar[str] = "merging of sorted windows, as in Sun et al. 2023, https://arxiv.org/abs/2304.09542"

    kind: Literal["listwise-groups"] = "listwise-groups"
    k: int = Field(
        10, ge=1, le=199, title="Documents kept of each window (k)", description="How many of each window go on"
    )

    @model_validator(mode="after")
    def _shrinks(self) -> Self:
        if self.k >= self.window:
            raise ValueError("k must be smaller than window, or nothing would drop out")
        return self

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        windows = Windows(self, query, candidates)
        left = list(range(len(candidates)))
        dropped: list[list[list[int]]] = []  # per round, by place within the window
        while True:
            lists = [left[at : at + self.window] for at in range(0, len(left), self.window)] or [[]]
            found = yield from windows.order(lists)
            ordered = [new if new is not None else list(old) for new, old in zip(found, lists, strict=True)]
            if len(ordered) == 1:
                break
            left = [place for window in ordered for place in window[: self.k]]
            deepest = max(len(window) for window in ordered)
            dropped.append([[window[at] for window in ordered if at < len(window)] for at in range(self.k, deepest)])
        groups = [[place] for place in ordered[0]]
        groups += [tied for round_of in reversed(dropped) for tied in round_of]
        return by_groups(candidates, groups, outcome=windows.outcome, diagnostics=windows.notes())


class Tournament(Ordering):
    """Tournaments in stages: the best half of every group goes on and gets a point (TourRank).

    Requests: for each tournament the groups of all its stages, 13 for n = 100 and window 20; all
    groups of a stage and all tournaments at once. The last two are not asked about again: the reply
    that chose them has ordered them. Scores: points, summed over the tournaments; equal points are
    ties. A group without a usable reply goes on whole, without points.
    Source: Chen et al. 2024, https://arxiv.org/abs/2406.11678
    """

    title: ClassVar[str] = "Tournament"
    family: ClassVar[Family] = "LLM listwise"
    requests: ClassVar[str] = (
        "tournaments x groups of all stages: 2, 3 and 13 of them for n = 10, 20 and 100, window 20"
    )
    adaptive: ClassVar[bool] = True
    source: ClassVar[str] = "Chen et al. 2024, https://arxiv.org/abs/2406.11678"

    kind: Literal["tournament"] = "tournament"
    tournaments: int = Field(10, ge=1, le=100, description="Independent tournaments, whose points are summed")
    share: float = Field(
        0.5, gt=0, lt=1, title="Share that goes on", description="Share of each group that goes on to the next stage"
    )
    seed: int = Field(1, ge=0, description="Seed of the groupings")

    @override
    def lots(self) -> Lots:
        return "whole"

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        windows = Windows(self, query, candidates)
        played: list[list[int]] = yield together(
            *(self._play(windows, by_content(candidates), number) for number in range(self.tournaments))
        )
        if windows.nothing_came:
            return failed(candidates, windows.notes())
        points = [float(sum(one[place] for one in played)) for place in range(len(candidates))]
        kind = f"points of {self.tournaments} tournaments"
        ranking = by_score(candidates, points, kind, diagnostics=windows.notes())
        return replace(ranking, outcome=windows.outcome)

    def _play(self, windows: Windows, places: Sequence[int], number: int) -> Generator[Any, Any, list[int]]:
        """One tournament: points by place."""
        chance = random.Random(f"{self.seed} {number}")
        points = [0] * len(places)
        alive = list(places)
        for _ in range(2 * max(len(places), 1).bit_length()):  # lost replies let whole groups go on, but not for ever
            if len(alive) < 2:
                break
            chance.shuffle(alive)
            groups = split(alive, self.window)
            found = yield from windows.order(groups)
            alive = []
            for group, order in zip(groups, found, strict=True):
                if order is None:
                    alive += group
                    continue
                best = order[: max(1, min(len(order) - 1, round(len(order) * self.share)))]
                for place in best:
                    points[place] += 1
                alive += best
            if len(groups) == 1 and len(alive) == 2 and found[0] is not None:
                points[alive[0]] += 1  # the reply that chose the last two has said which of them is better
                break
        return points


def split(places: Sequence[int], most: int) -> list[list[int]]:
    """`places` in as few groups as there can be of at most `most`, as equal in size as they can be."""
    count = -(-len(places) // most)
    return [list(places[at::count]) for at in range(count)]
