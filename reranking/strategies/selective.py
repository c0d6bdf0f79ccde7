"""A dearer strategy that is asked only where a cheap one is unsure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from reranking.analysis.agreement import kendall_tau_b
from reranking.documents import Candidates
from reranking.ranking import Diagnostic, Outcome, Ranking
from reranking.strategies.base import Family, Steps, Strategy, aside, together
from reranking.strategies.catalogue import Nested
from reranking.strategies.combining import Stage, assembled
from reranking.strategies.encoders import Dense
from reranking.strategies.lexical import BM25
from reranking.strategies.listwise import Listwise
from reranking.strategies.merging import joint_outcome


class Selective(Strategy):
    """Order everything by a cheap strategy, and its best by a dearer one only if the first is unsure.

    It is unsure if the scores of ranks k and k + 1 are close, measured against the range of all
    scores (margin), or if a second cheap strategy has another top k (disagreement: the share of
    the top k in common, or tau-b over the documents in either top k). What cannot be measured,
    such as the margin of a ranking without scores, counts as unsure, and is said.
    Requests: those of the first, of the other where disagreement is measured, and of the dearer
    one, for what is kept, where it is asked. Scores and ties: of the stage that decided; what
    the dearer one did not order has no score then, as in a cascade. A first stage that fails
    fails the ranking; another that fails leaves the order so far and makes it `partial`.
    Source: Wang, Lin & Metzler 2011, https://doi.org/10.1145/2009916.2009934 (cascades), here
    with a condition.
    """

    title: ClassVar[str] = "Selective"
    family: ClassVar[Family] = "Combined"
    requests: ClassVar[str] = "those of the first, and of the dearer one where it is asked"
    adaptive: ClassVar[bool] = True
    source: ClassVar[str] = "a cascade (Wang, Lin & Metzler 2011, https://doi.org/10.1145/2009916.2009934) on condition"

    kind: Literal["selective"] = "selective"
    first: Nested = Field(
        Dense(), title="Cheap strategy first", description="The cheap strategy, which orders everything"
    )
    dearer: Nested = Field(
        Listwise(reasons=False), title="Dearer strategy", description="Orders the best again if the first is unsure"
    )
    keep: int = Field(
        10, ge=1, title="Documents for the dearer one", description="How many of the best the dearer strategy orders"
    )
    when: Literal["margin", "disagreement"] = Field(
        "margin", title="Unsure by", description="What shows that the first is unsure"
    )
    k: int = Field(5, ge=1, title="Top that should be sure (k)", description="The top that should be sure")
    least_margin: float = Field(
        0.05,
        ge=0,
        le=1,
        title="Least margin",
        description="With margin: unsure if ranks k and k + 1 are closer, as a share of all scores' range",
    )
    other: Nested = Field(
        BM25(), title="Second opinion", description="With disagreement: the cheap strategy that gives a second opinion"
    )
    measure: Literal["overlap", "tau-b"] = Field(
        "overlap",
        title="Agreement measured by",
        description="With disagreement: share of the top k in common, or correlation of the ranks there",
    )
    least_agreement: float = Field(
        0.5, ge=-1, le=1, title="Least agreement", description="With disagreement: unsure below this"
    )

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        cheap = [self.first, self.other] if self.when == "disagreement" else [self.first]
        rankings: list[Ranking] = yield together(*(strategy.steps(query, candidates) for strategy in cheap))
        done = [(Stage(strategy=self.first, keep=self.keep), rankings[0])]
        measured: Measured | None = None
        if rankings[0].outcome != "failed" and len(candidates) > 1:
            measured = yield aside(self._measured, rankings)
            if measured.unsure:
                best = [item.candidate for item in rankings[0].items[: self.keep]]
                ranking: Ranking = yield from self.dearer.steps(query, best)
                done.append((Stage(strategy=self.dearer, keep=self.keep), ranking))
        return self._told(assembled(candidates, done), rankings[1:], measured)

    def _measured(self, rankings: Sequence[Ranking]) -> Measured:
        if self.when == "margin":
            return margin(rankings[0], self.k, self.least_margin, self.first.name)
        first, other = rankings
        if other.outcome == "failed":
            problem = f"{self.other.name} gave no ranking to compare with"
            return Measured(f"agreement on the top {self.k}", None, self.least_agreement, problem)
        return agreement(first, other, self.k, self.least_agreement, self.measure)

    def _told(self, ranking: Ranking, others: Sequence[Ranking], measured: Measured | None) -> Ranking:
        """The ranking with what decided, and with what became of the second opinion."""
        notes: list[Diagnostic] = []
        details: dict[str, Any] = dict(ranking.details)
        if measured is not None:
            decided = {
                "when": self.when,
                "what": measured.what,
                "value": measured.value,
                "threshold": measured.threshold,
                "fired": measured.unsure,
            }
            details["selective"] = decided
            asked = f"so {self.dearer.name} was {'asked' if measured.unsure else 'not asked'}"
            notes.append(Diagnostic("selective", f"{measured.sentence}, {asked}.", data=decided))
        outcome: Outcome = ranking.outcome
        for other in others:
            place = f"Second opinion ({self.other.name}): "
            notes += [replace(note, message=place + note.message) for note in other.diagnostics]
            details["other"] = {
                "strategy": self.other.spec(),
                "outcome": other.outcome,
                "order": list(other.order),
            }
            outcome = joint_outcome([ranking, other]) if outcome != "failed" else outcome
        return replace(ranking, outcome=outcome, diagnostics=(*notes, *ranking.diagnostics), details=details)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured; `value` is None if it could not be, and `problem` says why."""

    what: str
    value: float | None
    threshold: float
    problem: str = ""

    @property
    def unsure(self) -> bool:
        """Whether the value is below the threshold, or unknown."""
        return self.value is None or self.value < self.threshold

    @property
    def sentence(self) -> str:
        """The measurement in words, the beginning of a sentence."""
        if self.value is None:
            return f"The {self.what} cannot be measured: {self.problem}"
        side = "below" if self.unsure else "not below"
        return f"The {self.what} is {self.value:.3g}, {side} {self.threshold:g}"


