"""How clearly a ranking's scores separate the first k documents from the rest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reranking.ranking import Ranking

SMALL = 0.5
"""A gap below this many average steps is small: the order there would change with a little noise."""

Verdict = Literal["tied", "small", "middling", "clear"]


@dataclass(frozen=True, slots=True)
class Margin:
    """The scores around the cut: of rank k and of rank k + 1.

    `spread` is the highest less the lowest score of the list. `step` is the mean gap between
    neighbours: the spread by one less than the number of scored documents. `tied` counts the
    documents of the tie group that lies across the cut, `inside` those of them that the list
    puts into the first k; both are 0 if none does.
    """

    k: int
    above: float
    below: float
    spread: float
    step: float
    tied: int
    inside: int

    @property
    def gap(self) -> float:
        """The score of rank k less that of rank k + 1."""
        return self.above - self.below

    @property
    def share(self) -> float:
        """The gap as a share of the spread; 0 where all scores are equal."""
        return self.gap / self.spread if self.spread else 0.0

    @property
    def verdict(self) -> Verdict:
        """Tied; below half an average step; below one and a half; or more."""
        if self.tied:
            return "tied"
        steps = self.gap / self.step
        return "small" if steps < SMALL else "middling" if steps < 1 + SMALL else "clear"


def margin(ranking: Ranking, k: int) -> Margin | None:
    """The margin between rank `k` and the next.

    None without scores on both sides of the cut: a failed ranking, an order without scores, a
    list that is not longer, documents left unscored there. Raises ValueError if `k` is below 1.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    if ranking.outcome == "failed" or k >= len(ranking):
        return None
    above, below = ranking.items[k - 1], ranking.items[k]
    if above.score is None or below.score is None:
        return None
    scores = [item.score for item in ranking if item.score is not None]
    spread = max(scores) - min(scores)
    group = [item for item in ranking if item.tie == above.tie] if above.tie == below.tie else []
    inside = sum(item.rank is not None and item.rank <= k for item in group)
    return Margin(k, above.score, below.score, spread, spread / (len(scores) - 1), len(group), inside)
