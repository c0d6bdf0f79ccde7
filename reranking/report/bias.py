"""One bias test of a report: what its parts show, ready for the template."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup

from reranking.analysis.mitigations import compare
from reranking.analysis.verdict import slot_finding
from reranking.charts.bias import position_heatmap
from reranking.charts.position_effects import position_effects, slot_effects
from reranking.charts.rank_intervals import rank_intervals
from reranking.charts.verdict_matrix import verdict_matrix
from reranking.documents import Document
from reranking.jobs import JobStatus
from reranking.report import words
from reranking.report.charts import chart
from reranking.report.documents import InFull, in_full
from reranking.report.gathered import Tested
from reranking.strategies.bias_results import BiasResult
from reranking.views import bias_figures, bias_results, bias_words
from reranking.views.bias_remedies import Treated, about_remedies, compared, missing, remedies_table
from reranking.views.bias_tests import ABOUT_DESIGNS, DESIGNS
from reranking.views.grades import whose
from reranking.views.naming import Naming

WHOSE = "the report's author's"


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots within prompts of one size."""

    finding: str
    chart: Markup


@dataclass(frozen=True, slots=True)
class Outcome:
    """One strategy on one query; `verdict` and `remarks` in the words of the screen."""

    query: str
    verdict: str
    remarks: str
    failure: str
    charts: tuple[Markup, ...]
    intervals: Markup | None
    about_pairs: str
    pairs: Markup | None
    slots: tuple[Slots, ...]
    figures: Markup
    took: str


@dataclass(frozen=True, slots=True)
class Helped:
    """What remedies did: `sentence` recommends one or says why none."""

    title: str
    sentence: str
    table: Markup
    about: str


@dataclass(frozen=True, slots=True)
class OfStrategy:
    """One strategy of the test: several queries together, each of them, and the remedies."""

    name: str
    note: str
    pooled: str
    queries: Markup | None
    outcomes: tuple[Outcome, ...]
    helped: tuple[Helped, ...]
    missing: tuple[str, ...]


