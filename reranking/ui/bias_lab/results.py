"""What a test of the session shows: each strategy in a row, several queries together, one result in full."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from statistics import fmean

import streamlit as st

from reranking.analysis.bias_runs import BiasRun, bias_run
from reranking.analysis.pooled_bias import pool
from reranking.formats.bias_runs import BiasTable, write_bias_runs
from reranking.jobs import JobStatus
from reranking.strategies.base import Strategy
from reranking.strategies.bias_results import BiasResult, Ran
from reranking.ui import names, notices, page
from reranking.ui.bias_lab import kept, remedies
from reranking.ui.bias_lab.details import details
from reranking.views import bias_figures
from reranking.views.amounts import spent


def show(jobs: Sequence[JobStatus]) -> None:
    """The results of jobs that were started together: one for each query, all of the same strategies."""
    strategies = kept.strategies_of(jobs[0])
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
    number = _which_query(jobs, found, position, test)
    result = found.get((number, position))
    if result is None:
        notices.notice("info", "There is no result yet.")
        return
    job, strategy = jobs[number], strategies[position]
    details(
        result.bias, result.verdict, bias_figures.document_names(job.candidates), f"{job.id}-{position}",
        title=titles[position] if len(strategies) > 1 else "",
        pairwise=result.pairwise, slots=result.slots, remarks=_remarks(strategy, result, job),
    )  # fmt: skip
    for run in result.shuffles:
        if run.ranking.outcome == "failed":
            page.html(f"<div class='rl-note rl-note-failed'>{escape(run.ranking.diagnostics[0].message)}</div>")
            break
    notices.caption(_took(strategy, result))
    st.download_button(
        "Raw runs (CSV)", lambda: raw_runs(jobs), f"bias-{test}.csv", "text/csv", key=f"csv-{test}",
        help="One row for each run and document: run, input position, document, output rank.",
    )  # fmt: skip
    mine = [found.get((at, position)) for at in range(len(jobs))]
    remedies.show(jobs, position, strategy, mine, number)


def _which_strategy(found: Mapping[tuple[int, int], BiasResult], titles: Sequence[str], test: str) -> int:
    """A row for each strategy where there are several, and the choice of one."""
    if len(titles) == 1:
        return 0
    heads = (
        "strategy",
        "finding",
        "last to first, places (95 %)",
        "W",
        "flip rate",
        "noise, places",
        "requests",
        "cost",
    )
    rows = []
    for position, title in enumerate(titles):
        mine = [result for (_, at), result in found.items() if at == position]
        rows.append(_row(title, mine) if mine else (title, "no result", *["–"] * 6))
    page.html(bias_figures.table(heads, rows, numbers_from=2))
    notices.caption(
        "Places that a document gains by being moved from last to first: 0 is no bias, negative means that later "
        f"documents are favoured. {bias_figures.ABOUT_W} {bias_figures.ABOUT_FLIPS} Noise: how far documents move "
        "when the same order is repeated."
    )
    chosen = st.selectbox("Details of", range(len(titles)), key=f"details-of-{test}", format_func=lambda at: titles[at])
    return int(chosen)


def _row(title: str, mine: Sequence[BiasResult]) -> tuple[str, ...]:
    """One strategy in a line; of several queries their means, and in how many there is a trend."""
    together = pool([one.bias for one in mine])
    word = bias_figures.word(mine[0].verdict)
    effect = None if mine[0].verdict.finding == "repairs" else mine[0].bias.model.last_to_first
    if len(mine) > 1:
        effect = together.last_to_first
        word = f"earlier favoured in {together.earlier}, later in {together.later} of {len(mine)} queries"
    stable = [one.bias.shuffled for one in mine if one.bias.shuffled is not None]
    moved = [one.bias.noise.stability.moved for one in mine if one.bias.noise is not None]
    costs = [one.cost_usd for one in mine]
    known = [cost for cost in costs if cost is not None]
    return (
        title,
        word,
        bias_figures.interval(effect),
        bias_figures.figure(_mean(one.w for one in stable)),
        bias_figures.share(_mean(one.flips for one in stable)),
        "none" if mine[0].steady else bias_figures.places(_mean(moved)),
        f"{sum(one.requests for one in mine):,}",
        spent(sum(known) if len(known) == len(costs) else None),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _which_query(
    jobs: Sequence[JobStatus], found: Mapping[tuple[int, int], BiasResult], position: int, test: str
) -> int:
    """All queries together where there are several, and the choice of one."""
    if len(jobs) == 1:
        return 0
    numbers = [number for number in range(len(jobs)) if (number, position) in found]
    biases = [found[number, position].bias for number in numbers]
    if biases:
        together = pool(biases)
        page.html(f"<p class='rl-finding' role='status'>{escape(together.sentence)}</p>")
        rows = [
            (
                jobs[number].query[:100], bias_figures.word(found[number, position].verdict),
                bias_figures.interval(bias.model.last_to_first), bias_figures.p(p),
            )
            for number, bias, p in zip(numbers, biases, together.p, strict=True)
        ]  # fmt: skip
        page.html(bias_figures.table(("query", "finding", "last to first, places (95 %)", "p"), rows, numbers_from=2))
    chosen = st.selectbox(
        "Query in detail", range(len(jobs)), key=f"query-of-{test}",
        format_func=lambda number: jobs[number].query[:100],
    )  # fmt: skip
    return int(chosen)


def _remarks(strategy: Strategy, result: BiasResult, job: JobStatus) -> list[str]:
    """What the strategy declares, against what was seen; and what early stopping did."""
    remarks = []
    if kept.ignores_order(strategy):
        title = names.title(strategy)
        if result.bias.unmoved or result.verdict.finding == "all tied":
            remarks.append(f"{title} cannot depend on the order, and does not.")
        elif result.steady:
            remarks.append(f"{title} says that it does not depend on the order, yet its rankings differ: a fault.")
        else:
            remarks.append(f"{title} cannot depend on the order: what differs is the model's own variation.")
    if job.plan is not None and job.plan.within is not None and job.state == "done":
        of = f"{job.plan.shuffles} shuffles"
        remarks.append(
            f"Stopped early: {result.saved} of {of} were not needed." if result.saved else f"All {of} were needed."
        )
    stopping = None if job.plan is None else job.plan.stopping(len(job.candidates))
    if stopping is not None:
        remarks.append(stopping.promise)
    return remarks


def _took(strategy: Strategy, result: BiasResult) -> str:
    requests, cost = result.requests, result.cost_usd
    asked = f"{requests:,} request{'' if requests == 1 else 's'}, cost {spent(cost)}"
    runs = f"{result.bias.used} shuffles" + (f" and {len(result.repeats)} repeats" if result.repeats else "")
    return f"{names.full_name(strategy)}: {runs}, {asked if requests else 'no model was asked'}."


def raw_runs(jobs: Sequence[JobStatus]) -> str:
    """The runs of jobs as CSV, those of all strategies and queries."""
    tables = []
    for job in jobs:
        ids = tuple(bias_figures.document_ids(job.candidates))
        strategies = kept.strategies_of(job)
        for position, name in enumerate(names.short_names(strategies)):
            result = kept.result(job, position)
            if result is not None:
                shuffles, repeats = (_runs(ran) for ran in (result.shuffles, result.repeats))
                tables.append(BiasTable(shuffles, ids, job.query, name, repeats))
    return write_bias_runs(tables)


def _runs(ran: Sequence[Ran]) -> tuple[BiasRun, ...]:
    return tuple(bias_run(run.order, run.ranking) for run in ran)
