"""Why strategies gave no ranking, in the words of their own notes."""

from __future__ import annotations

from collections.abc import Sequence

from reranking.ranking import Ranking
from reranking.wording import listed, one_line

SHOWN = 160
"""Characters of a reason."""

_BESIDE = frozenset(
    {
        "example-truncated",
        "fallback-tokens",
        "no-logprobs",
        "own-example",
        "quote-from-title",
        "shortened",
        "small-pool",
        "truncated",
        "truncated-query",
    }
)
"""Codes of notes that tell what was shown or how, never why nothing came of it."""


def why_failed(ranking: Ranking, most: int = SHOWN) -> str:
    """The note of a failed ranking that concerns most documents, cut after `most` characters.

    Empty if it has none, or did not fail.
    """
    if ranking.outcome != "failed":
        return ""
    telling = [note for note in ranking.diagnostics if note.code not in _BESIDE]
    if not telling:
        return ""
    return one_line(max(telling, key=lambda note: len(note.indexes)).message, most)


def told(rankings: Sequence[Ranking], names: Sequence[str]) -> list[str]:
    """A sentence for each reason why strategies failed, with the names of those that did so for it."""
    reasons: dict[str, list[str]] = {}
    for ranking, name in zip(rankings, names, strict=True):
        if ranking.outcome == "failed":
            reasons.setdefault(why_failed(ranking), []).append(name)
    some = any(ranking.outcome != "failed" for ranking in rankings)
    return [
        f"{listed(failed)} failed{_left_out(len(failed)) if some else ''}{_because(reason)}"
        for reason, failed in reasons.items()
    ]


def _left_out(count: int) -> str:
    return f" and {'is' if count == 1 else 'are'} left out"


def _because(reason: str) -> str:
    if not reason:
        return "."
    return f": {reason}" if reason.endswith((".", "!", "?", "…")) else f": {reason}."
