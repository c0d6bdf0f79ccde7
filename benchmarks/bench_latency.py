"""Every LLM method on a server that is always right and always takes 100 ms, 16 requests at once.

The limit of a method is max(dependent steps, requests / 16) x latency: no schedule is faster.
Dependent steps are those of the strategy itself, driven by a clock that only the model moves.
Peers run on the same server in the same run, at their best settings; ours are medians over
several lists, a peer's is of one. The cores are kept awake; ours are measured once more on cores
that fall asleep. On a machine that is busy with other work a step takes longer than its latency:
`chrt -r 5 python -m benchmarks --only latency` keeps that out of the figures.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.harness import Row, benchmark
from benchmarks.latency import cpu
from benchmarks.latency.awake import awake
from benchmarks.latency.methods import AT_ONCE, METHODS, QUERY, Method, Shape, documents, is_right, shape
from benchmarks.latency.peers import Measured, measure
from benchmarks.latency.serving import Server, serving
from reranking.api import prepared
from reranking.engine import run_strategy
from reranking.gateway import Gateway
from reranking.providers.registry import Registry

LATENCY = 0.1
LISTS = 5
LISTS_IF_LONG = 3
LONG = 3.0
"""Seconds from which on a method counts as long."""

AHEAD = 5
"""How many times ahead of a peer that asks one request after the other, where the limit allows it."""

NEAR = 1.05
"""Times the limit within which being ahead is not asked for."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Runs of one method: its shape, median seconds, and how many rankings were wrong."""

    shape: Shape
    seconds: float
    wrong: int
    lists: int

    @property
    def limit(self) -> float:
        """The least seconds that any schedule takes."""
        return max(self.shape.steps, self.shape.requests / AT_ONCE) * LATENCY

    @property
    def of_the_limit(self) -> float:
        """How many times the limit it took."""
        return self.seconds / self.limit


@benchmark("latency")
def latency() -> Iterator[Row]:
    """Seconds of every method and of all as one comparison, against their limits and the peers."""
    shapes = {method.title: [shape(method, seed) for seed in range(1, 1 + LISTS)] for method in METHODS}
    with serving(LATENCY) as server:
        with awake():
            peers, problems = measure(server, [pair for method in METHODS for pair in method.peers])
            timed = asyncio.run(_time_all(server, shapes))
            for method in METHODS:
                yield from _rows(method, timed[method.title], peers)
            yield from asyncio.run(_comparison(server, {title: one.seconds for title, one in timed.items()}))
        asleep = asyncio.run(_time_all(server, shapes))
        for title, one in asleep.items():
            yield Row(f"{title} | of the limit, on cores that fall asleep", one.of_the_limit, "x")
        yield Row(
            "each alone | wrong, on cores that fall asleep",
            sum(one.wrong for one in asleep.values()),
            "rankings",
            "== 0",
        )
    for problem in problems:
        yield Row(f"not measured: {problem}", 1, "peer", "== 0")


@benchmark("overhead")
def overhead() -> Iterator[Row]:
    """What the client takes for one request: CPU milliseconds, and memory for 100,000 of them."""
    with serving(0) as server:
        yield from cpu.against_the_bare_client(server)
    yield from cpu.in_memory()


async def _time_all(server: Server, shapes: Mapping[str, Sequence[Shape]]) -> dict[str, Timed]:
    registry = Registry()
    try:
        for method in METHODS:  # what is imported once is not measured
            await _run(method, 4 if "setwise" in method.strategy else 6, 0, server, registry)
        return {method.title: await _time(method, shapes[method.title], server, registry) for method in METHODS}
    finally:
        await registry.aclose()


async def _time(method: Method, shapes: Sequence[Shape], server: Server, registry: Registry) -> Timed:
    wrong, seconds = 0, []
    while len(seconds) < (LISTS_IF_LONG if seconds and seconds[0] > LONG else LISTS):
        expected = shapes[len(seconds)]
        server.reset(LATENCY)
        taken, right = await _run(method, method.count, 1 + len(seconds), server, registry)
        seen = server.stats()
        if seen["requests"] != expected.requests or seen["no_docs"] or seen["max"] > AT_ONCE:
            raise RuntimeError(f"{method.title}: not what was to be measured: {seen}, {expected}")
        seconds.append(taken)
        wrong += not right
    used = shapes[: len(seconds)]
    means = (statistics.fmean(getattr(one, name) for one in used) for name in ("steps", "requests", "scheduled"))
    found = Timed(Shape(*means), statistics.median(seconds), wrong, len(seconds))
    print(f"   {method.title}: {found.seconds:.3f} s, limit {found.limit:.3f} s", flush=True)
    return found


