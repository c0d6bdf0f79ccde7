"""How fast the statistics of a position-bias test are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.bench_bias_truth import EFFECTS, runs
from benchmarks.harness import Row, benchmark, median_of
from reranking.analysis.bias import BiasRun, analyse
from reranking.analysis.designs import Design, Kind, draw, repeats
from reranking.analysis.verdict import verdict

CASES: tuple[tuple[Kind, int, int, str | None], ...] = (
    ("pairs", 50, 20, "<= 1"),
    ("random", 50, 20, "<= 1"),
    ("balanced", 10, 10, None),
    ("pairs", 200, 10, None),
)


@benchmark("bias")
def bias() -> Iterator[Row]:
    """Seconds from orders and ranks to the verdict, with 2,000 resamples and 2,000 draws."""
    for kind, n, k, target in CASES:
        chance = np.random.default_rng(1)
        relevance, design = chance.random(n), draw(kind, n, k, seed=1)
        found = runs(relevance, np.array(design.orders), EFFECTS["primacy"], chance)
        again = runs(relevance, np.array(repeats(range(n)).orders), EFFECTS["primacy"], chance)
        seconds = median_of(5, partial(measured, found, design, again))
        yield Row(f"bias analysis of {n} documents x {k} runs and 3 repeats, {kind}", seconds, "s", target)


def measured(found: list[BiasRun], design: Design, again: list[BiasRun]) -> float:
    """Seconds of one analysis."""
    clock = time.perf_counter()
    verdict(analyse(found, design, again, resamples=2000, draws=2000))
    return time.perf_counter() - clock
