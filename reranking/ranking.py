"""The outcome of one strategy on one list of candidates.

A ranking is a permutation of its candidates with what is known about each place: rank, tie
group, score and explanation. What is not known is None and never a number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from reranking.documents import Candidate, Candidates

Outcome = Literal["complete", "repaired", "partial", "failed"]
OUTCOMES: tuple[Outcome, ...] = ("complete", "repaired", "partial", "failed")

RANK_ONLY = "rank only"


@dataclass(frozen=True, slots=True)
class Quote:
    """A passage that a model says it read; `start` and `end` are None unless it stands in the text."""

    text: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """One additive part of a score, such as a query term's share.

    `detail` is what it matched or how it came about, `note` why it is as small as it is.
    """

    part: str
    value: float
    detail: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer that a model could choose and the probability it gave it, None if it returned none.

    Of choices for which a model has no probabilities, there is only the one that it wrote.
    """

    text: str
    probability: float | None
    written: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a document is where it is, as far as the strategy's own output tells.

    `contributions` sum to the score. `quotes` are checked against the document's text. `choices`
    are the answers that the model was to choose from, where the score comes from their probabilities.
    """

    reason: str | None = None
    quotes: tuple[Quote, ...] = ()
    contributions: tuple[Contribution, ...] = ()
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something that happened on the way: `code` for programs, `message` for people.

    `indexes` are the original positions of the candidates concerned, `raw` the reply as received.
    """

    code: str
    message: str
    indexes: tuple[int, ...] = ()
    raw: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a ranking took. Costs and tokens count every reply that was used, cached ones too.

    Only scores and vectors taken from the cache text by text count no tokens, and their cost
    is unknown unless the call was free.

    `requests` counts the model requests that the strategy made, `cached` those of them that
    were answered without a new call, and `shared` those of them that another request of the same
    comparison had asked for; the others come from earlier ones. `cost_usd` is None if the price of
    any reply is unknown. `seconds` is the time on the clock, `model_seconds` what models took for
    all replies together, cached ones as long as they took when they were sent (None: unknown).
    `turned_away` counts requests that were not sent because of a spending limit. `resumed` counts
    those of `cached` that the same work had sent itself, before it was cut short and resumed.
    `spent_usd` is what of `cost_usd` was paid for calls of its own, those included; None: unknown.
    `uncounted` counts those of `requests` whose tokens nobody stated, so that the tokens are of the others.
    """

    requests: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    seconds: float = 0.0
    shared: int = 0
    model_seconds: float | None = 0.0
    turned_away: int = 0
    resumed: int = 0
    spent_usd: float | None = 0.0
    uncounted: int = 0


_USAGE_OUTSIDE = ("requests", "cached", "input_tokens", "output_tokens", "cost_usd", "seconds")
"""What the JSON for others tells of the usage: these names and no more."""


@dataclass(frozen=True, slots=True)
class Item:
    """One candidate in its place. `rank` (1-based) and `tie` (group, 1-based) are None if failed."""

    candidate: Candidate
    rank: int | None
    tie: int | None
    score: float | None = None
    explanation: Explanation | None = None

    @property
    def index(self) -> int:
        """The candidate's original position (0-based)."""
        return self.candidate.index


@dataclass(frozen=True, slots=True)
class Ranking:
    """An ordered list of all candidates, best first, and how it came about.

    `strategy` is the strategy's specification as JSON-able values. `details` holds what a
    strategy wants shown beside the list, such as the rankings of its stages.
    """

    items: tuple[Item, ...]
    score_kind: str
    outcome: Outcome
    diagnostics: tuple[Diagnostic, ...] = ()
    usage: Usage = Usage()
    strategy: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def order(self) -> tuple[int, ...]:
        """Original positions, best first."""
        return tuple(item.index for item in self.items)

    def mid_ranks(self) -> dict[int, float]:
        """Original position -> rank, tied documents sharing their mean rank; empty if failed."""
        if self.outcome == "failed":
            return {}
        groups: dict[int | None, list[Item]] = {}
        for item in self.items:
            groups.setdefault(item.tie, []).append(item)
        means = [(group, sum(item.rank or 0 for item in group) / len(group)) for group in groups.values()]
        return {item.index: mean for group, mean in means for item in group}

    def to_json(self) -> dict[str, Any]:
        """The ranking in the form of the command line's contract (design, section 9)."""
        return {
            "strategy": dict(self.strategy),
            "outcome": self.outcome,
            "score_kind": self.score_kind,
            "items": [
                {
                    "rank": item.rank,
                    "tie": item.tie,
                    "index": item.index,
                    "id": item.candidate.id,
                    "score": item.score,
                    "explanation": None if item.explanation is None else asdict(item.explanation),
                }
                for item in self.items
            ],
            "usage": {name: getattr(self.usage, name) for name in _USAGE_OUTSIDE},
            "diagnostics": [_diagnostic_json(entry) for entry in self.diagnostics],
        }