def margin(ranking: Ranking, k: int, threshold: float, name: str) -> Measured:
    """The gap between the scores of ranks k and k + 1 as a share of the range of all scores.

    In a list of k documents or fewer the last two stand at the cut. Equal scores have no gap.
    """
    cut = min(k, len(ranking) - 1)
    what = f"margin between ranks {cut} and {cut + 1}"
    scores = [item.score for item in ranking]
    above, below = scores[cut - 1], scores[cut]
    known = [score for score in scores if score is not None]
    if above is None or below is None:
        problem = f"{name} scored no document there" if known else f"{name} gives no scores"
        return Measured(what, None, threshold, problem)
    span = max(known) - min(known)
    return Measured(what, abs(above - below) / span if span else 0.0, threshold)


def agreement(first: Ranking, other: Ranking, k: int, threshold: float, measure: str) -> Measured:
    """How far two rankings agree on the top k, as the share in common or as tau-b over both tops.

    A group of tied documents that the cut divides counts in parts: each member for the share
    of the group that is above the cut.
    """
    top = min(k, len(first))
    shares = [in_top(ranking, top) for ranking in (first, other)]
    if measure == "overlap":
        common = sum(min(share, shares[1].get(index, 0.0)) for index, share in shares[0].items())
        return Measured(f"overlap of the top {top}", common / top, threshold)
    either = shares[0].keys() | shares[1].keys()
    kept = [
        replace(ranking, items=tuple(item for item in ranking if item.index in either)) for ranking in (first, other)
    ]
    what = f"tau-b over the documents in either top {top}"
    tau = kendall_tau_b(*kept)
    problem = "one of the two ties them all" if len(either) > 1 else "there is only one"
    return Measured(what, tau, threshold, "" if tau is not None else problem)


def in_top(ranking: Ranking, k: int) -> dict[int, float]:
    """The documents in the top k, each with its share: less than 1 in a tie that the cut divides."""
    sizes = Counter(item.tie for item in ranking)
    found: dict[int, float] = {}
    left = k
    for tie, size in sizes.items():  # ties come in the order of the list
        if left <= 0:
            break
        share = min(1.0, left / size)
        found.update({item.index: share for item in ranking if item.tie == tie})
        left -= size
    return found
