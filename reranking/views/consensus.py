"""What belongs beside the chart of the consensus, and the chart in words."""

from __future__ import annotations

from reranking.analysis.standings import Standings
from reranking.charts.consensus import SHOWN
from reranking.views.compared import Compared

SECONDS = 5.0
"""After this time the best order found so far is shown."""


def about(found: Standings) -> str:
    """How the order came about, how far it is agreed with, and how the chart is read."""
    share = 1 - found.disagreements / found.pairs if found.pairs else 1.0
    how = (
        "No other order agrees with them in more pairs (Kemeny)"
        if found.exact
        else f"Approximate: the best order found in {SECONDS:g} seconds; another could win at most "
        f"{found.disagreements - found.lower_bound:,.0f} of {found.pairs:,} pairs more (Kemeny)"
    )
    return (
        f"One order for all {found.rankings} strategies: they agree with {_percent(share)} of its pairs. {how}. "
        "Dot: place in it. Thick: the middle half of the strategies' ranks. Thin: from best to worst."
    )


def _percent(share: float) -> str:
    """Rounded down, so that 100 % means all."""
    return f"{int(share * 100 + 1e-9)} %"


def aloud(found: Compared, result: Standings) -> str:
    """The chart in words."""
    said = [
        f"{row.place:g} {found.titles[row.index]}, ranks {row.best:g} to {row.worst:g}" for row in result.rows[:SHOWN]
    ]
    return f"Consensus order: {'; '.join(said)}"