def by_score(
    candidates: Candidates,
    scores: Sequence[float | None],
    score_kind: str,
    *,
    explanations: Sequence[Explanation | None] | None = None,
    diagnostics: Sequence[Diagnostic] = (),
    repaired: bool = False,
    details: Mapping[str, Any] | None = None,
) -> Ranking:
    """Rank by score, highest first; equal scores are ties, listed in the order given.

    Unscored candidates (None or not finite) come last as one tie group without a score, and
    make the outcome `partial`, or `failed` if none has a score.
    """
    known = [score if score is not None and math.isfinite(score) else None for score in scores]
    strange = tuple(
        item.index for item, score, kept in zip(candidates, scores, known, strict=True) if score is not kept
    )
    if strange:
        message = f"The scores of {len(strange)} documents are no finite numbers and do not count."
        diagnostics = [*diagnostics, Diagnostic("not-a-number", message, strange)]
    if candidates and all(score is None for score in known):
        return failed(candidates, diagnostics, score_kind=score_kind, details=details)
    places = sorted(range(len(candidates)), key=lambda at: _descending(known[at]))
    groups = _groups([known[at] for at in places])
    items = tuple(
        Item(candidates[at], rank, tie, known[at], explanations[at] if explanations else None)
        for rank, (at, tie) in enumerate(zip(places, groups, strict=True), start=1)
    )
    outcome: Outcome = "partial" if None in known else "repaired" if repaired else "complete"
    return Ranking(items, score_kind, outcome, tuple(diagnostics), details=details or {})


def by_order(
    candidates: Candidates,
    places: Sequence[int],
    *,
    outcome: Outcome = "complete",
    score_kind: str = RANK_ONLY,
    explanations: Sequence[Explanation | None] | None = None,
    diagnostics: Sequence[Diagnostic] = (),
    details: Mapping[str, Any] | None = None,
) -> Ranking:
    """Rank by `places`, positions within `candidates` from best to worst; no scores, no ties.

    Raises ValueError if `places` is not a permutation.
    """
    if sorted(places) != list(range(len(candidates))):
        raise ValueError("places must be a permutation of the candidates")
    if outcome == "failed":
        return failed(candidates, diagnostics, score_kind=score_kind, details=details)
    items = tuple(
        Item(candidates[at], rank, rank, None, explanations[at] if explanations else None)
        for rank, at in enumerate(places, start=1)
    )
    return Ranking(items, score_kind, outcome, tuple(diagnostics), details=details or {})


def by_groups(
    candidates: Candidates,
    groups: Sequence[Sequence[int]],
    *,
    outcome: Outcome = "complete",
    score_kind: str = RANK_ONLY,
    diagnostics: Sequence[Diagnostic] = (),
    details: Mapping[str, Any] | None = None,
) -> Ranking:
    """Rank by groups of places, best first; the members of a group are tied and listed in the order given.

    Raises ValueError if the groups are not a partition of the candidates.
    """
    places = [place for group in groups for place in sorted(group)]
    ranking = by_order(
        candidates, places, outcome=outcome, score_kind=score_kind, diagnostics=diagnostics, details=details
    )
    if ranking.outcome == "failed":
        return ranking
    ties = [number for number, group in enumerate((group for group in groups if group), start=1) for _ in group]
    items = tuple(replace(item, tie=tie) for item, tie in zip(ranking.items, ties, strict=True))
    return replace(ranking, items=items)


def failed(
    candidates: Candidates,
    diagnostics: Sequence[Diagnostic],
    *,
    score_kind: str = RANK_ONLY,
    details: Mapping[str, Any] | None = None,
) -> Ranking:
    """A ranking that did not come about: every candidate, none with a rank or score."""
    items = tuple(Item(candidate, None, None) for candidate in candidates)
    return Ranking(items, score_kind, "failed", tuple(diagnostics), details=details or {})


def is_permutation(ranking: Ranking, candidates: Candidates) -> bool:
    """Tell whether the ranking holds each candidate exactly once."""
    return sorted(ranking.order) == sorted(candidate.index for candidate in candidates)


def _descending(score: float | None) -> tuple[bool, float]:
    return (score is None, -(score or 0.0))


def _groups(scores: Sequence[float | None]) -> list[int]:
    """Group numbers (1-based) of a sorted list: equal neighbours share one."""
    groups: list[int] = []
    for at, score in enumerate(scores):
        same = at > 0 and score == scores[at - 1]
        groups.append(groups[-1] if same else (groups[-1] if groups else 0) + 1)
    return groups


def _diagnostic_json(entry: Diagnostic) -> dict[str, Any]:
    value: dict[str, Any] = {"code": entry.code, "message": entry.message}
    if entry.indexes:
        value["indexes"] = list(entry.indexes)
    if entry.raw:
        value["raw"] = entry.raw
    if entry.data:
        value["data"] = dict(entry.data)
    return value
