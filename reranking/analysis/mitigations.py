"""What helps against position bias: remedies under the same design beside each other, and the one to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reranking.analysis.bias import Bias
from reranking.analysis.bias_model import LEVEL, Estimate
from reranking.analysis.verdict import Verdict, broken, decimal, percent, places, verdict

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
    `seconds` on the clock.
    """

    name: str
    bias: Bias
    requests: int
    cost_usd: float | None
    seconds: float
    quality: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Remedy:
    """A trial as a row. `size` is the bias in places, `left` (0 to 1 and more) its share of the first row's.

    `removed` is how many places of bias less there are than in the first row, with its interval.
    `helps` says that this interval is above 0. `unusable` says why it cannot be recommended
    whatever its bias, empty otherwise. `times_requests`, `times_cost` and `times_seconds` are
    multiples of the first row's, None where unknown or without meaning.
    """

    trial: Trial
    verdict: Verdict
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

    `measure` is the kind of bias that is compared: the larger one of the first row.
    """

    measure: Measure
    rows: tuple[Remedy, ...]
    recommended: Remedy | None
    sentence: str


def compare(trials: Sequence[Trial], level: float = LEVEL) -> Mitigations:
    """Compare remedies with the first trial, which is the strategy as it is.

    Recommended is, of the rows that are shown to help, the one with the fewest requests (then the
    least cost) among those that remove 80 % of the bias or more, else the one that removes most.
    The difference of two trials is judged as if they were independent, which is on the safe
    side: trials of the same design share their shuffles. Raises ValueError without trials.
    """
    if not trials:
        raise ValueError("there is nothing to compare")
    base = trials[0]
    found = verdict(base.bias)
    measure: Measure = "middle" if found.finding in {"middle-loss", "middle-gain"} else "last to first"
    rows = tuple(_row(trial, base, measure, level) for trial in trials)
    chosen = _chosen(rows) if found.biased else None
    return Mitigations(measure, rows, chosen, _sentence(rows, found, chosen))


def _row(trial: Trial, base: Trial, measure: Measure, level: float) -> Remedy:
    own, first = _effect(trial.bias, measure), _effect(base.bias, measure)
    removed = None if trial is base or own is None or first is None else _removed(own, first, trial, base, level)
    stable = trial.bias.shuffled
    return Remedy(
        trial=trial,
        verdict=verdict(trial.bias),
        size=None if own is None else abs(own.value),
        left=None if own is None or first is None or not first.value else abs(own.value) / abs(first.value),
        removed=removed,
        helps=removed is not None and removed.low is not None and removed.low > 0,
        unusable=_unusable(trial, base),
        w=None if stable is None else stable.w,
        flips=None if stable is None else stable.flips,
        times_requests=_ratio(trial.requests, base.requests),
        times_cost=_ratio(trial.cost_usd, base.cost_usd),
        times_seconds=_ratio(trial.seconds, base.seconds),
    )


def _effect(bias: Bias, measure: Measure) -> Estimate | None:
    return bias.model.middle if measure == "middle" else bias.model.last_to_first


def _removed(own: Estimate, first: Estimate, trial: Trial, base: Trial, level: float) -> Estimate:
    """How much smaller the bias is. A bias the other way is bias too."""
    value = abs(first.value) - abs(own.value)
    if own.error is None or first.error is None:
        return Estimate(value)
    from scipy.special import stdtrit  # most of scipy takes long to import

    error = (own.error**2 + first.error**2) ** 0.5
    groups = min(trial.bias.model.groups, base.bias.model.groups)
    half = float(stdtrit(groups - 1, 0.5 + level / 2)) * error
    return Estimate(value, value - half, value + half, error)


def _unusable(trial: Trial, base: Trial) -> str:
    bias = trial.bias
    if not bias.used:
        return "every run failed"
    if _failing(bias) > max(MOST_FAILED, _failing(base.bias)):
        return f"{bias.failed} of {bias.failed + bias.used} runs failed"
    if broken(bias):
        return f"{percent(bias.repaired or 0.0)} of the places come from mending broken replies"
    if bias.shuffled is not None and bias.shuffled.tied_pairs == 1:
        return "it ties all documents"
    if trial.quality is not None and base.quality is not None and trial.quality < base.quality - QUALITY_LOSS:
        return f"quality falls from {base.quality:.2f} to {trial.quality:.2f}"
    return ""


def _failing(bias: Bias) -> float:
    return bias.failed / (bias.failed + bias.used)


def _ratio(own: float | None, base: float | None) -> float | None:
    return own / base if own is not None and base else None


def _chosen(rows: Sequence[Remedy]) -> Remedy | None:
    helping = [row for row in rows[1:] if row.helps and not row.unusable and row.left is not None]
    enough = [row for row in helping if row.left is not None and row.left <= 1 - ENOUGH + 1e-9]
    if enough:
        return min(enough, key=lambda row: (row.trial.requests, row.trial.cost_usd or 0.0, row.left or 0.0))
    return min(helping, key=lambda row: row.left or 0.0, default=None)


def _sentence(rows: Sequence[Remedy], found: Verdict, chosen: Remedy | None) -> str:
    base = rows[0]
    if not found.biased:
        why = {
            "no effect": "There is no position bias to remove: the order of the input changed nothing.",
            "none found": "No position bias was found, so there is nothing to remove.",
            "all tied": "The strategy as it is ties all documents: there is no bias to compare.",
            "failed": "Every run of the strategy as it is failed: there is nothing to compare with.",
            "repairs": "The strategy as it is gives too many broken replies to tell its bias: there is nothing to "
            "compare with.",
        }
        return why.get(found.finding, "The runs of the strategy as it is cannot tell its bias: take more shuffles.")
    size = "" if base.size is None else f" ({places(base.size)})"
    if chosen is not None:
        what = f"{chosen.trial.name} removes {_share(chosen)} of the bias{size}"
        return f"{what} for {_price(chosen)}{_quality(chosen, base)}."
    if len(rows) == 1:
        return f"No remedy was tried against the bias{size}."
    promising = [row for row in rows[1:] if row.removed is not None and row.removed.value > 0 and not row.unusable]
    if promising:
        best = max(promising, key=lambda row: row.removed.value if row.removed else 0.0)
        return (
            f"None of the remedies is shown to help: {best.trial.name} leaves {places(best.size or 0.0)} of bias "
            f"against {places(base.size or 0.0)}, a difference within chance. More shuffles would tell."
        )
    out = [f"{row.trial.name}: {row.unusable}" for row in rows[1:] if row.unusable and row.helps]
    reason = f" {'; '.join(out)}." if out else ""
    return f"None of the remedies reduces the bias{size}.{reason}" if not out else f"None can be recommended.{reason}"


def _share(row: Remedy) -> str:
    removed = 1 - (row.left or 0.0)
    return "all" if removed == 1 else percent(removed)


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
