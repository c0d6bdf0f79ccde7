"""Whether the position-bias lab finds what is there: against a model whose position effect is stated.

The model is `simulated:grades`, whose definition (providers/simulated.py) is followed here in
tables, for speed; the first rows show that it gives the same rankings as through the engine. What
is true of a model and documents is what 2,000 random orders show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Row, benchmark
from reranking.analysis.bias import BiasRun, analyse
from reranking.analysis.bias_model import Estimate, fit
from reranking.analysis.bias_runs import observe
from reranking.analysis.designs import Kind, draw
from reranking.analysis.stopping import look, plan_looks
from reranking.documents import as_candidates
from reranking.engine import run_strategy
from reranking.gateway import Gateway
from reranking.providers.simulated import Simulated
from reranking.strategies.listwise import Listwise

N = K = 10
EXPERIMENTS = 1000
DOCUMENT_SETS = 20
TRUTH_ORDERS = 2000
NOISE = 0.15
RESAMPLES = DRAWS = 1000
ENGINE_RUNS = 1000
MOST_RUNS = 20
KINDS: tuple[Kind, ...] = ("pairs", "balanced", "random")

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Effect:
    """The faults of a simulated model, as in its name."""

    primacy: float = 0.0
    recency: float = 0.0
    edges: float = 0.0
    noise: float = NOISE

    def by_place(self, n: int) -> Array:
        """What each of `n` slots adds to a passage's worth."""
        place = np.arange(n) / (n - 1)
        added: Array = self.primacy * (0.5 - place) + self.recency * (place - 0.5)
        return added + self.edges * ((2 * place - 1) ** 2 - 1 / 3)


# These make 0.25 places of output per place of input.
EFFECTS = {
    "primacy": Effect(primacy=0.29),
    "recency": Effect(recency=0.29),
    "middle-loss": Effect(edges=0.29),
    "none": Effect(),
}


def rank(relevance: Array, orders: NDArray[np.int64], effect: Effect, chance: np.random.Generator) -> Array:
    """The rank that the simulated model gives the document at each place, for each order: (runs, n)."""
    n = len(relevance)
    worth = relevance[orders] + effect.by_place(n) + chance.normal(0, 1, orders.shape) * effect.noise
    ranks = np.empty(orders.shape)
    np.put_along_axis(ranks, np.argsort(-worth, axis=1, kind="stable"), np.arange(1.0, n + 1)[None], axis=1)
    return ranks


def runs(relevance: Array, orders: NDArray[np.int64], effect: Effect, chance: np.random.Generator) -> list[BiasRun]:
    """The runs of the simulated model on `orders`."""
    ranks = rank(relevance, orders, effect, chance)
    return [
        BiasRun(tuple(order), dict(zip(order, given, strict=True)))
        for order, given in zip(orders.tolist(), ranks.tolist(), strict=True)
    ]


def truth(
    relevance: Array, effect: Effect, chance: np.random.Generator, count: int = TRUTH_ORDERS
) -> tuple[float, float]:
    """The slope and what the middle loses, as `count` random orders show them."""
    orders = np.argsort(chance.random((count, len(relevance))), axis=1)
    model = fit(observe(runs(relevance, orders, effect, chance)), range(count), resamples=0)
    assert model.slope is not None
    assert model.middle is not None
    return model.slope.value, model.middle.value


@dataclass(frozen=True, slots=True)
class Experiments:
    """What many experiments found, one entry for each."""

    true_slope: Array  # in places per place
    off: Array  # how far the estimates are from it
    covered: NDArray[np.bool_]  # whether the interval of the slope holds the true one
    middle_covered: NDArray[np.bool_]
    rejected: NDArray[np.bool_]  # no trend, by the linear statistic alone at .05
    rejected_any: NDArray[np.bool_]  # no effect at all, after Holm over both statistics
    half_width: Array


@benchmark("bias_truth")
def bias_truth() -> Iterator[Row]:
    """Coverage, false alarms and power of each design at n = k = 10, and of stopping early."""
    yield from engine_rows()
    for name, effect in EFFECTS.items():
        for kind in KINDS:
            found = experiment(effect, kind, EXPERIMENTS)
            about = f"{name}, {kind}, n = k = {N}"
            print(f"   {about}", flush=True)
            yield from experiment_rows(name, about, found)
    yield from stopping_rows()


def experiment_rows(name: str, about: str, found: Experiments) -> Iterator[Row]:
    """The figures of one model and design."""
    beside = {"of the middle's loss": float(found.middle_covered.mean())}
    yield Row(f"{about}: intervals that hold the true slope", float(found.covered.mean()), "share", ">= 0.93", beside)
    error = float(np.sqrt((found.off**2).mean()))
    beside = {"true slope": float(found.true_slope.mean()), "half the interval": float(found.half_width.mean())}
    yield Row(f"{about}: error of the slope (root mean square)", error, "places per place", None, beside)
    trend, effect = float(found.rejected.mean()), float(found.rejected_any.mean())
    no_trend = name in {"none", "middle-loss"}
    target = "<= 0.07" if no_trend else ">= 0.9"
    yield Row(f"{about}: a trend is found at .05", trend, "share", target)
    target = "<= 0.07" if name == "none" else ">= 0.9"
    yield Row(f"{about}: an effect is found at .05, after Holm over both", effect, "share", target)


