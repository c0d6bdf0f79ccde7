"""What the position-bias lab finds in a real, weak model: sets and pairs judged by `embedded:smollm2`.

Setwise shows documents in the order of the input and takes what is named: the slot decides. Pairs in
both orders turn that into ties; the mean of both orders' log-odds takes it away; shuffles that are
drawn by the documents take the order of the input away, though not the model's preference for a
slot. Everything runs on the same shuffles of a few documents.
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

DOCUMENTS = 5
SHUFFLES = 6
BASE: dict[str, Any] = {"model": "embedded:smollm2", "passage_words": 40}
SETS = {"kind": "setwise", "children": 2, **BASE}
BOTH = {"kind": "pairwise-all", **BASE}
WAYS = {
    "setwise": SETS,
    "setwise, 3 shuffles": {"kind": "self-consistency", "base": SETS, "runs": 3},
    "both orders must agree": BOTH,
    "both orders, probabilities": {**BOTH, "mode": "log-odds"},
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
            target = (
                "<= 0" if way != "setwise" else None
            )  # what asks all pairs both ways, or shuffles itself, knows no order
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
