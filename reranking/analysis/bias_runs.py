"""The raw material of a position-bias test: one input order and the ranks it led to, run by run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reranking.ranking import Ranking

REPAIRS = frozenset({"missing", "window-kept", "first-kept"})
"""Codes of diagnostics whose documents were placed by a repair and not by the model."""


@dataclass(frozen=True, slots=True)
class BiasRun:
    """One run: `order[place]` is the document (any whole number) that was given at that place.

    `ranks` holds each document's output rank from 1, tied documents sharing a rank; None if the
    run failed. `repaired` are the documents that a repair placed and not the model.
    """

    order: tuple[int, ...]
    ranks: Mapping[int, float] | None
    repaired: frozenset[int] = frozenset()


def bias_run(order: Sequence[int], ranking: Ranking) -> BiasRun:
    """The run of a strategy that was given the documents in `order`."""
    repaired = frozenset(index for entry in ranking.diagnostics if entry.code in REPAIRS for index in entry.indexes)
    return BiasRun(tuple(order), None if ranking.outcome == "failed" else ranking.mid_ranks(), repaired)


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """The runs that did not fail, as tables by run and document.

    `documents` names the columns, in ascending order. `places` (from 0) is where a document was
    given, `ranks` its mid-rank from 1. `kept` numbers the rows among all runs.
    """

    documents: tuple[int, ...]
    places: NDArray[np.int64]
    ranks: NDArray[np.float64]
    kept: NDArray[np.int64]
    failed: int
    repaired: float | None

    @property
    def n(self) -> int:
        """How many documents there are."""
        return len(self.documents)

    @property
    def k(self) -> int:
        """How many runs did not fail."""
        return len(self.kept)

    def by_place(self) -> NDArray[np.float64]:
        """`Y[run, place]`: the output rank of the document that was given at that place."""
        table = np.empty_like(self.ranks)
        np.put_along_axis(table, self.places, self.ranks, axis=1)
        return table


def observe(runs: Iterable[BiasRun]) -> Observed:
    """The tables of `runs`. Ranks become mid-ranks, so that only their order counts.

    Raises ValueError if there are no runs, if the runs are not about the same documents, or if
    a rank is no finite number.
    """
    runs = list(runs)
    if not runs:
        raise ValueError("a bias test needs at least one run")
    documents = tuple(sorted(runs[0].order))
    known = set(documents)
    if len(known) < len(documents):
        raise ValueError("a run gives a document twice")
    for number, run in enumerate(runs, start=1):
        if len(run.order) != len(documents) or set(run.order) != known:
            raise ValueError(f"run {number} does not give the same documents as the first")
        if run.ranks is not None and set(run.ranks) != known:
            raise ValueError(f"run {number} does not rank the documents that it was given")
    kept = [number for number, run in enumerate(runs) if run.ranks is not None]
    ranks = np.empty((len(kept), len(documents)))
    for row, number in enumerate(kept):
        given = runs[number].ranks or {}
        values = [given[document] for document in documents]
        if not np.isfinite(values).all():
            raise ValueError(f"run {number + 1} has a rank that is no finite number")
        ranks[row] = values
    orders = np.array([runs[number].order for number in kept], int).reshape(len(kept), len(documents))
    placed = [len(runs[number].repaired & known) for number in kept]
    return Observed(
        documents=documents,
        places=np.argsort(orders, axis=1, kind="stable"),
        ranks=_mid_ranks(ranks),
        kept=np.array(kept, int),
        failed=len(runs) - len(kept),
        repaired=sum(placed) / (len(kept) * len(documents)) if kept and documents else None,
    )


def _mid_ranks(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each row as ranks from 1, equal values sharing their mean rank."""
    better = (ranks[:, None, :] < ranks[:, :, None]).sum(axis=2)
    equal = (ranks[:, None, :] == ranks[:, :, None]).sum(axis=2)
    mid: NDArray[np.float64] = better + (equal + 1) / 2
    return mid
