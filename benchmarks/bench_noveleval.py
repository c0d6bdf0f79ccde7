"""Every strategy that runs offline, on NovelEval with the embedded models.

Replies are kept in `.cache/noveleval.db`, so that a run that is cut short goes on where it was
and strategies share what they ask alike. LLMs see the first 60 words of a passage, else a weak model
on a CPU needs most of a day. Documents are shuffled first: in the order of the data, which is a
search engine's, whatever keeps its input would look good. Seconds are those that the
model needs for a query: the mean over a sample of the requests, asked anew one by one, times
the requests of a query.
"""

from __future__ import annotations

import asyncio
import json
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.harness import ROOT, Row, benchmark
from reranking.analysis.metrics import ndcg
from reranking.archive import Archive, Call
from reranking.documents import Candidate, Document, as_candidates
from reranking.engine import run_strategy
from reranking.gateway import Gateway
from reranking.providers.registry import Registry
from reranking.ranking import Ranking
from reranking.replies import Reply
from reranking.store import open_store
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import fill_model, make, strategies, with_defaults, without_model

DATA = ROOT.parent / "shared" / "data" / "noveleval"
CACHE = ROOT / ".cache" / "noveleval.db"
SEED = 20
MODELS = ("embedded:smollm2", "embedded:minilm")

VARIANTS = (
    "grade-all(reasons=False)",
    "grade(reasons=False)",
    "grade(mode='expected', top=9)",
    "pairwise-all(mode='log-odds')",
    "pairwise-sort(mode='log-odds')",
    "listwise(reasons=False)",
    "listwise-window(window=10, stride=5)",
    "listwise-groups(window=10, k=5)",
    "listwise-partition(window=10, cutoff=5)",
    "tournament(window=10, tournaments=1)",
)
"""Beside the defaults: with lists of 20 documents, windows must be smaller for anything to slide."""

REPLACED = {"grade", "grade-all", "listwise", "listwise-window", "listwise-groups", "listwise-partition", "tournament"}
"""Kinds of which only the variants run: their defaults see all 20 documents at once, or write for hours."""

PASSAGE_WORDS = 60

SAMPLE = 12
SAMPLE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Topic:
    """One query with its candidates, shuffled, and their grades by original position."""

    query: str
    candidates: tuple[Candidate, ...]
    grades: dict[int, int]


@benchmark("noveleval")
def noveleval() -> Iterator[Row]:
    """nDCG, requests and seconds of every strategy. Raises FileNotFoundError without the data."""
    topics = list(read_topics())
    registry = Registry()
    store = open_store(CACHE)
    try:
        for strategy in offline(registry):
            print(f"   {strategy.name}", flush=True)
            yield from _rows(strategy, topics, registry, store.archive)
    finally:
        store.close()


def offline(registry: Registry) -> list[Strategy]:
    """All strategies whose models are on this machine, with the embedded models filled in."""
    found = []
    for value in [*(kind for kind in strategies() if kind not in REPLACED), *VARIANTS]:
        if str(value).split("(")[0] not in strategies():
            continue
        strategy = make(value)
        for model in MODELS:
            strategy = fill_model(strategy, model, registry.answers(model))
        if not without_model(strategy):
            found.append(make(_shortened(with_defaults(strategy).spec())))
    return sorted(found, key=lambda one: list(strategies()).index(one.spec()["kind"]))


def _shortened(value: Any) -> Any:
    """A specification in which every strategy that shows passages to an LLM shows fewer words."""
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _shortened(item) for key, item in value.items()}
    return {**found, "passage_words": PASSAGE_WORDS} if "passage_words" in found else found


def read_topics() -> Iterator[Topic]:
    """The 21 queries."""
    grades: dict[tuple[str, str], int] = {}
    for line in (DATA / "qrels.txt").read_text(encoding="utf-8").splitlines():
        query, _, document, grade = line.split()
        grades[query, document] = int(grade)
    for entry in json.loads((DATA / "data.json").read_text(encoding="utf-8")):
        hits = entry["hits"]
        candidates = list(as_candidates([Document(hit["content"], id=hit["docid"]) for hit in hits]))
        random.Random(f"{SEED} {entry['query']}").shuffle(candidates)
        judged = {at: grades[str(hit["qid"]), hit["docid"]] for at, hit in enumerate(hits)}
        yield Topic(entry["query"], tuple(candidates), judged)


class _Watched:
    """An archive that also remembers the calls of one strategy."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.calls: list[Call] = []

    async def find(self, keys: Sequence[str]) -> dict[str, Reply]:
        return await self.archive.find(keys)

    async def keep(self, call: Call) -> None:
        self.calls.append(call)
        await self.archive.keep(call)


def _rows(strategy: Strategy, topics: Sequence[Topic], registry: Registry, archive: Archive) -> Iterator[Row]:
    watched = _Watched(archive)

    async def run() -> tuple[list[Ranking], float]:
        gateway = Gateway(registry.resolve, watched)
        rankings = [await run_strategy(strategy, topic.query, topic.candidates, gateway) for topic in topics]
        return rankings, await _seconds(watched.calls, registry)

    clock = time.perf_counter()
    rankings, of_models = asyncio.run(run())
    own = (time.perf_counter() - clock) / len(topics)
    usable = [one for one in zip(rankings, topics, strict=True) if one[0].outcome != "failed"]
    name = f"NovelEval | {strategy.name}"
    for k in (1, 5, 10):
        values = [ndcg(ranking, topic.grades, k) or 0.0 for ranking, topic in usable]
        if values:
            yield Row(f"{name} | nDCG@{k}", 100 * statistics.fmean(values), "%")
    yield Row(f"{name} | requests", len(watched.calls) / len(topics), "per query")
    yield Row(f"{name} | seconds", of_models / len(topics) if watched.calls else own, "s per query")
    yield Row(f"{name} | queries ranked", len(usable), f"of {len(topics)}")
    whole = sum(ranking.outcome in {"complete", "repaired"} for ranking in rankings)
    yield Row(f"{name} | queries without a lost reply", whole, f"of {len(topics)}")


async def _seconds(calls: Sequence[Call], registry: Registry) -> float:
    """Seconds that all `calls` take: a sample of them asked anew, one by one, scaled to their number."""
    if not calls:
        return 0.0
    taken: list[float] = []
    for call in calls[:: max(1, len(calls) // SAMPLE)]:
        if len(taken) > 1 and sum(taken) > SAMPLE_SECONDS:
            break
        reply = await registry.resolve(call.request.model).answer(call.request)
        taken.append(reply.receipt.seconds or 0.0)
    return statistics.fmean(taken) * len(calls)
