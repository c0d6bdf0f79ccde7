"""Position bias of answers to pairs: does the model prefer a side of the prompt? After Shi et al. 2024."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reranking.analysis.slot_answers import SlotAnswer

Cell = Literal["won", "lost", "first side", "second side", "even", "unknown"]
"""What the answers to a pair say of the row's document: it won or lost in both orders; the side
of the prompt decided; the answers to one order are evenly split; or an order got no answer."""

Side = Literal["first", "second"]

NEARLY_ALWAYS = 0.8
"""A side that wins this share of the pairs, whatever stands there, decides them."""


@dataclass(frozen=True, slots=True)
class PairwiseBias:
    """What the answers to pairs of documents say when both orders were asked.

    Every pair counts once: in each of its orders it has the answer that most runs gave.

    `pairs` counts the pairs with an answer to both orders: in `consistent` of them these name
    the same document, in `first` the first side both times, in `second` the second side, and in
    `even` an order has evenly split answers. `unanswered` pairs lack an order. `consistency` is consistent / pairs,
    `preference` (second - first) / pairs, from -1 to 1: negative is primacy, positive recency,
    within the prompt. `p` is that of the exact binomial test of first against second, 1 if there
    are none of either. `cyclic` of the `triads` whose three pairs are consistent go in a circle.
    All are None where there is nothing to count.

    `named_first` is the share of all answers, of every run, that name the first side.
    `cancels` says that each run asked every pair of its own in both orders: a side that is preferred then
    makes pairs contradict themselves, and does not show in the ranking as a preference for early or late documents.

    `documents` names rows and columns of `matrix`, which holds what is said of the row's
    document against the column's; None on the diagonal.
    """

    pairs: int
    consistent: int
    first: int
    second: int
    even: int
    unanswered: int
    consistency: float | None
    preference: float | None
    p: float | None
    triads: int
    cyclic: int
    named_first: float | None
    cancels: bool
    documents: tuple[int, ...]
    matrix: tuple[tuple[Cell | None, ...], ...]

    @property
    def possible(self) -> int:
        """How many pairs these documents make, asked or not."""
        return len(self.documents) * (len(self.documents) - 1) // 2

    @property
    def side(self) -> Side | None:
        """The side that wins nearly all pairs whatever stands there; None if there is none."""
        if max(self.first, self.second) < max(NEARLY_ALWAYS * self.pairs, 1):
            return None
        return "first" if self.first > self.second else "second"

    @property
    def one_sided(self) -> int:
        """How many pairs are decided by the side that decides more of them."""
        return max(self.first, self.second)


def pairwise_bias(answers: Iterable[SlotAnswer]) -> PairwiseBias:
    """What the answers to prompts with two passages say; others are passed over.

    Source: Shi et al. 2024, https://arxiv.org/abs/2406.07791
    """
    tally: dict[tuple[int, int], int] = defaultdict(int)  # by shown pair: answers for its first less its second
    asked: set[tuple[int, int]] = set()
    asked_in: set[tuple[int, tuple[int, int]]] = set()
    answered: set[tuple[int, int]] = set()
    named: list[int] = []
    for answer in answers:
        if len(answer.shown) != 2:
            continue
        pair = (answer.shown[0], answer.shown[1])
        asked.add(pair)
        asked_in.add((answer.run, pair))
        if answer.best is not None:
            answered.add(pair)
            named.append(answer.best)
            tally[pair] += 1 if answer.best == 0 else -1
    documents = tuple(sorted({document for pair in asked for document in pair}))
    row = {document: at for at, document in enumerate(documents)}
    matrix: list[list[Cell | None]] = [[None] * len(documents) for _ in documents]
    counts: dict[str, int] = defaultdict(int)
    beats = np.zeros((len(documents), len(documents)))
    for one, two in sorted({(min(pair), max(pair)) for pair in asked}):
        cell = _cell(tally, answered, one, two)
        counts["consistent" if cell in {"won", "lost"} else cell] += 1
        matrix[row[one]][row[two]] = cell
        matrix[row[two]][row[one]] = _seen_from_the_other[cell]
        if cell in {"won", "lost"}:
            winner, loser = (one, two) if cell == "won" else (two, one)
            beats[row[winner], row[loser]] = 1
    pairs = counts["consistent"] + counts["first side"] + counts["second side"] + counts["even"]
    decided = beats + beats.T
    return PairwiseBias(
        pairs=pairs,
        consistent=counts["consistent"],
        first=counts["first side"],
        second=counts["second side"],
        even=counts["even"],
        unanswered=counts["unknown"],
        consistency=counts["consistent"] / pairs if pairs else None,
        preference=(counts["second side"] - counts["first side"]) / pairs if pairs else None,
        p=_binomial(counts["first side"], counts["second side"]) if pairs else None,
        triads=round(np.trace(decided @ decided @ decided)) // 6,
        cyclic=round(np.trace(beats @ beats @ beats)) // 3,
        named_first=named.count(0) / len(named) if named else None,
        cancels=bool(asked_in) and all((run, (two, one)) in asked_in for run, (one, two) in asked_in),
        documents=documents,
        matrix=tuple(map(tuple, matrix)),
    )


_seen_from_the_other: dict[Cell, Cell] = {
    "won": "lost",
    "lost": "won",
    "first side": "first side",
    "second side": "second side",
    "even": "even",
    "unknown": "unknown",
}


def _cell(tally: dict[tuple[int, int], int], answered: set[tuple[int, int]], one: int, two: int) -> Cell:
    """What is said of `one`."""
    if (one, two) not in answered or (two, one) not in answered:
        return "unknown"
    shown_first, shown_second = tally[one, two], -tally[two, one]  # positive: for `one`
    if shown_first > 0 and shown_second > 0:
        return "won"
    if shown_first < 0 and shown_second < 0:
        return "lost"
    if shown_first > 0 > shown_second:
        return "first side"
    if shown_first < 0 < shown_second:
        return "second side"
    return "even"


def _binomial(first: int, second: int) -> float:
    """Two-sided exact p of a fair coin."""
    if first + second == 0:
        return 1.0
    from scipy.stats import binomtest  # takes most of a second to import

    return float(binomtest(first, first + second).pvalue)
