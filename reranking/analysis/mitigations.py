"""What helps against position bias: remedies under the same design beside each other, and the one to take.

On one query each remedy is compared by the runs of that query; on several, by what it removes in
each of them, so that what is said holds for queries like these.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Literal

from reranking.analysis.bias import Bias
from reranking.analysis.bias_model import LEVEL, Estimate, estimate
from reranking.analysis.pooled_bias import pool
from reranking.analysis.verdict import BIASED, Finding, broken, decimal, percent, places, verdict

ENOUGH = 0.8
"""A remedy that removes this share of the bias is good enough to be chosen for its price."""

QUALITY_LOSS = 0.02
"""A remedy that loses more quality than this is not recommended."""

MOST_FAILED = 0.1
"""A remedy of which a larger share of runs fails, and larger than without it, is not recommended."""

Measure = Literal["last to first", "middle"]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One way to rank, run through the design.

    `requests`, cost and time are those of one ranking on average, or of all runs together, but
    the same for every trial. `cost_usd` and `quality` (0 to 1, say nDCG@10) are None if unknown,
    `seconds` on the clock. `more` holds what further queries show, see `over_queries`. `drawn` says
    that places in the prompts are drawn by what documents say: no order of the input can reach the
    result, while a preference of the model for places still acts.
    """

    name: str
    bias: Bias
    requests: int
    cost_usd: float | None
    seconds: float
    quality: float | None = None
    more: tuple[Bias, ...] = ()
    drawn: bool = False

    @property
    def biases(self) -> tuple[Bias, ...]:
        """What each query shows."""
        return (self.bias, *self.more)


@dataclass(frozen=True, slots=True, eq=False)
class Remedy:
    """A trial as a row. `size` is the bias in places, `left` (0 to 1 and more) its share of the first row's.

    `effect` is the bias with its direction. Over several queries it is their mean, in which biases in opposite
    directions cancel out; `size` is the mean of their sizes, in which they do not, and `biased` counts
    the queries that favour early or late documents.

    `removed` is how many places of bias less there are than in the first row, with its interval.
    `helps` says that this interval is above 0. `unusable` says why it cannot be recommended
    whatever its bias, empty otherwise. `times_requests`, `times_cost` and `times_seconds` are
    multiples of the first row's, None where unknown or without meaning.
    """

    trial: Trial
    biased: int
    effect: Estimate | None
    size: float | None
    left: float | None
    removed: Estimate | None
    helps: bool
    unusable: str
    w: float | None
    flips: float | None
    times_requests: float | None
    times_cost: float | None
    times_seconds: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Mitigations:
    """Rows in the order of the trials; `recommended` is the row to take, None if there is none to recommend.

    `finding` is what the first row shows, over all its queries. `measure` is the kind of bias that is
    compared: the larger one of the first row.
    """

    finding: Finding
    measure: Measure
    rows: tuple[Remedy, ...]
    recommended: Remedy | None
    sentence: str


def over_queries(trials: Sequence[Trial]) -> Trial:
    """The trials of one way to rank, one for each query, as one: requests, cost and seconds of a mean ranking.

    Cost and quality are None if they are unknown for any query. Raises ValueError without trials.
    """
    if not trials:
        raise ValueError("there is nothing to put together")
    return replace(
        trials[0],
        requests=round(fmean(trial.requests for trial in trials)),
        cost_usd=_mean_of_all(trial.cost_usd for trial in trials),
        seconds=fmean(trial.seconds for trial in trials),
        quality=_mean_of_all(trial.quality for trial in trials),
        more=tuple(bias for trial in trials for bias in trial.biases)[1:],
    )


def compare(trials: Sequence[Trial], level: float = LEVEL) -> Mitigations:
    """Compare remedies with the first trial, which is the strategy as it is.

    Recommended is, of the rows that are shown to help, the one with the fewest requests (then the
    least cost) among those that remove 80 % of the bias or more, else the one that removes most.

    On one query the difference of two trials is judged as if they were independent, which is on the
    safe side: trials of the same design share their shuffles. Over several queries (`over_queries`,
    of the same queries in the same order) it is the mean of the queries' differences, and its
    interval comes from how much these differ. Raises ValueError without trials, or if their
    numbers of queries differ.
    """
    if not trials:
        raise ValueError("there is nothing to compare")
    if len({len(trial.biases) for trial in trials}) > 1:
        raise ValueError("the trials are not about the same queries")
    base = trials[0]
    found = _finding(base)
    measure: Measure = "middle" if found in {"middle-loss", "middle-gain"} else "last to first"
    rows = tuple(_row(trial, base, measure, level) for trial in trials)
    chosen = _chosen(rows) if found in BIASED else None
    return Mitigations(found, measure, rows, chosen, _sentence(rows, found, chosen))


