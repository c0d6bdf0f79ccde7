"""What would help: variants of a strategy run through the same shuffles, beside each other, and the one to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

import streamlit as st

from reranking.analysis.bias_plan import BiasPlan
from reranking.analysis.mitigations import Mitigations, Trial, compare, over_queries
from reranking.analysis.verdict import percent
from reranking.documents import Document
from reranking.jobs import JobStatus
from reranking.strategies.base import Strategy
from reranking.strategies.bias_results import BiasResult
from reranking.strategies.catalogue import with_defaults
from reranking.strategies.remedies import Variant, at_work, variants
from reranking.ui import notices, page, running, state
from reranking.ui.bias_lab import kept
from reranking.ui.bias_lab.choosing import told
from reranking.views import bias_figures
from reranking.views.amounts import seconds, spent
from reranking.views.naming import is_installed

AS_IS = "As is"


@dataclass(frozen=True, slots=True)
class _Query:
    """One query of the test: its job, its result, the jobs of its remedies, and what was tried by name of remedy."""

    job: JobStatus
    result: BiasResult
    tried: tuple[JobStatus, ...]
    trials: Mapping[str, Trial]

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


def show(
    jobs: Sequence[JobStatus], position: int, strategy: Strategy, results: Sequence[BiasResult | None], number: int
) -> None:
    """The remedies of one strategy of a test, over all queries that have a result; `number` is the one in detail."""
    if kept.ignores_order(strategy) or not is_installed(strategy):
        return
    known = variants(strategy)
    queries = [
        _query(job, position, result, known)
        for job, result in zip(jobs, results, strict=True)
        if result is not None
    ]  # fmt: skip
    if not known and not any(query.tried for query in queries):
        return
    over = f", over all {len(queries)} queries" if len(queries) > 1 else ""
    page.html(f"<h3 class='rl-heading'>Remedies{over}</h3>")
    everywhere = [title for title in queries[0].trials if all(title in query.trials for query in queries)]
    found = compare([over_queries([query.trials[title] for query in queries]) for title in everywhere])
    if len(everywhere) > 1:
        _table(found)
    _say_missing(queries)
    if len(queries) > 1:
        _of_one(queries, jobs[number])
    busy = [each for query in queries for each in query.tried if each.state == "running"]
    if busy:
        if st.button("Cancel", key="cancel-remedies"):
            for each in busy:
                state.jobs().cancel(each.id)
            st.rerun()
        for each in busy:
            running.watch(each)
        return
    cut = [query.tried[-1] for query in queries if query.tried and query.tried[-1].state != "done"]
    if cut:
        running.cut_short(cut[0])
    if has := at_work(strategy):
        notices.caption(f"At work already: {', '.join(has)}.")
    if all(query.job.state == "done" for query in queries):  # the shuffles of a test cut short are not all there
        _offer(queries, position, known, found.rows[0].biased > 0, results[number])


def _query(job: JobStatus, position: int, result: BiasResult, known: Sequence[Variant]) -> _Query:
    """What was tried on one query, in the order of the remedies; of those tried twice the latest counts."""
    tried = kept.remedy_jobs(job, position)
    grades = state.grades(job.query, [item.document for item in job.candidates])
    titles = {str(with_defaults(variant.strategy).spec()): variant.title for variant in known}
    found: dict[str, BiasResult] = {}
    for each in tried:
        for at, variant in enumerate(kept.strategies_of(each)):
            other = kept.result(each, at)
            if other is not None and (title := titles.get(str(variant.spec()))) is not None:
                found[title] = other
    ordered = {title: found[title].trial(title, grades) for title in titles.values() if title in found}
    return _Query(job, result, tuple(tried), {AS_IS: result.trial(AS_IS, grades), **ordered})


def _table(found: Mitigations) -> None:
    """The rows, the recommended one marked, and the sentence above them."""
    page.html(f"<p class='rl-finding rl-second' role='status'>{escape(found.sentence)}</p>")
    queries = len(found.rows[0].trial.biases)
    judged = any(row.trial.quality is not None for row in found.rows)
    measure = "last to first" if found.measure == "last to first" else "ends to middle"
    size = [f"mean size of the bias, places ({measure})", "queries with a trend"] if queries > 1 else []
    heads = ["", *(size or [f"bias, places ({measure})"]), "removed", "places removed", "W", "flip rate",
             *(["nDCG@10"] if judged else []), "requests", "cost", "seconds"]  # fmt: skip
    rows = []
    for row in found.rows:
        trial, name = row.trial, row.trial.name
        name += " (recommended)" if row is found.recommended else f" ({row.unusable})" if row.unusable else ""
        bias = [bias_figures.places(row.size), f"{row.biased} of {queries}"] if queries > 1 else [
            bias_figures.interval(row.effect)
        ]  # fmt: skip
        removed = "–" if row.left is None or row is found.rows[0] else _removed(row.left, row.helps)
        rows.append([
            name, *bias, removed, bias_figures.interval(row.removed),
            bias_figures.figure(row.w), bias_figures.share(row.flips),
            *([bias_figures.figure(trial.quality)] if judged else []),
            f"{trial.requests:,}", spent(trial.cost_usd), seconds(trial.seconds),
        ])  # fmt: skip
    marked = next((at for at, row in enumerate(found.rows) if row is found.recommended), None)
    page.html(bias_figures.table(heads, rows, marked=marked))
    notices.caption(_about(queries, judged))


def _about(queries: int, judged: bool) -> str:
    """What the columns mean."""
    several = (
        "Each query counts the same: its bias is taken without its direction, which may differ from query to query. "
        "The interval of the places removed comes from how much the queries differ. "
        if queries > 1
        else ""
    )
    quality = (
        " nDCG@10: mean over the shuffles, by your grades."
        if judged
        else " Quality (nDCG@10) is shown once all documents are judged."
    )
    return (
        f"All under the same shuffles. In brackets: 95 % interval. {several}{bias_figures.ABOUT_W} "
        f"{bias_figures.ABOUT_FLIPS} Requests, cost and seconds are those of one ranking, on average; seconds on the "
        f"clock, while all shuffles run at once.{quality}"
    )


def _removed(left: float, helps: bool) -> str:
    if left > 1:
        return f"none (+{percent(left - 1)})"
    return f"{percent(1 - left)}{'' if helps else ', within chance'}"


def _of_one(queries: Sequence[_Query], shown: JobStatus) -> None:
    """The remedies on the query that is shown in detail."""
    one = next((query for query in queries if query.job is shown), None)
    if one is None or len(one.trials) == 1:
        return
    with st.expander("On the query in detail alone", key=f"remedies-of-{shown.id}"):
        _table(compare(list(one.trials.values())))


def _say_missing(queries: Sequence[_Query]) -> None:
    """Which remedies are not compared, since only some of the queries have them."""
    for title in dict.fromkeys(title for query in queries for title in query.trials):
        there = sum(title in query.trials for query in queries)
        if there < len(queries):
            notices.caption(
                f"{title} was tried on {there} of {len(queries)} queries: it is compared once it was on all of them."
            )


def _offer(
    queries: Sequence[_Query], position: int, known: Sequence[Variant], biased: bool, shown: BiasResult | None
) -> None:
    """Which remedies to try, with what each asks and costs; folded away where there is nothing to mend."""
    untried = [variant for variant in known if any(variant.title not in query.trials for query in queries)]
    if not untried:
        return
    key = f"remedies-{queries[0].job.id}-{position}"
    if biased:
        _choose(queries, position, untried, key, [item.title for item in untried if item.title[-11:] != "10 shuffles"])
        return
    notices.caption(_nothing_to_mend(shown, [variant.title for variant in untried], len(queries)))
    with st.expander("Try remedies all the same", key=f"folded-{key}"):
        _choose(queries, position, untried, key, [])


def _nothing_to_mend(shown: BiasResult | None, titles: Sequence[str], queries: int) -> str:
    """Why no remedy is called for."""
    verdict = None if shown is None or queries > 1 else shown.verdict
    if verdict is None:
        return "No bias was found over the queries: there is nothing to mend."
    if verdict.side is not None:
        said = "The order of the input does nothing to this ranking: there is no bias to mend in it."
        surer = " Probability mode may show which document it likes better." if "Probability mode" in titles else ""
        return f"{said} What it lacks is a model that tells the documents apart.{surer}"
    if verdict.finding in {"cannot tell", "repairs", "failed"}:
        return "Whether there is a bias to mend is not known yet."
    return "No bias was found: there is nothing to mend."


def _choose(
    queries: Sequence[_Query], position: int, untried: Sequence[Variant], key: str, first: Sequence[str]
) -> None:
    """The choice of remedies, what each asks of all queries together, and the button that starts them."""
    on = "the same shuffles" if len(queries) == 1 else f"the same shuffles of all {len(queries)} queries"
    wanted = st.multiselect(
        f"Remedies to try, each on {on}", [variant.title for variant in untried], default=list(first), key=key,
        placeholder="Choose one or several",
    )  # fmt: skip
    chosen = [variant for variant in untried if variant.title in wanted]
    if chosen:
        rows = [(variant.title, _asks(queries, position, variant)) for variant in chosen]
        page.html(bias_figures.table(("remedy", "asks"), rows, numbers_from=2, narrow=True))
    if st.button("Try remedies", key="try-remedies", disabled=not chosen):
        with state.explained():
            for query in queries:
                _start(query, position, [item.strategy for item in chosen if item.title not in query.trials])
        st.rerun()


def _asks(queries: Sequence[_Query], position: int, variant: Variant) -> str:
    open_ones = [query for query in queries if variant.title not in query.trials]
    return told(
        [(query.job.query, query.documents) for query in open_ones],
        [with_defaults(variant.strategy)],
        [query.plan(position) for query in open_ones],
    )


def _start(query: _Query, position: int, strategies: Sequence[Strategy]) -> None:
    """Start the remedies of one query. Raises StoreError if they cannot be stored."""
    if strategies:
        state.jobs().start(
            state.session_id(), "bias", query.job.query, query.documents, strategies, state.registry().resolve,
            plan=query.plan(position), budget_usd=state.draft().limit,
        )  # fmt: skip
