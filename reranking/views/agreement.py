"""The agreement matrix of a comparison by each measure, and what the measure's numbers mean."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from reranking.analysis.agreement import agreement_matrix, by_similarity, kendall_tau_b, number, ties_everything
from reranking.analysis.overlap import PERSISTENCE, chance, overlap, rbo
from reranking.charts.agreement import agreement_heatmap
from reranking.views.compared import Compared

Measure = Literal["tau", "rbo", "overlap"]


def meaning(measure: Measure, documents: int, k: int) -> str:
    """What the numbers of a measure say, in two short sentences."""
    if measure == "tau":
        return "Kendall's tau-b over all places: 1 = same order, 0 = unrelated, -1 = reversed."
    if measure == "rbo":
        return (
            f"Rank-biased overlap (p = {PERSISTENCE:g}), where the top counts most: 1 = same order. "
            f"Two random orders of {documents} documents come to {number(chance(documents))} on average."
        )
    if k >= documents:
        return f"The first {k} are all documents there are: choose a smaller cut."
    return (
        f"Share of the first {k} documents that two have in common: 1 = all. "
        f"Two random orders of {documents} documents come to {number(k / documents)} on average."
    )


def left_out(found: Compared) -> str:
    """Which strategies the matrix leaves out, and why; empty if none."""
    failed = [name for name, each in zip(found.names, found.rankings, strict=True) if each.outcome == "failed"]
    flat = [name for name, each in zip(found.names, found.rankings, strict=True) if ties_everything(each)]
    parts = [f"{', '.join(failed)} (failed)"] if failed else []
    parts += [f"{', '.join(flat)} (ties everything)"] if flat else []
    return f"Left out: {'; '.join(parts)}." if parts else ""


@lru_cache(maxsize=16)
def matrix_of(found: Compared, measure: Measure, k: int) -> list[list[float | None]]:
    """How far every two strategies agree; `k` is the depth of the overlap."""
    if measure == "tau":
        return agreement_matrix(found.rankings, kendall_tau_b)
    if measure == "rbo":
        return agreement_matrix(found.rankings, rbo)
    return agreement_matrix(found.rankings, lambda a, b: overlap(a, b, k))


@lru_cache(maxsize=16)
def figure(found: Compared, measure: Measure, k: int, dark: bool) -> Any:
    """The matrix as a heat map."""
    # One order for all measures, so that a pair keeps its place when another measure is chosen.
    order = by_similarity(matrix_of(found, "tau", 0))
    matrix = matrix_of(found, measure, k if measure == "overlap" else 0)
    name = f"top-{k} overlap" if measure == "overlap" else {"tau": "tau", "rbo": "RBO"}[measure]
    return agreement_heatmap(matrix, found.names, name, dark, signed=measure == "tau", order=order)


def aloud(found: Compared, measure: Measure, k: int) -> str:
    """All numbers of the matrix in words."""
    matrix = matrix_of(found, measure, k if measure == "overlap" else 0)
    said = [
        f"{found.names[i]} and {found.names[j]} {number(value)}"
        for i in range(len(matrix))
        for j in range(i + 1, len(matrix))
        if (value := matrix[i][j]) is not None
    ]
    return f"Agreement of every two strategies: {'; '.join(said)}"