def _finding(trial: Trial) -> Finding:
    """What is found: for one query its verdict, for several what they show together."""
    each = [verdict(bias).finding for bias in trial.biases]
    if len(set(each)) == 1 and (len(each) == 1 or each[0] not in BIASED):
        return each[0]
    together = pool(trial.biases)
    effect, middle = together.last_to_first, together.middle
    if effect is None:
        return "cannot tell"
    if together.earlier or together.later or _excludes_0(effect):
        return "primacy" if effect.value > 0 else "recency"
    if middle is not None and _excludes_0(middle):
        return "middle-loss" if middle.value > 0 else "middle-gain"
    return "none found"


def _excludes_0(effect: Estimate) -> bool:
    return effect.low is not None and effect.high is not None and not effect.low <= 0 <= effect.high


def _row(trial: Trial, base: Trial, measure: Measure, level: float) -> Remedy:
    own, first = _effects(trial, measure), _effects(base, measure)
    both = [(one, other) for one, other in zip(own, first, strict=True) if one is not None and other is not None]
    size, before = _size(one for one, _ in both), _size(other for _, other in both)
    removed = None if trial is base or not both else _removed(both, trial, base, level)
    stable = [bias.shuffled for bias in trial.biases if bias.shuffled is not None]
    return Remedy(
        trial=trial,
        biased=_biased(trial),
        effect=_effect(trial, own, measure),
        size=_size(own),
        left=None if size is None or not before else size / before,
        removed=removed,
        helps=removed is not None and removed.low is not None and removed.low > 0,
        unusable=_unusable(trial, base),
        w=_mean_of_known(found.w for found in stable),
        flips=_mean_of_known(found.flips for found in stable),
        times_requests=_ratio(trial.requests, base.requests),
        times_cost=_ratio(trial.cost_usd, base.cost_usd),
        times_seconds=_ratio(trial.seconds, base.seconds),
    )


def _effects(trial: Trial, measure: Measure) -> list[Estimate | None]:
    """The bias of each query, in places of its list; None where it cannot be told."""
    several = len(trial.biases) > 1
    return [
        None if several and broken(bias) else bias.model.middle if measure == "middle" else bias.model.last_to_first
        for bias in trial.biases
    ]


def _effect(trial: Trial, own: Sequence[Estimate | None], measure: Measure) -> Estimate | None:
    if len(own) == 1:
        return own[0]
    together = pool(trial.biases)
    return together.middle if measure == "middle" else together.last_to_first


def _biased(trial: Trial) -> int:
    if not trial.more:
        return int(verdict(trial.bias).biased)
    together = pool(trial.biases)
    return together.earlier + together.later


def _size(effects: Iterable[Estimate | None]) -> float | None:
    sizes = [abs(effect.value) for effect in effects if effect is not None]
    return fmean(sizes) if sizes else None


def _removed(both: Sequence[tuple[Estimate, Estimate]], trial: Trial, base: Trial, level: float) -> Estimate:
    """How much smaller the bias is. A bias the other way is bias too."""
    less = [abs(first.value) - abs(own.value) for own, first in both]
    if len(less) > 1:
        return estimate(fmean(less), stdev(less) / len(less) ** 0.5, len(less), level)
    ((own, first),) = both
    if own.error is None or first.error is None or len(trial.biases) > 1:
        return Estimate(less[0])
    groups = min(trial.bias.model.groups, base.bias.model.groups)
    return estimate(less[0], (own.error**2 + first.error**2) ** 0.5, groups, level)


def _unusable(trial: Trial, base: Trial) -> str:
    used, failed = _runs(trial)
    if not used:
        return "every run failed"
    if failed / (used + failed) > max(MOST_FAILED, _runs(base)[1] / sum(_runs(base))):
        return f"{failed} of {used + failed} runs failed"
    mended = [bias.repaired or 0.0 for bias in trial.biases if broken(bias)]
    if mended:
        where = f" of {len(mended)} of {len(trial.biases)} queries" if trial.more else ""
        return f"{percent(max(mended))} of the places{where} come from mending broken replies"
    if all(bias.shuffled is not None and bias.shuffled.tied_pairs == 1 for bias in trial.biases):
        return "it ties all documents"
    if trial.quality is not None and base.quality is not None and trial.quality < base.quality - QUALITY_LOSS:
        return f"quality falls from {base.quality:.2f} to {trial.quality:.2f}"
    return ""


