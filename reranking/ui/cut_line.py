"""The top-k cut as rules of style: the columns themselves stay as they are when another cut is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from reranking.ranking import Ranking
from reranking.ui import filters
from reranking.views.compared import Compared


def by_rank(found: Compared, k: int, shown: Sequence[int], top: int) -> str:
    """A line in each column above its first cell below the top `k`, of the documents `shown` among its first `top`."""
    wanted = set(shown)
    rules = []
    for at, ranking in enumerate(found.rankings):
        below = next((item for item in ranking.items[k:top] if item.index in wanted), None)
        if below is not None and ranking.outcome != "failed":
            cell = f".rl-by-rank td:nth-child({at + 1})[data-doc='{below.index}']"
            rules.append(
                f"{cell} {{ border-top: 2px solid currentColor !important; }}"
                f"{cell}::before {{ content: '{words(ranking, k)}'; }}"
            )
    return _style(rules)


def by_document(found: Compared, k: int, shown: Sequence[int]) -> str:
    """Ranks and bars stand out where a document of `shown` is in the top `k`; in the others' cells they are pale."""
    inside = [
        f".rl-by-document tr[data-doc='{index}'] > td:nth-child({at + 2})"
        for at, held in enumerate(filters.held(found))
        for index in shown
        if index in held and held[index].first <= k
    ]
    return _style([f"{', '.join(inside)} {{ --rl-pale: 1; --rl-pale-bar: 1; --rl-weight: 700; }}"] if inside else [])


def words(ranking: Ranking, k: int) -> str:
    """Where the top ends, and whether a tie goes across; `ranking` has more than `k` documents."""
    above, below = ranking.items[k - 1], ranking.items[k]
    return f"top {k} ends, in a tie" if above.tie == below.tie else f"top {k} ends"


def _style(rules: Sequence[str]) -> str:
    return f"<style>{''.join(rules)}</style>"
