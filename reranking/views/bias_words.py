"""The charts of a bias test in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reranking.analysis.bias import Bias
from reranking.analysis.slots import SlotBias
from reranking.analysis.verdict import decimal

Array = NDArray[np.float64]


def heatmap_aloud(bias: Bias) -> str:
    """Where documents ended, by where they were given."""
    told = "; ".join(f"{at}: {decimal(float(rank))}" for at, rank in enumerate(bias.mean_rank, start=1))
    return f"Mean output rank by input position, {bias.used} shuffles: {told}."


def effects_aloud(bias: Bias) -> str:
    """Places gained at each position, with intervals and the noise floor."""
    model = bias.model
    if model.effects is None:
        return "These runs cannot tell the effect of each place."
    low = None if model.high is None else -model.high
    high = None if model.low is None else -model.low
    band = "" if bias.noise is None or not bias.noise.band else f" Noise alone reaches {decimal(bias.noise.band)}."
    return f"Places gained by input position: {_listed(-model.effects, low, high)}.{band}"


def intervals_aloud(bias: Bias, labels: Sequence[str]) -> str:
    """Lowest, median and highest rank of each document, the best first."""
    if bias.shuffled is None:
        return "There is no ranking to show."
    spread = bias.shuffled.spread
    told = []
    for document in bias.debiased_order or bias.documents:
        at = bias.documents.index(document)
        told.append(f"{labels[document]}: {spread.low[at]:g} to {spread.high[at]:g}, median {spread.median[at]:g}")
    return f"Ranks over the shuffles: {'; '.join(told)}."


def slots_aloud(slots: SlotBias) -> str:
    """The advantage of each slot of a prompt."""
    if slots.effects is None:
        return "These prompts cannot tell the slots apart."
    return f"Advantage by slot: {_listed(slots.effects, slots.low, slots.high)}."


def _listed(values: Array, low: Array | None, high: Array | None) -> str:
    """Numbers from the first place on, each with its interval where there is one."""
    told = []
    for at, value in enumerate(values):
        known = low is not None and high is not None and bool(np.isfinite(low[at]))
        between = f" ({decimal(float(low[at]))} to {decimal(float(high[at]))})" if known else ""  # type: ignore[index]
        told.append(f"{at + 1}: {decimal(float(value))}{between}")
    return "; ".join(told)