def _runs(trial: Trial) -> tuple[int, int]:
    """How many runs can be used, and how many failed."""
    return sum(bias.used for bias in trial.biases), sum(bias.failed for bias in trial.biases)


def _mean_of_known(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _mean_of_all(values: Iterable[float | None]) -> float | None:
    every = list(values)
    return None if None in every else _mean_of_known(every)


def _ratio(own: float | None, base: float | None) -> float | None:
    return own / base if own is not None and base else None


def _chosen(rows: Sequence[Remedy]) -> Remedy | None:
    helping = [row for row in rows[1:] if row.helps and not row.unusable and row.left is not None]
    enough = [row for row in helping if row.left is not None and row.left <= 1 - ENOUGH + 1e-9]
    if enough:
        return min(enough, key=lambda row: (row.trial.requests, row.trial.cost_usd or 0.0, row.left or 0.0))
    return min(helping, key=lambda row: row.left or 0.0, default=None)


def _sentence(rows: Sequence[Remedy], found: Finding, chosen: Remedy | None) -> str:
    base = rows[0]
    queries = len(base.trial.biases)
    if found not in BIASED:
        over = f" over the {queries} queries" if queries > 1 else ""
        why: dict[Finding, str] = {
            "no effect": "There is no position bias to remove: the order of the input changed nothing.",
            "none found": f"No position bias was found{over}, so there is nothing to remove.",
            "all tied": "The strategy as it is ties all documents: there is no bias to compare.",
            "failed": "Every run of the strategy as it is failed: there is nothing to compare with.",
            "repairs": "The strategy as it is gives too many broken replies to tell its bias: there is nothing to "
            "compare with.",
        }
        return why.get(found, "The runs of the strategy as it is cannot tell its bias: take more shuffles.")
    mean = f" on average over {queries} queries" if queries > 1 else ""
    size = "" if base.size is None else f" ({places(base.size)}{mean})"
    if chosen is not None:
        drawn = chosen.trial.drawn
        what = f"{chosen.trial.name} removes {_share(chosen)}{size}"
        also = " The model's preference for places still acts within its shuffles." if drawn else ""
        return f"{what} for {_price(chosen)}{_quality(chosen, base)}.{also}"
    if len(rows) == 1:
        return f"No remedy was tried against the bias{size}."
    promising = [row for row in rows[1:] if row.removed is not None and row.removed.value > 0 and not row.unusable]
    if promising:
        best = max(promising, key=lambda row: row.removed.value if row.removed else 0.0)
        more = "queries" if queries > 1 else "shuffles"
        return (
            f"None of the remedies is shown to help: {best.trial.name} leaves {places(best.size or 0.0)} of bias "
            f"against {places(base.size or 0.0)}, a difference within chance. More {more} would tell."
        )
    out = [f"{row.trial.name}: {row.unusable}" for row in rows[1:] if row.unusable and row.helps]
    reason = f" {'; '.join(out)}." if out else ""
    return f"None of the remedies reduces the bias{size}.{reason}" if not out else f"None can be recommended.{reason}"


def _share(row: Remedy) -> str:
    removed = 1 - (row.left or 0.0)
    if row.trial.drawn:
        of = "dependence on the order of the input"
        return f"all {of}" if removed == 1 else f"{percent(removed)} of the {of}"
    return f"{'all' if removed == 1 else percent(removed)} of the bias"


def _price(row: Remedy) -> str:
    if row.times_cost is not None:
        times, what = row.times_cost, "the cost"
    elif row.times_requests is not None:
        times, what = row.times_requests, "the requests"
    else:
        return "no more requests"
    if abs(times - 1) < 0.05:
        return f"the same {what.removeprefix('the ')}"
    return f"{decimal(times)} times {what}"


def _quality(row: Remedy, base: Remedy) -> str:
    own, first = row.trial.quality, base.trial.quality
    return "" if own is None or first is None else f"; quality {first:.2f} before, {own:.2f} with it"
