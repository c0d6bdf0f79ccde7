"""How the scores of each strategy lie, and how clearly they separate the top k from the rest."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import Any

from reranking.analysis.margins import Margin, margin
from reranking.charts.distributions import Scored, score_strips
from reranking.ranking import Ranking
from reranking.views.compared import Compared


def about(k: int) -> str:
    """How the strips are read."""
    return (
        f"A dot per document, filled in the top {k}; the line is the cut, if it leaves any out. Each strip has its own "
        "scale: scores of different strategies do not compare. A small gap at the cut: the order there is little more "
        "than chance."
    )


def aloud(k: int) -> str:
    """What the strips show."""
    return f"Scores of each strategy and the cut after rank {k}"


@lru_cache(maxsize=8)
def figure(found: Compared, k: int, dark: bool) -> Any:
    """A strip of dots per strategy."""
    rows = [
        Scored(name, at, ranking)
        for at, (name, ranking) in enumerate(zip(found.names, found.rankings, strict=True))
        if ranking.outcome != "failed"
    ]
    return score_strips(rows, found.titles, k, dark)


@lru_cache(maxsize=16)
def margins(found: Compared, k: int) -> str:
    """A row per strategy: what its scores are, the gap at the cut, and what that means."""
    heads = f"<th>strategy</th><th>score</th><th class='rl-num'>gap at {k} | {k + 1}</th><th>which means</th>"
    rows = []
    for name, ranking in zip(found.names, found.rankings, strict=True):
        at_cut = margin(ranking, k)
        gap = "–" if at_cut is None else f"{at_cut.gap:.3g}"
        words = escape(_without(ranking, k) if at_cut is None else in_words(at_cut))
        rows.append(
            f"<tr><td>{escape(name)}</td><td>{escape(ranking.score_kind)}</td><td class='rl-num'>{gap}</td>"
            f"<td>{words}</td></tr>"
        )
    return (
        "<div class='rl-scroll' tabindex='0' role='region' aria-label='Gaps at the cut'>"
        f"<table class='rl-table rl-margins'><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def in_words(found: Margin) -> str:
    """What a gap at the cut means."""
    k, share = found.k, f"{_percent(found.share)} of the spread of its scores"
    if found.verdict == "tied":
        return (
            f"Tied: {found.tied} documents share the score at the cut; {found.inside} of them "
            f"stand{'s' if found.inside == 1 else ''} above it only by input order."
        )
    if found.verdict == "small":
        return (
            f"Small: {share}, less than half an average step. The order of {k} and {k + 1} is little more than chance."
        )
    if found.verdict == "middling":
        return f"Middling: {share}, about an average step."
    return f"Clear: {share}, over one and a half average steps."


def _without(ranking: Ranking, k: int) -> str:
    """Why there is no margin."""
    if ranking.outcome == "failed":
        return "It failed."
    if all(item.score is None for item in ranking):
        return "It gives an order, no scores."
    if k >= len(ranking):
        return f"The cut takes {'the only document' if len(ranking) == 1 else f'all {len(ranking)} documents'}."
    return "Documents at the cut have no score."


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %") if share >= 0.095 else f"{100 * share:.2g} %"
