"""Every two documents compared once, in a direction drawn by lot, and the strengths that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import override

from reranking.documents import Candidates
from reranking.ranking import Diagnostic, by_score
from reranking.strategies.base import Guarantee, Lots, Remedy, Steps, aside
from reranking.strategies.comparing import Comparing, Comparisons
from reranking.strategies.llm import ShowsSeveral
from reranking.strategies.lots import Directions
from reranking.strategies.verdicts import Mode, Pair

Table = NDArray[np.float64]


class PairwiseRandom(Comparing):
    """Compare every two documents once, in one order drawn by lot; the score is a Bradley-Terry strength.

    Requests: n (n - 1) / 2, all at once. The lots belong to the documents,
    not to their places in the input: a preference of the model for one side becomes noise around
    zero that no order of the input changes. Scores: log-strengths, 0 on average; with `mode` log-odds each answer's
    probability counts as a share of the win. Ties: equal strengths. A lost answer is a
    comparison that was not made; a document of which no comparison came back has no score.
    Source: Figueiredo Paschmann et al. 2026, https://arxiv.org/abs/2605.14236
    """

    title: ClassVar[str] = "Pairwise, random direction"
    requests: ClassVar[str] = "n (n - 1) / 2"
    promises: ClassVar[Guarantee] = "exact order"
    source: ClassVar[str] = "Figueiredo Paschmann et al. 2026, https://arxiv.org/abs/2605.14236"

    remedies: ClassVar[tuple[Remedy, ...]] = (
        *ShowsSeveral.remedies,
        Remedy("Probability mode", {"mode": "log-odds"}),
    )

    kind: Literal["pairwise-random"] = "pairwise-random"
    mode: Mode = Field(
        "agreement",
        title="What an answer counts",
        description="The answer takes the whole win; or, by its log-odds, a share of it",
    )
    alpha: float = Field(
        0.01,
        ge=0.01,
        le=100,
        title="Pull towards equal strength (alpha)",
        description="How strongly all documents are drawn to equal strength",
    )
    seed: int = Field(1, ge=0, description="Seed of the lots that decide which document is shown first")

    @override
    def lots(self) -> Lots:
        return "whole"

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        asked = Comparisons(self, query, candidates, both_orders=False)
        every: list[Pair] = list(combinations(range(len(candidates)), 2))
        pairs = Directions(self.seed, candidates).drawn(every)
        verdicts = yield from asked.ask(pairs)
        wins = np.zeros((len(candidates),) * 2)
        for (first, second), verdict in verdicts.items():
            if verdict.log_odds is not None:
                wins[first, second] = verdict.share(self.mode)
                wins[second, first] = 1 - wins[first, second]
        groups, scores = 1, [0.0] * len(candidates)  # what one document alone has
        if pairs:
            groups, scores = yield aside(strengths, wins, self.alpha)
        notes = [self._concerning(note, candidates, scores) for note in asked.notes()]
        if groups > 1:
            message = f"The answers that came leave {groups} groups of documents without a comparison between them."
            notes.append(Diagnostic("not-connected", message))
        kind = "log-strength (Bradley-Terry)"
        return asked.finished(by_score(candidates, scores, kind, diagnostics=notes, details=asked.details()))

    def _concerning(self, note: Diagnostic, candidates: Candidates, scores: Sequence[float | None]) -> Diagnostic:
        """The note about lost answers names those documents alone that have no score for it."""
        if note.code in {"truncated", "shortened"}:
            return note
        without = {item.index for item, score in zip(candidates, scores, strict=True) if score is None}
        return replace(note, indexes=tuple(index for index in note.indexes if index in without))


def strengths(wins: Table, alpha: float) -> tuple[int, list[float | None]]:
    """Bradley-Terry log-strengths from `wins[i, j]`, the wins of i over j, which may be fractions.

    They maximise the log-likelihood of the wins plus alpha n sum(strength - exp(strength)), n
    being the number of documents that were compared, and are then shifted to an average of 0.
    Equal up to the error of the fit means equal. Returns how many groups without a comparison
    between them there are, and each document's log-strength: None if it was never compared.
    """
    import choix
    from scipy.sparse.csgraph import connected_components

    compared = wins + wins.T > 0
    known = np.flatnonzero(compared.any(axis=0))
    found: list[float | None] = [None] * len(wins)
    if not known.size:
        return 0, found
    groups, _ = connected_components(compared[np.ix_(known, known)], directed=False)
    fitted = choix.ilsr_pairwise_dense(wins[np.ix_(known, known)], alpha=alpha, max_iter=10_000, tol=FIT_ERROR / 1000)
    for place, strength in zip(known.tolist(), _evened(fitted), strict=True):
        found[place] = strength
    return int(groups), found


FIT_ERROR = 1e-6
"""Log-strengths closer than this are the same; the fit ends well below it."""


def _evened(values: Any) -> list[float]:
    """`values` with those that lie within the fit's error of each other made equal."""
    order = np.argsort(values, kind="stable")
    ends = np.flatnonzero(np.diff(values[order]) > FIT_ERROR) + 1
    even = np.array(values, float)
    for group in np.split(order, ends):
        even[group] = values[group].mean()
    return [float(value) for value in even]
