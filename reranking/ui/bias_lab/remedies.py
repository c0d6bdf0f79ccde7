"""What would help: variants of a strategy run through the same shuffles, beside each other, and the one to take."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from reranking.analysis.mitigations import Mitigations, compare
from reranking.analysis.verdict import BIASED, Finding
from reranking.jobs import JobStatus
from reranking.strategies.base import Strategy
from reranking.strategies.bias_results import BiasResult
from reranking.strategies.catalogue import with_defaults
from reranking.strategies.remedies import Variant, at_work, variants
from reranking.ui import notices, page, running, state
from reranking.ui.bias_lab import kept
from reranking.ui.bias_lab.choosing import told
from reranking.views import bias_figures
from reranking.views.bias_remedies import Treated, about_remedies, compared, missing, remedies_table, treated
from reranking.views.bias_tests import strategies_of
from reranking.views.grades import whose
from reranking.views.naming import is_installed


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
    found = compared(queries)
    if len(found.rows) > 1:
        _table(found, queries)
    for sentence in missing(queries):
        notices.caption(sentence)
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
        _offer(queries, position, known, found.finding)


def _query(job: JobStatus, position: int, result: BiasResult, known: Sequence[Variant]) -> Treated:
    """What was tried on one query."""
    grades = state.counted_grades(job.query, [item.document for item in job.candidates])
    tried = [
        (each, [kept.result(each, at) for at in range(len(strategies_of(each)))])
        for each in kept.remedy_jobs(job, position)
    ]
    return treated(job, result, tried, known, grades)


def _table(found: Mitigations, queries: Sequence[Treated]) -> None:
    """The rows, the recommended one marked, and the sentence above them."""
    page.html(f"<p class='rl-finding rl-second' role='status'>{escape(found.sentence)}</p>")
    page.html(remedies_table(found))
    notices.caption(about_remedies(found, whose(query.grades for query in queries)))


def _of_one(queries: Sequence[Treated], shown: JobStatus) -> None:
    """The remedies on the query that is shown in detail."""
    one = next((query for query in queries if query.job is shown), None)
    if one is None or len(one.trials) == 1:
        return
    with st.expander("On the query in detail alone", key=f"remedies-of-{shown.id}"):
        _table(compare(list(one.trials.values())), [one])


def _offer(queries: Sequence[Treated], position: int, known: Sequence[Variant], found: Finding) -> None:
    """Which remedies to try, with what each asks and costs; folded away where there is nothing to mend."""
    untried = [variant for variant in known if any(variant.title not in query.trials for query in queries)]
    if not untried:
        return
    key = f"remedies-{queries[0].job.id}-{position}"
    if found in BIASED:
        _choose(queries, position, untried, key, [item.title for item in untried if not item.is_dear])
        return
    by_side = all(query.result.verdict.side is not None for query in queries)
    notices.caption(nothing_to_mend(found, [variant.title for variant in untried], len(queries), by_side=by_side))
    with st.expander("Try remedies all the same", key=f"folded-{key}"):
        _choose(queries, position, untried, key, [])


def nothing_to_mend(found: Finding, titles: Sequence[str], queries: int, *, by_side: bool) -> str:
    """Why no remedy is called for; `by_side` says that the model picks a side of the prompt on every query."""
    if found in {"cannot tell", "repairs", "failed"}:
        return "Whether there is a bias to mend is not known yet."
    if not by_side:
        over = " over the queries" if queries > 1 else ""
        return f"No bias was found{over}: there is nothing to mend."
    surer = " Probability mode may show which document it likes better." if "Probability mode" in titles else ""
    return (
        "The order of the input was not found to change this ranking: there is no bias to mend in it. What it lacks is "
        f"a model that tells the documents apart.{surer}"
    )


def _choose(
    queries: Sequence[Treated], position: int, untried: Sequence[Variant], key: str, first: Sequence[str]
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


def _asks(queries: Sequence[Treated], position: int, variant: Variant) -> str:
    open_ones = [query for query in queries if variant.title not in query.trials]
    return told(
        [(query.job.query, query.documents) for query in open_ones],
        [with_defaults(variant.strategy)],
        [query.plan(position) for query in open_ones],
    )


def _start(query: Treated, position: int, strategies: Sequence[Strategy]) -> None:
    """Start the remedies of one query. Raises StoreError if they cannot be stored."""
    if strategies:
        state.jobs().start(
            state.session_id(), "bias", query.job.query, query.documents, strategies, state.registry().resolve,
            plan=query.plan(position), budget_usd=state.draft().limit,
        )  # fmt: skip