async def _run(method: Method, count: int, seed: int, server: Server, registry: Registry) -> tuple[float, bool]:
    """Seconds of one ranking, and whether it is right."""
    candidates, grades = documents(count, seed)
    strategy = prepared(method.strategy, f"openai-compatible:oracle@{server.url}", registry.answers)
    clock = time.perf_counter()
    ranking = await run_strategy(strategy, QUERY, candidates, Gateway(registry.resolve))
    return time.perf_counter() - clock, is_right(method, ranking, grades)


def _rows(method: Method, found: Timed, peers: Mapping[tuple[str, str], Measured]) -> Iterator[Row]:
    title = method.title
    theirs = [peers[pair] for pair in method.peers if pair in peers]
    names = {f"{one.peer}, {one.method}": one.seconds for one in theirs}
    yield Row(f"{title} | seconds", found.seconds, "s", peers=names)
    yield Row(f"{title} | of the limit", found.of_the_limit, "x", "<= 1.2")
    yield Row(f"{title} | dependent steps", found.shape.steps, "steps", f"<= {method.steps:g}")
    yield Row(f"{title} | requests", found.shape.requests, "requests")
    yield Row(f"{title} | its schedule alone, of the limit", found.shape.scheduled * LATENCY / found.limit, "x")
    yield Row(f"{title} | wrong rankings of {found.lists}", found.wrong, "rankings", "== 0")
    for one in theirs:
        # Ahead, or so near the limit that nobody can be; far ahead of one that asks request after
        # request, if the limit leaves room for it.
        able = one.seconds / found.limit
        near = found.of_the_limit <= NEAR
        target = f">= {AHEAD}" if one.at_once == 1 and able >= AHEAD else None if near else ">= 1"
        how = ", one request at a time" if one.at_once == 1 else ""
        name = f"{title} | times ahead of {one.peer}, {one.method}{how}"
        yield Row(name, one.seconds / found.seconds, "x", target, {"at the limit": able})


async def _comparison(server: Server, alone: Mapping[str, float]) -> Sequence[Row]:
    """All methods at once, on lists that begin alike."""
    registry = Registry()
    taken, sent, right = [], [], True
    try:
        for seed in range(1, 1 + LISTS_IF_LONG):
            candidates, grades = documents(100, seed)
            gateway = Gateway(registry.resolve)
            name = f"openai-compatible:oracle@{server.url}"
            strategies = [prepared(method.strategy, name, registry.answers) for method in METHODS]
            server.reset(LATENCY)
            clock = time.perf_counter()
            rankings = await asyncio.gather(
                *(
                    run_strategy(strategy, QUERY, candidates[: method.count], gateway)
                    for method, strategy in zip(METHODS, strategies, strict=True)
                )
            )
            taken.append(time.perf_counter() - clock)
            seen = server.stats()
            sent.append(seen["requests"])
            pairs = zip(METHODS, rankings, strict=True)
            right &= all(is_right(method, ranking, grades[: method.count]) for method, ranking in pairs)
            right &= seen["max"] <= AT_ONCE
    finally:
        await registry.aclose()
    seconds, requests = statistics.median(taken), statistics.median(sent)
    limit = max(max(alone.values()), requests / AT_ONCE * LATENCY)
    title = f"all {len(METHODS)} as one comparison"
    return [
        Row(f"{title} | seconds", seconds, "s"),
        Row(f"{title} | of the slowest alone or all requests / 16", seconds / limit, "x", "<= 1.2"),
        Row(f"{title} | requests sent", requests, "requests"),
        Row(f"{title} | the slowest alone", max(alone.values()), "s"),
        Row(f"{title} | wrong", 0 if right else 1, "comparisons", "== 0"),
    ]
