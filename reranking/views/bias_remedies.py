"""What remedies did against the bias of one strategy, over the queries of its test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reranking.analysis.bias_plan import BiasPlan
from reranking.analysis.mitigations import Mitigations, Remedy, Trial, compare, over_queries
from reranking.analysis.verdict import percent
from reranking.documents import Document
from reranking.jobs import JobStatus
from reranking.strategies.bias_results import BiasResult
from reranking.strategies.catalogue import with_defaults
from reranking.strategies.remedies import Variant
from reranking.views import bias_figures
from reranking.views.amounts import seconds, spent
from reranking.views.bias_tests import strategies_of
from reranking.views.grades import Grades
from reranking.wording import listed

AS_IS = "As is"


@dataclass(frozen=True, slots=True)
class Treated:
    """One query of the test: its job, its result, the jobs of its remedies, and what was tried by name of remedy.

    The quality of what was tried rests on `grades`.
    """

    job: JobStatus
    result: BiasResult
    tried: tuple[JobStatus, ...]
    trials: Mapping[str, Trial]
    grades: Grades

    def plan(self, position: int) -> BiasPlan:
        """The test's own shuffles: as many as its early stop took, if it had one, and no noise control."""
        assert self.job.plan is not None
        return replace(
            self.job.plan, shuffles=len(self.result.shuffles), repeats=0, steady=(), within=None, batch="",
            remedies_of=(self.job.id, position),
        )  # fmt: skip

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents, in their order."""
        return tuple(item.document for item in self.job.candidates)


def treated(
    job: JobStatus,
    result: BiasResult,
    tried: Sequence[tuple[JobStatus, Sequence[BiasResult | None]]],
    known: Sequence[Variant],
    grades: Grades,
) -> Treated:
    """What was tried on one query, in the order of the remedies; of those tried twice the latest counts.

    `tried` are the jobs of its remedies, oldest first, each with its results by the position of the strategy.
    """
    titles = {str(with_defaults(variant.strategy).spec()): variant.title for variant in known}
    found: dict[str, BiasResult] = {}
    for each, results in tried:
        for variant, other in zip(strategies_of(each), results, strict=True):
            if other is not None and (title := titles.get(str(variant.spec()))) is not None:
                found[title] = other
    judged = grades.all
    ordered = {title: found[title].trial(title, judged) for title in titles.values() if title in found}
    trials = {AS_IS: result.trial(AS_IS, judged), **ordered}
    return Treated(job, result, tuple(each for each, _ in tried), trials, grades)


def compared(queries: Sequence[Treated]) -> Mitigations:
    """The remedies that were tried on all queries, beside each other; the first row is the strategy as it is."""
    everywhere = [title for title in queries[0].trials if all(title in query.trials for query in queries)]
    return compare([over_queries([query.trials[title] for query in queries]) for title in everywhere])


def missing(queries: Sequence[Treated]) -> list[str]:
    """For each remedy that only some of the queries have, that it is not compared."""
    found = []
    for title in dict.fromkeys(title for query in queries for title in query.trials):
        there = sum(title in query.trials for query in queries)
        if there < len(queries):
            found.append(
                f"{title} was tried on {there} of {len(queries)} queries: it is compared once it was on all of them."
            )
    return found


def remedies_table(found: Mitigations) -> str:
    """A row for each remedy, the recommended one marked."""
    queries = len(found.rows[0].trial.biases)
    judged = any(row.trial.quality is not None for row in found.rows)
    heads = ["", *(["mean bias, places", "queries with a trend"] if queries > 1 else ["bias, places"]), "removed", "W",
             "flip rate", *(["nDCG@10"] if judged else []), "requests", "cost", "seconds"]  # fmt: skip
    rows = []
    for row in found.rows:
        trial, name = row.trial, row.trial.name
        name += " (recommended)" if row is found.recommended else f" ({row.unusable})" if row.unusable else ""
        bias = [bias_figures.places(row.size), f"{row.biased} of {queries}"] if queries > 1 else [
            bias_figures.interval(row.effect)
        ]  # fmt: skip
        rows.append([
            name, *bias, _removed(row), bias_figures.figure(row.w), bias_figures.share(row.flips),
            *([bias_figures.figure(trial.quality)] if judged else []),
            f"{trial.requests:,}", spent(trial.cost_usd), seconds(trial.seconds),
        ])  # fmt: skip
    marked = next((at for at, row in enumerate(found.rows) if row is found.recommended), None)
    return bias_figures.table(heads, rows, marked=marked)


def about_remedies(found: Mitigations, whose: str) -> str:
    """What the columns mean. `whose` are the grades that the quality rests on."""
    queries, judged = len(found.rows[0].trial.biases), any(row.trial.quality is not None for row in found.rows)
    bias = (
        "places gained by moving a document from last to first"
        if found.measure == "last to first"
        else "places lost by moving a document from either end to the middle"
    )
    several = (
        " Each query counts the same, and without the direction of its bias, which may differ from query to query; the "
        "interval of what is removed comes from how much the queries differ."
        if queries > 1
        else ""
    )
    quality = (
        f" nDCG@10: mean over the shuffles, by {whose} grades."
        if judged
        else " Quality (nDCG@10) is shown once all documents are judged."
    )
    return (
        f"All under the same shuffles. Bias: {bias}; in brackets the 95 % interval.{several} {bias_figures.ABOUT_W} "
        f"{bias_figures.ABOUT_FLIPS} Requests, cost and seconds are those of one ranking, on average; seconds on the "
        f"clock, while all shuffles run at once.{quality}{_about_lots(found)}"
    )


def _about_lots(found: Mitigations) -> str:
    """What the rows cannot show of remedies that draw lots by the texts."""
    names = list(dict.fromkeys(row.trial.name.partition(",")[0] for row in found.rows if row.trial.drawn))
    if not names:
        return ""
    return (
        f" {listed(names)}: the shuffles are drawn by what the documents say, so the order of the input cannot reach "
        "the result. The model's preference for places still acts within the shuffles: another seed may give another "
        "ranking."
    )


def _removed(row: Remedy) -> str:
    """`92 %: 5.1 (4.2 to 6) places`, and what is to be known of it."""
    if row.left is None or row.removed is None:
        return "–"
    if row.left > 1:
        return f"none (+{percent(row.left - 1)})"
    what = f"{percent(1 - row.left)}: {bias_figures.interval(row.removed)} places"
    return what if row.helps else f"{what}, within chance"