def experiment(
    effect: Effect, kind: Kind, count: int, *, n: int = N, k: int = K, sets: int = DOCUMENT_SETS
) -> Experiments:
    """`count` seeded experiments of one design, on documents of `sets` random relevances."""
    outcomes: list[tuple[Any, ...]] = []
    for number in range(sets):
        chance = np.random.default_rng([number, n, k, KINDS.index(kind)])
        relevance = np.random.default_rng([number, n]).random(n)
        true_slope, true_middle = truth(relevance, effect, chance)
        for repetition in range(number, count, sets):
            design = draw(kind, n, k, seed=repetition)
            found = runs(relevance, np.array(design.orders), effect, chance)
            bias = analyse(found, design, resamples=RESAMPLES, draws=DRAWS, seed=repetition)
            slope, middle, test = bias.model.slope, bias.model.middle, bias.test
            assert slope is not None
            assert middle is not None
            assert test is not None
            outcomes.append(
                (
                    true_slope,
                    slope.value - true_slope,
                    holds(slope, true_slope),
                    holds(middle, true_middle),
                    test.linear < 0.05,
                    min(test.linear_adjusted, test.middle_adjusted) < 0.05,
                    half_width(slope),
                )
            )
    return Experiments(*(np.array(column) for column in zip(*outcomes, strict=True)))


def holds(found: Estimate, true: float) -> bool:
    """Whether the interval holds the true value."""
    assert found.low is not None
    assert found.high is not None
    return found.low <= true <= found.high


def half_width(found: Estimate) -> float:
    """Half the width of the interval."""
    assert found.low is not None
    assert found.high is not None
    return (found.high - found.low) / 2


def stopping_rows() -> Iterator[Row]:
    """What is saved by stopping pairs at a half-width of 1.5 places, of 20 runs, and what that does to the interval."""
    for name in ("none", "primacy"):
        saved, held = stopped(EFFECTS[name], EXPERIMENTS)
        about = f"{name}, pairs, n = {N}, stopped when last to first is known to 1.5 places"
        yield Row(f"{about}: intervals that hold the true effect", float(held.mean()), "share", ">= 0.93")
        yield Row(f"{about}: runs saved of {MOST_RUNS}, on average", float(saved.mean()), "runs")


def stopped(effect: Effect, count: int, *, sets: int = DOCUMENT_SETS) -> tuple[Array, NDArray[np.bool_]]:
    """For each of `count` experiments the runs saved, and whether the interval at the stop holds the truth."""
    saved, held = [], []
    for number in range(sets):
        chance = np.random.default_rng([number, 77])
        relevance = np.random.default_rng([number, N]).random(N)
        true_slope, _ = truth(relevance, effect, chance)
        for repetition in range(number, count, sets):
            design = draw("pairs", N, MOST_RUNS, seed=repetition)
            plan = plan_looks(design, 1.5)
            found = runs(relevance, np.array(design.orders), effect, chance)
            for look_at in plan.looks:
                seen = look(plan, design, found[:look_at], resamples=RESAMPLES)
                if seen.stop:
                    assert seen.effect is not None
                    saved.append(seen.saved)
                    held.append(holds(seen.effect, true_slope * (N - 1)))
                    break
    return np.array(saved, float), np.array(held)


def engine_rows() -> Iterator[Row]:
    """The tables against the real model, asked by the listwise strategy through engine and gateway."""
    from scipy.stats import ks_2samp

    relevance = np.random.default_rng(3).random(N)
    orders = np.array(draw("random", N, ENGINE_RUNS, seed=3).orders)
    for name, effect in EFFECTS.items():
        quiet = replace(effect, noise=0.0)
        through = through_engine(relevance, orders, quiet)
        direct = rank(relevance, orders, quiet, np.random.default_rng(0))
        about = f"{name}: simulated listwise through the engine, {ENGINE_RUNS} orders"
        yield Row(
            f"{about}: rankings that differ without noise", int((through != direct).any(axis=1).sum()), "", "== 0"
        )
        through = through_engine(relevance, orders, effect)
        direct = rank(relevance, orders, effect, np.random.default_rng(1))
        place = np.arange(N) - (N - 1) / 2
        p = min(float(ks_2samp(through @ row, direct @ row).pvalue) for row in (place, place**2))
        yield Row(f"{about}: same distribution of trend and middle with noise (Kolmogorov-Smirnov)", p, "p", ">= 0.01")


def through_engine(relevance: Array, orders: NDArray[np.int64], effect: Effect) -> Array:
    """As `rank`, but asked for: the output rank of the document at each place, (runs, n)."""
    faults = {field.name: getattr(effect, field.name) for field in fields(Effect)}
    model = Simulated("grades", relevance=tuple(relevance.tolist()), **faults)
    strategy = Listwise(reasons=False, model=model)
    candidates = as_candidates([f"Document {number}" for number in range(len(relevance))])

    async def all_runs() -> list[list[float]]:
        gateway = Gateway(lambda _: model)
        found = []
        for number, order in enumerate(orders.tolist()):
            given = [candidates[at] for at in order]
            ranks = (await run_strategy(strategy, "q", given, gateway, nonce=str(number))).mid_ranks()
            found.append([ranks[at] for at in order])
        return found

    return np.array(asyncio.run(all_runs()))