class TestView:
    """What the template asks of a bias test. `shown` are the documents that comparisons of the report show in full."""

    __test__ = False  # for pytest, which takes it for tests

    def __init__(self, told: Tested, naming: Naming, shown: Set[Document] = frozenset()) -> None:
        self.told, self.naming, self.shown = told, naming, shown
        self.several = len(told.jobs) > 1

    @property
    def title(self) -> str:
        """Of what the test is."""
        return ", ".join(self.told.names)

    @property
    def facts(self) -> list[str]:
        """The design, and when the test ran."""
        plan, jobs = self.told.test.plan, self.told.jobs
        sizes = sorted({len(job.candidates) for job in jobs})
        documents = words.count(sizes[0], "document") if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]} documents"
        shuffles = sorted({job.plan.shuffles for job in jobs if job.plan is not None})
        runs = (
            words.count(shuffles[0], "shuffle") if len(shuffles) == 1 else f"{shuffles[0]} to {shuffles[-1]} shuffles"
        )
        facts = [documents, f"{DESIGNS[plan.kind]}: {runs}"]
        facts += [words.count(plan.repeats, "repeat") + " of one order"] if plan.repeats else []
        facts += [f"stops once known to ± {plan.within:g} places"] if plan.within is not None else []
        facts.append(f"seed {plan.seed}")
        if self.several:
            facts.insert(0, words.count(len(jobs), "query", "queries"))
        return [*facts, f"run {words.moment(jobs[0].created)}"]

    @property
    def design(self) -> str:
        """What the design is."""
        return f"{ABOUT_DESIGNS[self.told.test.plan.kind]}."

    @property
    def queries(self) -> list[str]:
        """The queries that were tested."""
        return [job.query for job in self.told.jobs]

    @property
    def remarks(self) -> list[str]:
        """How far runs got that are not done."""
        return [sentence for job in self.told.jobs if (sentence := words.unfinished(job))]

    @property
    def documents(self) -> list[tuple[str, list[InFull]]]:
        """The documents of each query of which some are not shown elsewhere."""
        return [
            (job.query, in_full(job.candidates, job.query))
            for job in self.told.jobs
            if any(item.document not in self.shown for item in job.candidates)
        ]

    @property
    def overview(self) -> Markup | None:
        """A row for each strategy where there are several."""
        if len(self.told.names) == 1 or not self.told.results:
            return None
        return Markup(bias_results.strategies_table(self.told.results, self.told.names))

    @property
    def about_overview(self) -> str:
        """What the columns of that table mean."""
        return bias_results.ABOUT_STRATEGIES

    @property
    def strategies(self) -> Iterator[OfStrategy]:
        """Each strategy that has a result."""
        for position, name in enumerate(self.told.names):
            pooled = bias_results.together(self.told.results, position)
            if pooled is None:
                continue
            outcomes = [
                self._outcome(job, position, result)
                for number, job in enumerate(self.told.jobs)
                if (result := self.told.results.get((number, position))) is not None
            ]
            table = bias_results.queries_table(self.queries, self.told.results, position, pooled)
            queries = self.told.remedies.get(position, ())
            yield OfStrategy(
                name=name,
                note=self.told.notes[position],
                pooled=pooled.sentence if self.several else "",
                queries=Markup(table) if self.several else None,
                outcomes=tuple(outcomes),
                helped=tuple(_helped(queries)),
                missing=tuple(missing(queries)),
            )

    def _outcome(self, job: JobStatus, position: int, result: BiasResult) -> Outcome:
        bias, verdict, strategy = result.bias, result.verdict, self.told.strategies[position]
        labels = bias_figures.document_names(job.candidates)
        drawn = verdict.finding not in bias_results.WITHOUT_PICTURES
        ignores = self.told.ignoring[position]
        remarks = bias_results.remarks(self.naming.title(strategy), result, job, ignores_order=ignores)
        pairwise = result.pairwise if result.pairwise is not None and result.pairwise.documents else None
        failed = verdict.finding == "failed"
        return Outcome(
            query=job.query if self.several else "",
            verdict=" ".join(part for part in (verdict.sentence, verdict.also) if part),
            remarks=" ".join((*verdict.remarks, *remarks)),
            failure=bias_results.why_run_failed(result),
            charts=() if not drawn else (
                chart(partial(position_heatmap, bias), bias_results.ABOUT_HEATMAP, bias_words.heatmap_aloud(bias)),
                chart(partial(position_effects, bias), bias_results.ABOUT_EFFECTS, bias_words.effects_aloud(bias)),
            ),
            intervals=None if not drawn else chart(
                partial(rank_intervals, bias, labels),
                bias_results.ABOUT_INTERVALS,
                bias_words.intervals_aloud(bias, labels),
            ),
            about_pairs="" if pairwise is None or failed else bias_results.about_pairs(pairwise),
            pairs=None if pairwise is None or failed else chart(
                lambda dark: verdict_matrix(pairwise, labels, dark, bias.debiased_order), bias_results.ABOUT_MATRIX
            ),
            slots=() if failed else tuple(
                Slots(slot_finding(one), chart(
                    partial(slot_effects, one), bias_results.about_slots(one), bias_words.slots_aloud(one)
                ))
                for one in bias_results.telling_slots(bias, result.slots)
            ),
            figures=Markup() if failed else Markup(bias_results.all_figures(bias)),
            took=bias_results.took(self.naming.full_name(strategy), result),
        )  # fmt: skip


def _helped(queries: tuple[Treated, ...]) -> Iterator[Helped]:
    """The remedies over all queries, then on each one alone where there are several."""
    if not queries:
        return
    together, by = compared(queries), whose((query.grades for query in queries), WHOSE)
    over = f", over all {len(queries)} queries" if len(queries) > 1 else ""
    if len(together.rows) > 1:
        yield Helped(
            f"Remedies{over}", together.sentence, Markup(remedies_table(together)), about_remedies(together, by)
        )
    for query in queries if len(queries) > 1 else ():
        if len(query.trials) > 1:
            alone = compare(list(query.trials.values()))
            title = f"Remedies on “{query.job.query[:100]}” alone"
            yield Helped(title, alone.sentence, Markup(remedies_table(alone)), "")
