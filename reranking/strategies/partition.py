"""The listwise strategy that compares everything with one document at a time (top-down partitioning)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import zip_longest
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from typing_extensions import override

from reranking.documents import Candidates
from reranking.ranking import Diagnostic, by_order
from reranking.strategies.base import Guarantee, Steps
from reranking.strategies.windows import Ordering, Windows


class Partition(Ordering):
    """Order the first window; whatever beats its middle document, the pivot, stays in the running (TDPart).

    The rest goes through windows of window - 1 documents with the pivot in front, all at once.
    What beats the pivot joins the candidates, merged by place so that the next pivot comes from
    the best of every window; what does not drops out. This repeats while there are more
    candidates than a window holds, and their last window is put in order.

    Requests: 1 if n <= window. At n = 100, window 20, under a model that is always right: 6 in
    2 dependent steps if the input is in the right order, 9 on average in 3 to 5 steps in random
    order, 15 in 7 steps in reversed order. Scores: none (rank only). Ties: cannot occur; what
    equals the pivot does not beat it. The top `cutoff` is exact under such a model unless the
    budget ends it, which is reported; below it, documents follow by round and window. A first
    or last window without a usable reply keeps its order, and documents of any other stay in
    the running; the outcome is `partial`.
    Source: Parry et al. 2024, https://arxiv.org/abs/2405.14589
    """

    title: ClassVar[str] = "Listwise, top-down partitioning"
    requests: ClassVar[str] = "1 if n <= window; 6 to 15 for n = 100 and window 20, by how good the input order is"
    adaptive: ClassVar[bool] = True
    promises: ClassVar[Guarantee] = "exact top k"
    source: ClassVar[str] = "Parry et al. 2024, https://arxiv.org/abs/2405.14589"

    kind: Literal["listwise-partition"] = "listwise-partition"
    cutoff: int = Field(10, ge=1, le=199, description="Place in the first window of the pivot; the top that is exact")
    budget: int = Field(10, ge=1, le=100, title="Rounds at most", description="Rounds of partitions at most")

    @model_validator(mode="after")
    def _shrinks(self) -> Self:
        if self.cutoff >= self.window:
            raise ValueError("cutoff must be smaller than window, or too little would drop out")
        return self

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        windows = Windows(self, query, candidates)
        running = list(range(len(candidates)))
        dropped: list[int] = []
        rounds = 0
        settled = False
        while len(running) > self.window and rounds < self.budget and not settled:
            rounds += 1
            running, below, settled = yield from self._round(windows, running)
            dropped = [*below, *dropped]
        notes = []
        if not settled:
            (found,) = yield from windows.order([running[: self.window]])
            undecided = running[self.window :]
            running = [*(found or running[: self.window]), *undecided]
            if undecided:
                notes.append(_ended(candidates, running, rounds))
        return by_order(
            candidates, [*running, *dropped], outcome=windows.outcome, diagnostics=[*notes, *windows.notes()]
        )

    def _round(
        self, windows: Windows, running: Sequence[int]
    ) -> Generator[Any, Any, tuple[list[int], list[int], bool]]:
        """One round: what stays in the running, what drops out from the pivot down, and whether all is settled."""
        first, rest = list(running[: self.window]), running[self.window :]
        (found,) = yield from windows.order([first])
        top = found or first
        pivot, better, below = top[self.cutoff - 1], top[: self.cutoff - 1], top[self.cutoff - 1 :]
        size = self.window - 1
        parts = [list(rest[at : at + size]) for at in range(0, len(rest), size)]
        orders = yield from windows.order([[pivot, *part] for part in parts])
        joining: list[list[int]] = []
        unheard: list[int] = []  # parts without a usable reply: nothing says that the pivot is better
        for part, order in zip(parts, orders, strict=True):
            if order is None:
                unheard += part
                continue
            at = order.index(pivot)
            joining.append(order[:at])
            below += order[at + 1 :]
        staying = [*_dealt([better, *joining]), *unheard]
        return staying, below, found is not None and len(staying) == len(better)


def _dealt(lists: Sequence[Sequence[int]]) -> list[int]:
    """The lists merged place by place: all first ones, then all second ones, ..."""
    return [place for row in zip_longest(*lists) for place in row if place is not None]


def _ended(candidates: Candidates, running: Sequence[int], rounds: int) -> Diagnostic:
    message = (
        f"After {rounds} rounds, the budget, {len(running)} documents were still in the running; "
        "only the first window of them was put in order, so the top is not sure."
    )
    return Diagnostic("budget-ended", message, tuple(sorted(candidates[place].index for place in running)))
