"""The baseline: leave the documents as they came."""

from __future__ import annotations

from typing import ClassVar, Literal

from typing_extensions import override

from reranking.documents import Candidates
from reranking.ranking import by_order
from reranking.strategies.base import Family, Steps, Strategy


class InputOrder(Strategy):
    """Keep the input order: the baseline that every other strategy is compared with.

    Requests: none. Scores: none (rank only). Ties: cannot occur.
    """

    title: ClassVar[str] = "Input order"
    family: ClassVar[Family] = "Baseline"
    keeps_order: ClassVar[bool] = True

    kind: Literal["input-order"] = "input-order"

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        yield from ()
        return by_order(candidates, range(len(candidates)))
