"""What one request takes of this machine: time on the processor, and memory."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, cast

from benchmarks.harness import ROOT, Row, median_of
from benchmarks.latency.methods import AT_ONCE, QUERY, documents
from benchmarks.latency.peers import measure
from benchmarks.latency.serving import Server
from reranking.api import prepared
from reranking.documents import as_candidates
from reranking.engine import run_strategy
from reranking.gateway import Gateway
from reranking.models import Model
from reranking.providers.registry import Registry
from reranking.replies import Choices, Reply
from reranking.requests import Choose, Request

REPEATS = 7
PEERS = (
    ("llmranker", "ovh pointwise conc16"), ("llmranker", "ovh allpairs conc16"),
    ("ranksmith", "ovh prp sliding-10 async"), ("ranksmith", "ovh setwise set3 async"),
    ("rerankers", "ovh rankgpt one window 20"),
)  # fmt: skip

PASSAGE = "Thin panels lose less of their output than thick ones where a part of them lies in the shade. " * 6
"""About 570 characters, the length of a typical passage."""

MANY = 317
"""Documents of which all pairs in both orders are 100,172 requests."""

MEMORY = f"""
import resource
from benchmarks.latency.cpu import in_memory_ms
in_memory_ms({MANY})
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def against_the_bare_client(server: Server) -> Iterator[Row]:
    """CPU milliseconds per request for all pairs of 20, ours and the SDK's client alone, in turns."""
    ours, bare = asyncio.run(_in_turns(server))
    found, problems = measure(server, PEERS, mode="overhead", repeats=3)
    theirs = {f"{peer}, {method}": one.cpu_ms for (peer, method), one in found.items()}
    yield Row("CPU per request, all pairs n=20, no latency", ours, "ms", peers={"bare AsyncOpenAI": bare, **theirs})
    yield Row("CPU per request, of the bare AsyncOpenAI client", ours / bare, "x", "<= 1.3")
    for problem in problems:
        yield Row(f"not measured: {problem}", 1, "peer", "== 0")


async def _in_turns(server: Server) -> tuple[float, float]:
    from openai import AsyncOpenAI

    registry = Registry()
    candidates, _ = documents(20, 1)
    strategy = prepared("pairwise-all", f"openai-compatible:oracle@{server.url}", registry.answers)
    requests = cast(list[Choose], next(strategy.steps(QUERY, candidates)))
    client = AsyncOpenAI(api_key="none", base_url=server.url)

    async def bare() -> None:
        seats = asyncio.Semaphore(AT_ONCE)

        async def one(request: Choose) -> None:
            messages: Any = [{"role": message.role, "content": message.text} for message in request.messages]
            async with seats:
                await client.chat.completions.create(
                    model="oracle", messages=messages, max_completion_tokens=1, logprobs=True, top_logprobs=20
                )

        await asyncio.gather(*(one(request) for request in requests))

    async def ours() -> None:
        await run_strategy(strategy, QUERY, candidates, Gateway(registry.resolve))

    taken: dict[Any, list[float]] = {ours: [], bare: []}
    for _ in range(1 + REPEATS):
        for work, figures in taken.items():
            clock = time.process_time()
            await work()
            figures.append((time.process_time() - clock) / len(requests) * 1000)
    await registry.aclose()
    await client.close()
    return statistics.median(taken[ours][1:]), statistics.median(taken[bare][1:])


class InMemory:
    """A model that prefers what is shown first, at once."""

    name = "in-memory"
    fingerprint = "in-memory"
    answers: frozenset[type[Request]] = frozenset({Choose})

    async def answer(self, request: Request) -> Reply:
        """The first choice, always."""
        return Choices(logprobs=(0.0, -1.0))


def in_memory_ms(count: int) -> float:
    """CPU milliseconds per request for all pairs of `count` documents. Raises RuntimeError if others were asked."""
    candidates = as_candidates(f"{number}. {PASSAGE}" for number in range(count))
    strategy = prepared("pairwise-all", cast(Model, InMemory()), lambda ref: InMemory.answers)
    clock = time.process_time()
    ranking = asyncio.run(run_strategy(strategy, QUERY, candidates, Gateway(lambda ref: cast(Model, ref))))
    seconds = time.process_time() - clock
    asked = count * (count - 1)
    if ranking.outcome != "complete" or ranking.usage.requests != asked or ranking.usage.cached:
        raise RuntimeError(f"not what was to be measured: {ranking.outcome}, {ranking.usage}")
    return seconds / asked * 1000


def in_memory() -> Sequence[Row]:
    """CPU per request with a model that answers at once, and what 100,172 requests hold in memory."""
    done = subprocess.run([sys.executable, "-c", MEMORY], cwd=ROOT, capture_output=True, text=True, check=True)
    return [
        Row(
            "CPU per request through strategy, engine and gateway, 9,900 in memory",
            median_of(3, lambda: in_memory_ms(100)), "ms", "<= 0.2",
        ),
        Row(f"memory at most, {MANY * (MANY - 1):,} requests in one run", float(done.stdout), "MB", "<= 500"),
    ]  # fmt: skip
