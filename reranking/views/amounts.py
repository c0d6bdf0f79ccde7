"""What rankings took, in words: dollars, seconds, requests."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

from reranking.ranking import Ranking, Usage


def money(dollars: float) -> str:
    """Dollars with as many decimals as the amount needs: an amount that is not 0 never looks like it."""
    digits = 2 if dollars >= 1 else 4 if dollars == 0 else max(4, 1 - floor(log10(dollars)))
    return f"${dollars:.{digits}f}"


def spent(dollars: float | None) -> str:
    """An amount, or a word for it: `unknown`, `free`."""
    return "unknown" if dollars is None else money(dollars) if dollars else "free"


def cost(ranking: Ranking) -> str:
    """What a ranking's replies cost, in a word where there is no amount."""
    dollars = ranking.usage.cost_usd
    if dollars is None:
        return "cost unknown"
    return money(dollars) if dollars else "nothing spent" if ranking.outcome == "failed" else "free"


def seconds(value: float) -> str:
    """Seconds, shorter ones in milliseconds."""
    return f"{value * 1000:.0f}\N{NO-BREAK SPACE}ms" if value < 1 else f"{value:.1f}\N{NO-BREAK SPACE}s"


def time_taken(usage: Usage) -> str:
    """Seconds on the clock and, where they differ, those that the model took.

    `shared` or `cached` says that nothing was asked: other strategies of the run or earlier runs had asked it.
    """
    clock = seconds(usage.seconds)
    if not usage.requests:
        return clock
    notes = []
    if usage.model_seconds and (usage.cached or usage.model_seconds > usage.seconds):
        notes.append(f"model {seconds(usage.model_seconds)}")
    if usage.cached == usage.requests:
        notes.append("shared" if usage.shared == usage.cached else "cached")
    elif usage.cached:
        notes.append(f"{usage.cached:,} of {usage.requests:,} cached")
    return f"{clock} ({', '.join(notes)})" if notes else clock


def tokens(count: int, usage: Usage) -> str:
    """Tokens, and what stands for them where nobody stated those of some requests: `at least`, or `unknown`."""
    if not usage.uncounted:
        return f"{count:,}"
    return "unknown" if usage.uncounted == usage.requests else f"at least {count:,}"


def took(ranking: Ranking) -> str:
    """Requests, cost and seconds in a few words."""
    usage = ranking.usage
    requests = f"{usage.requests:,} request{'' if usage.requests == 1 else 's'}"
    return f"{requests} · {cost(ranking)} · {time_taken(usage)}"


def saved(rankings: Sequence[Ranking]) -> str:
    """How many requests needed no call of this run, and why, as a sentence; empty if none."""
    requests = sum(ranking.usage.requests for ranking in rankings)
    cached = sum(ranking.usage.cached - ranking.usage.resumed for ranking in rankings)
    shared = sum(ranking.usage.shared for ranking in rankings)
    if not cached:
        return ""
    why = []
    if shared:
        why.append(f"{shared:,} asked already in this run")
    if cached > shared:
        why.append(f"{cached - shared:,} answered in earlier runs")
    return f"Saved {cached:,} of {requests:,} request{'' if requests == 1 else 's'}: {' and '.join(why)}."
