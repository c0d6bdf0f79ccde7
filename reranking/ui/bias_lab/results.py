"""What a test of the session shows: each strategy in a row, several queries together, one result in full."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from reranking.analysis.bias_runs import BiasRun, bias_run
from reranking.formats.bias_runs import BiasTable, write_bias_runs
from reranking.jobs import JobStatus
from reranking.strategies.bias_results import Ran
from reranking.ui import names, notices, page
from reranking.ui.bias_lab import kept, remedies
from reranking.ui.bias_lab.details import about, details
from reranking.views import bias_figures
from reranking.views.bias_results import (
    ABOUT_STRATEGIES,
    Results,
    queries_table,
    remarks,
    strategies_table,
    together,
    took,
    why_run_failed,
)
from reranking.views.bias_tests import strategies_of


def show(jobs: Sequence[JobStatus]) -> None:
    """The results of jobs that were started together: one for each query, all of the same strategies."""
    strategies = strategies_of(jobs[0])
    titles = names.short_names(strategies)
    found = {
        (number, position): result
        for number, job in enumerate(jobs)
        for position in range(len(strategies))
        if (result := kept.result(job, position)) is not None
    }
    if not found:
        return
    test = jobs[0].id
    position = _which_strategy(found, titles, test)
    number = _which_query(jobs, found, position, test, names.full_name(strategies[position]))
    result = found.get((number, position))
    if result is None:
        notices.notice("info", "There is no result yet.")
        return
    job, strategy = jobs[number], strategies[position]
    details(
        result.bias, result.verdict, bias_figures.document_names(job.candidates), f"{job.id}-{position}",
        title=names.full_name(strategy),
        pairwise=result.pairwise, slots=result.slots,
        remarks=remarks(names.title(strategy), result, job, ignores_order=kept.ignores_order(strategy)),
    )  # fmt: skip
    if why := why_run_failed(result):
        page.html(f"<div class='rl-note rl-note-failed'>{escape(why)}</div>")
    notices.caption(took(names.full_name(strategy), result))
    st.download_button(
        "Raw runs (CSV)", lambda: raw_runs(jobs), f"bias-{test}.csv", "text/csv", key=f"csv-{test}",
        on_click="ignore",
        help="One row for each run and document: run, input position, document, output rank.",
    )  # fmt: skip
    mine = [found.get((at, position)) for at in range(len(jobs))]
    remedies.show(jobs, position, strategy, mine, number)


def _which_strategy(found: Results, titles: Sequence[str], test: str) -> int:
    """A row for each strategy where there are several, and the choice of one."""
    if len(titles) == 1:
        return 0
    page.html(strategies_table(found, titles))
    notices.caption(ABOUT_STRATEGIES)
    chosen = st.selectbox("Details of", range(len(titles)), key=f"details-of-{test}", format_func=lambda at: titles[at])
    return int(chosen)


def _which_query(jobs: Sequence[JobStatus], found: Results, position: int, test: str, name: str) -> int:
    """All queries together where there are several, and the choice of one."""
    if len(jobs) == 1:
        return 0
    pooled = together(found, position)
    if pooled is not None:
        page.html(f"<p class='rl-finding' role='status'>{about(name)}{escape(pooled.sentence)}</p>")
        page.html(queries_table([job.query for job in jobs], found, position, pooled))
    chosen = st.selectbox(
        "Query in detail", range(len(jobs)), key=f"query-of-{test}",
        format_func=lambda number: jobs[number].query[:100],
    )  # fmt: skip
    return int(chosen)


def raw_runs(jobs: Sequence[JobStatus]) -> str:
    """The runs of jobs as CSV, those of all strategies and queries."""
    tables = []
    for job in jobs:
        ids = tuple(bias_figures.document_ids(job.candidates))
        strategies = strategies_of(job)
        for position, name in enumerate(names.short_names(strategies)):
            result = kept.result(job, position)
            if result is not None:
                shuffles, repeats = (_runs(ran) for ran in (result.shuffles, result.repeats))
                tables.append(BiasTable(shuffles, ids, job.query, name, repeats))
    return write_bias_runs(tables)


def _runs(ran: Sequence[Ran]) -> tuple[BiasRun, ...]:
    return tuple(bias_run(run.order, run.ranking) for run in ran)
