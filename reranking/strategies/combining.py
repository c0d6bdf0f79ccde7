"""Strategies made of other strategies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import override

from reranking.documents import Candidate, Candidates
from reranking.ranking import RANK_ONLY, Diagnostic, Item, Outcome, Ranking, failed
from reranking.strategies.base import Family, Steps, Strategy
from reranking.strategies.catalogue import Nested
from reranking.strategies.encoders import Dense
from reranking.strategies.lexical import BM25


class Stage(BaseModel):
    """One stage of a cascade: how it orders, and how many of its best go on to the next."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    strategy: Nested = Field(description="How this stage orders what it is given")
    keep: int = Field(
        10, ge=1, title="Documents that go on", description="How many of the best go on to the next stage"
    )


class Cascade(Strategy):
    """Order everything by a cheap strategy, and only the best of it by dearer ones.

    Requests: those of its stages, each for what is left. Scores: those of the last stage, for
    the documents that reached it; a document that dropped out keeps its order below them and
    has no score. Ties: as in the stage that placed the document. A later stage that fails
    leaves the order so far and makes the outcome `partial`. A cut between documents that a
    stage holds equal goes by input order, and is reported.
    """

    title: ClassVar[str] = "Cascade"
    family: ClassVar[Family] = "Combined"
    requests: ClassVar[str] = "those of its stages"
    source: ClassVar[str] = "Wang, Lin & Metzler 2011, https://doi.org/10.1145/2009916.2009934"

    kind: Literal["cascade"] = "cascade"
    stages: tuple[Stage, ...] = Field(
        (Stage(strategy=BM25(), keep=10), Stage(strategy=Dense(), keep=10)),
        min_length=1,
        max_length=6,
        description="From the cheapest to the dearest",
    )

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        left: Sequence[Candidate] = candidates
        done: list[tuple[Stage, Ranking]] = []
        for stage in self.stages:
            ranking: Ranking = yield from stage.strategy.steps(query, left)
            done.append((stage, ranking))
            if ranking.outcome == "failed":
                break
            left = [item.candidate for item in ranking.items[: stage.keep]]
        return assembled(candidates, done)


def assembled(candidates: Candidates, done: Sequence[tuple[Stage, Ranking]]) -> Ranking:
    """One ranking from the stages that were run: each places what did not go on to the next.

    `done` holds at least one stage, each with its ranking of what the one before kept.
    """
    notes = [note for number, (stage, ranking) in enumerate(done, start=1) for note in _notes(number, stage, ranking)]
    sound = [entry for entry in done if entry[1].outcome != "failed"]
    for number, (stage, ranking) in enumerate(sound[:-1], start=1):
        notes += _through_tie(number, stage, ranking)
    details = {"stages": [_told(stage, ranking) for stage, ranking in done]}
    if done[0][1].outcome == "failed":
        return failed(candidates, notes, details=details)
    items: list[Item] = []
    for number, (stage, ranking) in enumerate(reversed(sound)):
        placed = ranking.items if number == 0 else ranking.items[min(stage.keep, len(ranking)) :]
        items += [item if number == 0 else replace(item, score=None) for item in _renumbered(placed, items)]
    outcome = "partial" if len(sound) < len(done) else _worst([ranking.outcome for _, ranking in sound])
    kind = sound[-1][1].score_kind if items and items[0].score is not None else RANK_ONLY
    return Ranking(tuple(items), kind, outcome, tuple(notes), details=details)


def _renumbered(placed: Sequence[Item], above: Sequence[Item]) -> list[Item]:
    """The items with ranks and tie groups that follow those above."""
    first = above[-1].tie or 0 if above else 0
    groups: dict[int | None, int] = {}
    return [
        replace(item, rank=len(above) + at, tie=groups.setdefault(item.tie, first + len(groups) + 1))
        for at, item in enumerate(placed, start=1)
    ]


def _worst(outcomes: Sequence[Outcome]) -> Outcome:
    order: tuple[Outcome, ...] = ("partial", "repaired", "complete")
    return next(outcome for outcome in order if outcome in outcomes)


def _notes(number: int, stage: Stage, ranking: Ranking) -> list[Diagnostic]:
    """A stage's diagnostics, each saying which stage it is about."""
    return [replace(note, message=_place(number, stage) + note.message) for note in ranking.diagnostics]


def _through_tie(number: int, stage: Stage, ranking: Ranking) -> list[Diagnostic]:
    """A note if the stage's cut divides documents that it holds equal."""
    if stage.keep >= len(ranking) or ranking.items[stage.keep - 1].tie != ranking.items[stage.keep].tie:
        return []
    tied = [at for at, item in enumerate(ranking) if item.tie == ranking.items[stage.keep].tie]
    went = sum(at < stage.keep for at in tied)
    message = f"{len(tied)} documents tie where the list is cut; by input order {went} of them went on."
    indexes = tuple(ranking.items[at].index for at in tied)
    return [Diagnostic("cut-through-tie", _place(number, stage) + message, indexes)]


def _place(number: int, stage: Stage) -> str:
    return f"Stage {number} ({stage.strategy.name}): "


def _told(stage: Stage, ranking: Ranking) -> dict[str, Any]:
    """What the details keep of a stage."""
    return {
        "strategy": stage.strategy.spec(),
        "outcome": ranking.outcome,
        "score_kind": ranking.score_kind,
        "order": list(ranking.order),
        "scores": [item.score for item in ranking],
    }
