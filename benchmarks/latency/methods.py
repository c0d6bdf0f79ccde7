"""The methods that are measured, the documents they rank, and what a right result is."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from benchmarks.latency.server import TOP_GRADE
from reranking.api import prepared
from reranking.documents import Candidate, as_candidates
from reranking.ranking import Ranking
from reranking.strategies.catalogue import make
from tests.clock import steps_of
from tests.guarantees import promised_depth
from tests.oracles import PerfectOracle

AT_ONCE = 16
QUERY = "which passage has the highest grade"
FILLER = "many words pass by and nothing much is said about it in the long and quiet passage that follows here"


@dataclass(frozen=True, slots=True)
class Method:
    """A strategy on `count` documents, and the peers' methods that do the same job (peer, name in its script).

    `steps` is the most dependent steps it may take: what its definition comes to where that does
    not hang on the answers, and else what the best schedule took that is known from elsewhere
    (`ideal.py` beside the peers' scripts, medians of three lists).
    """

    title: str
    strategy: str
    count: int
    steps: float
    peers: tuple[tuple[str, str], ...] = field(default=())


POINTWISE = (("llmranker", "pointwise"),)
TOP_BY_PAIRS = (("llmranker", "prp heapsort k10"),)
LISTWISE = (
    ("llmranker", "listwise 20/10"), ("ranksmith", "listwise 20/10"), ("rerankers", "rankgpt caller slides 20/10"),
)  # fmt: skip
SETWISE = (
    ("llmranker", "setwise heap c=3 k10"), ("llmranker", "setwise heap c=9 k10"),
    ("ranksmith", "setwise heap set3 (c=2) k10"), ("ranksmith", "setwise heap set10 (c=9) k10"),
)  # fmt: skip
TOURNAMENTS = (("llmranker", "tourrank x10"), ("ranksmith", "tourrank x10"))

METHODS = (
    Method("pointwise, grade, n=100", "grade", 100, 1, POINTWISE),
    Method("pointwise, yes/no, n=100", "yes-no", 100, 1, POINTWISE),
    Method("all pairs, n=20", "pairwise-all", 20, 1, (("llmranker", "allpairs"),)),
    Method("pairwise top 10 of 50, sort", "pairwise-sort", 50, 65, TOP_BY_PAIRS),
    Method("pairwise top 10 of 50, active", "pairwise-active", 50, 18, TOP_BY_PAIRS),
    Method("pairwise top 10 of 50, active, one order", "pairwise-active(both_orders=False)", 50, 9.67, TOP_BY_PAIRS),
    Method(
        "sliding-10, n=50", "pairwise-sliding", 50, 49 + 9,
        (("llmranker", "prp bubble k10 (sliding-10)"), ("ranksmith", "prp sliding-10 (async)")),
    ),
    Method("window 20/10, n=100", "listwise-window", 100, 1 + (100 - 20) / 10, LISTWISE),
    Method("groups of 20, n=100", "listwise-groups", 100, 4, LISTWISE),
    Method("setwise top 10 of 100, heap of 3", "setwise", 100, 28, SETWISE),
    Method("setwise top 10 of 100, heap of 9", "setwise(children=9)", 100, 24, SETWISE),
    Method("setwise top 10 of 100, tree of 10", "setwise(children=9, method='tree')", 100, 11, SETWISE),
    Method("tournament x10, n=100", "tournament", 100, 6, TOURNAMENTS),
    Method("self-consistency m=10, n=20", "self-consistency(runs=10)", 20, 1),
)  # fmt: skip


def documents(count: int, seed: int) -> tuple[tuple[Candidate, ...], list[int]]:
    """Candidates of about 300 characters with different grades from 0 to 99, and these grades."""
    chance = random.Random(f"{count} {seed}")
    grades = chance.sample(range(100), count)
    texts = [f"GRADE={grade:02d} " + " ".join(chance.choices(FILLER.split(), k=50)) for grade in grades]
    return as_candidates(texts), grades


def is_right(method: Method, ranking: Ranking, grades: list[int]) -> bool:
    """Whether the ranking is what its strategy promises under a model that is always right."""
    if ranking.outcome != "complete" or sorted(ranking.order) != list(range(len(grades))):
        return False
    strategy = prepared(method.strategy, "simulated:overlap", lambda ref: PerfectOracle.answers)
    worth = [round(grade * TOP_GRADE / 100) for grade in grades] if method.strategy == "grade" else grades
    depth = promised_depth(strategy, len(grades))
    return [worth[index] for index in ranking.order[:depth]] == sorted(worth, reverse=True)[:depth]


@dataclass(frozen=True, slots=True)
class Shape:
    """Dependent steps, requests sent, and the steps of its own schedule at 16 at once; means over `seeds`."""

    steps: float
    requests: float
    scheduled: float


def shape(method: Method, seed: int) -> Shape:
    """What the schedule of a method comes to if nothing but the model takes time."""
    _, grades = documents(method.count, seed)
    strategy, known = make(method.strategy), [grade / 100 for grade in grades]
    _, steps = steps_of(strategy, known)
    requests, scheduled = steps_of(strategy, known, AT_ONCE)
    return Shape(steps, requests, scheduled)
