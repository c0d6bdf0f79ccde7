"""One ranking out of the rankings of several strategies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from reranking.analysis.consensus import borda_points, kemeny, reciprocal_ranks, total
from reranking.documents import Candidates
from reranking.ranking import Contribution, Diagnostic, Explanation, Ranking, by_score, failed
from reranking.strategies.base import Family, Steps, Strategy, aside, together
from reranking.strategies.catalogue import Nested
from reranking.strategies.encoders import Dense
from reranking.strategies.lexical import BM25
from reranking.strategies.merging import by_consensus, joint_outcome, ranks_in


class Voice(BaseModel):
    """One strategy in a fusion, and how much it counts."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    strategy: Nested = Field(description="The strategy whose ranking counts")
    weight: float = Field(1.0, gt=0, le=100, description="How much it counts beside the others")


class Fusion(Strategy):
    """Fuse the rankings of several strategies, which run side by side.

    Methods: reciprocal rank (1 / (60 + rank)), Borda (documents ranked below), scores scaled to
    0 to 1 within each list, or Kemeny (the order that contradicts the rankings in the fewest
    pairs). Requests: those of its strategies. Scores: the sum, with each strategy's part; tied
    documents share their mean rank, and where scores are summed a document that a strategy did
    not score counts as its lowest one and says so. Kemeny gives none (rank only) and ties what every strategy
    ties. A strategy that failed, or that has no scores where scores are summed, is left out,
    said so, and makes the outcome `partial`.
    Sources: Cormack, Clarke & Buettcher 2009, https://doi.org/10.1145/1571941.1572114;
    Aslam & Montague 2001, https://doi.org/10.1145/383952.384007;
    Dwork et al. 2001, https://doi.org/10.1145/371920.372165
    """

    title: ClassVar[str] = "Fusion"
    family: ClassVar[Family] = "Combined"
    requests: ClassVar[str] = "those of its strategies"
    source: ClassVar[str] = "Cormack, Clarke & Buettcher 2009, https://doi.org/10.1145/1571941.1572114"

    kind: Literal["fusion"] = "fusion"
    method: Literal["reciprocal rank", "borda", "scores", "kemeny"] = Field(
        "reciprocal rank", description="What is summed over the strategies, or the order they contradict least"
    )
    strategies: tuple[Voice, ...] = Field(
        (Voice(strategy=BM25()), Voice(strategy=Dense())),
        min_length=1,
        max_length=12,
        description="The strategies to fuse",
    )

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        rankings: list[Ranking] = yield together(
            *(voice.strategy.steps(query, candidates) for voice in self.strategies)
        )
        notes: list[Diagnostic] = []
        heard: list[tuple[Voice, list[float]]] = []
        spoke: list[Ranking] = []
        for number, (voice, ranking) in enumerate(zip(self.strategies, rankings, strict=True), start=1):
            place = f"Strategy {number} ({voice.strategy.name}): "
            notes += [replace(note, message=place + note.message) for note in ranking.diagnostics]
            if ranking.outcome == "failed":
                continue
            points = _METHODS[self.method](ranking, candidates)
            if points is None:
                notes.append(Diagnostic("no-scores", f"{place}it has no scores to sum and is left out."))
                continue
            heard.append((voice, points))
            spoke.append(ranking)
        details = {"strategies": [_told(*entry) for entry in zip(self.strategies, rankings, strict=True)]}
        if not heard and candidates:
            return failed(candidates, notes, details=details)
        outcome = joint_outcome(rankings) if len(heard) == len(rankings) else "partial"
        if self.method == "kemeny" and heard:
            lists = [points for _, points in heard]
            consensus = yield aside(kemeny, lists, [voice.weight for voice, _ in heard])
            return by_consensus(candidates, consensus, outcome=outcome, diagnostics=notes, details=details)
        unscored = [_unscored(ranking) if self.method == "scores" else set() for ranking in spoke]
        parts = [
            tuple(
                Contribution(
                    voice.strategy.name, voice.weight * points[place], "not scored" if item.index in out else ""
                )
                for (voice, points), out in zip(heard, unscored, strict=True)
            )
            for place, item in enumerate(candidates)
        ]
        sums = [total([part.value for part in row]) for row in parts]
        explanations = [Explanation(contributions=row) for row in parts]
        kind = _SCORE_KINDS[self.method]
        fused = by_score(candidates, sums, kind, explanations=explanations, diagnostics=notes, details=details)
        return replace(fused, outcome=outcome)


def _scaled(ranking: Ranking, candidates: Candidates) -> list[float] | None:
    """Scores scaled to 0 to 1; a document without a score counts as the lowest one. None without any score."""
    scores = {item.index: item.score for item in ranking}
    known = [score for score in scores.values() if score is not None]
    if not known:
        return None
    low, high = min(known), max(known)
    span = high - low or 1.0
    given = [scores[item.index] for item in candidates]
    return [0.0 if score is None else (score - low) / span for score in given]


def _unscored(ranking: Ranking) -> set[int]:
    """Original positions of the documents without a score, which count as the lowest one."""
    return {item.index for item in ranking if item.score is None}


_METHODS: dict[str, Callable[[Ranking, Candidates], list[float] | None]] = {
    "reciprocal rank": lambda ranking, candidates: reciprocal_ranks(ranks_in(ranking, candidates)),
    "borda": lambda ranking, candidates: borda_points(ranks_in(ranking, candidates)),
    "scores": _scaled,
    "kemeny": ranks_in,
}

_SCORE_KINDS = {"reciprocal rank": "reciprocal ranks", "borda": "Borda points", "scores": "scaled scores"}


def _told(voice: Voice, ranking: Ranking) -> dict[str, Any]:
    """What the details keep of a strategy."""
    order: Sequence[int] = ranking.order
    return {"strategy": voice.strategy.spec(), "outcome": ranking.outcome, "order": list(order)}
