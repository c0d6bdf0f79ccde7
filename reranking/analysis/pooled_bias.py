"""Position bias over several queries: each for itself first, for its direction may vary, then together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from reranking.analysis.bias import Bias
from reranking.analysis.bias_model import LEVEL, NOTHING, Estimate, estimate
from reranking.analysis.randomisation import holm
from reranking.analysis.verdict import ALPHA, broken, numbers, places


@dataclass(frozen=True, slots=True, eq=False)
class PooledBias:
    """What several queries show together.

    `slope` is the mean over queries of their slopes (places of output per place of input, positive
    is primacy), `last_to_first` the same over a whole list in places, for lists of `n` documents
    (the mean of the queries'), and `middle` the mean of what the middle loses, in places. Every
    query counts the same. Intervals are t(queries - 1) x the standard error over queries: they
    hold how much queries differ, and are about queries like these; there are none where all have
    the very same effect. With one query they are that query's own.

    `used` queries have a slope, and replies that could be read; the others are `left_out`. `earlier`
    and `later` count the used queries that favour earlier or later documents by the randomisation
    test (p < .05 after Holm over the queries), and `p` holds each one's adjusted p-value, None
    where there is no test.
    """

    n: float
    used: int
    left_out: int
    slope: Estimate | None
    last_to_first: Estimate | None
    middle: Estimate | None
    earlier: int
    later: int
    p: tuple[float | None, ...]
    sentence: str


def pool(biases: Sequence[Bias], level: float = LEVEL) -> PooledBias:
    """Together what each query shows. Raises ValueError without queries."""
    if not biases:
        raise ValueError("there is nothing to pool")
    told = [bias for bias in biases if bias.model.slope is not None and not broken(bias)]
    slopes = [bias.model.slope for bias in told if bias.model.slope is not None]
    middles = [bias.model.middle for bias in told if bias.model.middle is not None]
    tests = {at: bias.test for at, bias in enumerate(biases) if bias.test is not None and not broken(bias)}
    adjusted = holm([test.linear for test in tests.values()])
    p: list[float | None] = [None] * len(biases)
    for at, value in zip(tests, adjusted, strict=True):
        p[at] = value
    found = [
        bias.model.slope.value
        for bias, value in zip(biases, p, strict=True)
        if value is not None and value < ALPHA and bias.model.slope is not None
    ]
    n = fmean(bias.n for bias in told) if told else 0.0
    slope = _mean(slopes, level)
    whole = None if slope is None else slope.times(max(n - 1, 0.0))
    earlier, later = sum(value > 0 for value in found), sum(value < 0 for value in found)
    return PooledBias(
        n=n,
        used=len(told),
        left_out=len(biases) - len(told),
        slope=slope,
        last_to_first=whole,
        middle=_mean(middles, level),
        earlier=earlier,
        later=later,
        p=tuple(p),
        sentence=_sentence(whole, len(told), earlier, later),
    )


def _mean(values: Sequence[Estimate], level: float) -> Estimate | None:
    if len(values) < 2:
        return values[0] if values else None
    mean, error = fmean(item.value for item in values), stdev(item.value for item in values) / len(values) ** 0.5
    # An effect that is the same to the last digit, as after few runs, tells nothing of how queries differ.
    return estimate(mean, None if error <= NOTHING < abs(mean) else error, len(values), level)


def _sentence(effect: Estimate | None, queries: int, earlier: int, later: int) -> str:
    if effect is None:
        return "No query can tell the effect of the position."
    told = _counted(queries, earlier, later)
    if effect.low is not None and effect.high is not None and effect.low <= 0 <= effect.high:
        mean = f"No common direction was found {numbers(effect)}"
    else:
        ends = ("last", "first") if effect.value > 0 else ("first", "last")
        mean = f"On average moving a document from {ends[0]} to {ends[1]} raises it {places(abs(effect.value))}"
        mean += f" {numbers(effect)}" if effect.low is not None else ""
    return f"{told}. {mean}."


def _counted(queries: int, earlier: int, later: int) -> str:
    if not earlier and not later:
        return f"No trend was found in any of {queries} queries" if queries > 1 else "No trend was found"
    told = f"Of {queries} quer{'y' if queries == 1 else 'ies'} {earlier} favour{_s(earlier)} earlier documents"
    told += f" and {later} later ones" if later else ""
    varies = ": the direction varies by query" if earlier and later else ""
    rest = queries - earlier - later
    return f"{told}{varies}" + (f"; in {rest} no trend was found" if rest else "")


def _s(number: int) -> str:
    return "s" if number == 1 else ""
