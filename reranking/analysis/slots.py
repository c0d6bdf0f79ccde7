"""Position bias within the prompt: for strategies that show windows or sets, by slot instead of place in the list.

What stands in which slot is not left to chance there: a window's upper slots hold what the one
before put on top. So each slot's effect is estimated beside one for each document.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reranking.analysis.bias_model import LEVEL, Estimate, estimate
from reranking.analysis.slot_answers import SlotAnswer

Array = NDArray[np.float64]

_SLIGHT = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class SlotBias:
    """What the prompts with `size` passages say of their slots; slots count from 0.

    `effects[slot]` is the chance that a passage in this slot beats one that is equally good in
    the average slot, minus the chance that it loses: -1 to 1, sum 0. `low` and `high` are its
    interval, None with fewer than 2 runs. `first_to_last` is the trend over the prompt: the
    advantage of the first slot over the last on a straight line through the effects; positive
    means that passages shown early are favoured. What the prompts cannot tell is None.

    `best_share[slot]` is the share of prompts with an answer that name this slot best, and
    `mean_place[slot]` its mean place from 1 in the replies that order all slots (None without
    such): as they are, without regard to which documents stood there.
    """

    size: int
    prompts: int
    unanswered: int
    runs: int
    effects: Array | None
    low: Array | None
    high: Array | None
    first_to_last: Estimate | None
    best_share: Array
    mean_place: Array | None


def slot_bias(answers: Iterable[SlotAnswer], *, level: float = LEVEL) -> tuple[SlotBias, ...]:
    """One result for each size of prompt, that of the most prompts first.

    Model: of two slots of a prompt, +1 or -1 for which is placed better = effect of the slots +
    effect of the documents in them, by least squares; a slot that is named beats those that are
    not. Intervals: jackknife over runs with t(runs - 1).
    """
    by_size: dict[int, list[SlotAnswer]] = defaultdict(list)
    for answer in answers:
        if len(answer.shown) > 1:
            by_size[len(answer.shown)].append(answer)
    found = [_of_one_size(size, members, level) for size, members in by_size.items()]
    return tuple(sorted(found, key=lambda result: (-result.prompts, -result.size)))


def _of_one_size(size: int, answers: Sequence[SlotAnswer], level: float) -> SlotBias:
    heard = [answer for answer in answers if answer.order]
    best = np.bincount([answer.order[0] for answer in heard], minlength=size) / max(1, len(heard))
    full = [np.argsort(answer.order) + 1 for answer in heard if len(answer.order) == size]
    runs = len({answer.run for answer in heard})
    effects, errors, trend, trend_error = _effects(size, heard) if heard else (None, None, None, None)
    spread = (
        None
        if effects is None or errors is None
        else [estimate(float(value), float(error), runs, level) for value, error in zip(effects, errors, strict=True)]
    )
    return SlotBias(
        size=size,
        prompts=len(answers),
        unanswered=len(answers) - len(heard),
        runs=runs,
        effects=effects,
        low=None if spread is None else np.array([item.low for item in spread], float),
        high=None if spread is None else np.array([item.high for item in spread], float),
        first_to_last=None if trend is None else estimate(trend, trend_error, runs, level),
        best_share=best,
        mean_place=np.mean(full, axis=0) if full else None,
    )


def _effects(size: int, answers: Sequence[SlotAnswer]) -> tuple[Array | None, Array | None, float | None, float | None]:
    """Effects by slot, their standard errors, the trend and its own; None for what cannot be told."""
    systems, rights = _equations(size, answers)
    system = systems.sum(axis=0)
    values, vectors = np.linalg.eigh(system)
    kept = vectors[:, values > _SLIGHT * values.max()] if values.max() > 0 else vectors[:, :0]
    slots = np.eye(len(system))[-size:] - np.concatenate([np.zeros(len(system) - size), np.full(size, 1 / size)])
    line = (np.arange(size) - (size - 1) / 2) @ slots
    line *= -(size - 1) / ((np.arange(size) - (size - 1) / 2) ** 2).sum()
    rows = np.vstack([slots, line])
    told = np.isclose(rows @ kept @ kept.T, rows, atol=1e-6).all(axis=1)
    found = rows @ (kept / values[values > _SLIGHT * values.max()]) @ kept.T @ rights.sum(axis=0)
    found[np.abs(found) < _SLIGHT] = 0.0
    errors: Array | None = None
    if len(systems) > 1:
        # What a run alone tells is held at 0 without it.
        left = system - systems + _SLIGHT * values.max() * np.eye(len(system))
        drawn = np.linalg.solve(left, (rights.sum(axis=0) - rights)[:, :, None])[:, :, 0] @ rows.T
        errors = np.sqrt((len(drawn) - 1) * drawn.var(axis=0))
        errors[errors < 1e-6] = 0.0
    return (
        found[:-1] if told[:-1].all() else None,
        None if errors is None else errors[:-1],
        float(found[-1]) if told[-1] else None,
        None if errors is None else float(errors[-1]),
    )


def _equations(size: int, answers: Sequence[SlotAnswer]) -> tuple[Array, Array]:
    """Normal equations of each run: (runs, unknowns, unknowns) and (runs, unknowns).

    The unknowns are the documents in ascending order, then the slots.
    """
    documents, columns = np.unique([answer.shown for answer in answers], return_inverse=True)
    columns = columns.reshape(len(answers), size)
    numbers, rows = np.unique([answer.run for answer in answers], return_inverse=True)
    ranks = np.full((len(answers), size), size)
    for at, answer in enumerate(answers):
        ranks[at, list(answer.order)] = range(len(answer.order))
    wins = np.sign(ranks[:, None, :] - ranks[:, :, None])  # wins[prompt, slot, other]
    met = -(wins**2).astype(float)
    met[:, range(size), range(size)] = -met.sum(axis=2)
    won = wins.sum(axis=2).astype(float)
    unknowns = np.concatenate([columns, np.broadcast_to(len(documents) + np.arange(size), columns.shape)], axis=1)
    count = len(documents) + size
    systems, rights = np.zeros((len(numbers), count, count)), np.zeros((len(numbers), count))
    np.add.at(systems, (rows[:, None, None], unknowns[:, :, None], unknowns[:, None, :]), np.tile(met, (1, 2, 2)))
    np.add.at(rights, (rows[:, None], unknowns), np.tile(won, (1, 2)))
    return systems, rights
