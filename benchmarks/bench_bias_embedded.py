"""What the position-bias lab finds in a real, weak model: pairs judged by `embedded:smollm2`, and what helps.

One order by lot lets the side of the prompt decide; both orders turn that into ties; the mean of
both orders' log-odds takes it away. Everything runs on the same shuffles of a few documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from benchmarks.bench_embedded import examples
from benchmarks.harness import Row, benchmark
from reranking.analysis.bias_plan import BiasPlan
from reranking.api import measure_bias
from reranking.archive import MemoryArchive
from reranking.strategies.bias_results import BiasResult

DOCUMENTS = 6
SHUFFLES = 10
BASE: dict[str, Any] = {"model": "embedded:smollm2", "passage_words": 40}
ONE = {"kind": "pairwise-random", **BASE}
BOTH = {"kind": "pairwise-all", **BASE}
WAYS = {
    "one order, by lot": ONE,
    "both orders must agree": BOTH,
    "one order, probabilities": {**ONE, "mode": "log-odds"},
    "both orders, probabilities": {**BOTH, "mode": "log-odds"},
    "one order, 5 shuffles": {"kind": "self-consistency", "base": ONE, "runs": 5},
}


@benchmark("bias_embedded")
def bias_of_embedded_model() -> Iterator[Row]:
    """Each way to judge pairs on the first documents of each example: sides, ties, stability, position."""
    archive = MemoryArchive()  # ways that ask the same in the same run share its answers
    for query, candidates in examples():
        documents = [item.document for item in candidates[:DOCUMENTS]]
        plan = BiasPlan("pairs", SHUFFLES, seed=1)
        found = dict(zip(WAYS, measure_bias(query, documents, list(WAYS.values()), plan, archive=archive), strict=True))
        short = query[:30]
        yield from _sides(short, found["both orders must agree"])
        for way, result in found.items():
            target = "<= 0" if way.startswith("both orders") else None  # asking for all pairs both ways has no order
            yield from _row(f"smollm2, {short}: {way}", result, target)
            print(f"{short} | {way}: {result.verdict.text}", flush=True)


def _sides(query: str, result: BiasResult) -> Iterator[Row]:
    pairs = result.pairwise
    assert pairs is not None
    assert pairs.preference is not None
    decided = (pairs.first + pairs.second) / pairs.pairs
    yield Row(f"smollm2, {query}: pairs that the side of the prompt decides", decided, "of 1", ">= 0.9")
    yield Row(f"smollm2, {query}: preference, -1 first side, 1 second side", pairs.preference, "")


def _row(name: str, result: BiasResult, target: str | None) -> Iterator[Row]:
    stable, share = result.bias.shuffled, result.bias.model.position_share
    assert stable is not None
    if share is not None:
        yield Row(f"{name}, variation explained by position", share, "of 1", target)
    if stable.flips is not None:
        yield Row(f"{name}, flip rate", stable.flips, "of 1")
    if stable.w is not None:
        yield Row(f"{name}, Kendall's W", stable.w, "of 1")
    if stable.tied_pairs is not None:
        yield Row(f"{name}, tied pairs", stable.tied_pairs, "of 1")
