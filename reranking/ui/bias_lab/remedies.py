"""What would help: variants of a strategy run through the same shuffles, beside each other, and the one to take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from html import escape

import streamlit as st

from reranking.analysis.mitigations import Mitigations, Trial, compare
from reranking.analysis.verdict import percent
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


def show(job: JobStatus, position: int, strategy: Strategy, result: BiasResult) -> None:
    """The remedies of one strategy of a test: those that were tried, and those that can be."""
    if kept.ignores_order(strategy) or not is_installed(strategy):
        return
    known = variants(strategy)
    tried = kept.remedy_jobs(job, position)
    if not known and not tried:
        return
    page.html("<h3 class='rl-heading'>Remedies</h3>")
    trials = _trials(job, tried, result, known)
    if len(trials) > 1:
        _table(compare(trials))
    busy = next((each for each in tried if each.state == "running"), None)
    if busy is not None:
        if st.button("Cancel", key="cancel-remedies"):
            state.jobs().cancel(busy.id)
            st.rerun()
        running.watch(busy)
        return
    for each in tried[-1:]:
        if each.state != "done":
            running.cut_short(each)
    _offer(job, position, strategy, result, [variant for variant in known if variant.title not in _tried(trials)])


def _tried(trials: list[Trial]) -> set[str]:
    return {trial.name for trial in trials}


def _trials(job: JobStatus, tried: list[JobStatus], result: BiasResult, known: list[Variant]) -> list[Trial]:
    """The strategy as it is, then what was tried, each under the name of its remedy; the latest counts."""
    grades = state.grades(job.query, [item.document for item in job.candidates])
    titles = {str(with_defaults(variant.strategy).spec()): variant.title for variant in known}
    found: dict[str, BiasResult] = {}
    for each in tried:
        for at, variant in enumerate(kept.strategies_of(each)):
            other = kept.result(each, at)
            if other is not None and (title := titles.get(str(variant.spec()))) is not None:
                found[title] = other
    ordered: Mapping[str, BiasResult] = {title: found[title] for title in titles.values() if title in found}
    return [result.trial("As is", grades), *(other.trial(title, grades) for title, other in ordered.items())]


def _table(found: Mitigations) -> None:
    """The rows, the recommended one marked, and the sentence above them."""
    page.html(f"<p class='rl-finding rl-second' role='status'>{escape(found.sentence)}</p>")
    judged = any(row.trial.quality is not None for row in found.rows)
    measure = "last to first" if found.measure == "last to first" else "ends to middle"
    heads = ["", f"bias, places ({measure})", "removed", "W", "flip rate", *(["nDCG@10"] if judged else []),
             "requests", "cost", "seconds"]  # fmt: skip
    rows = []
    for row in found.rows:
        trial, name = row.trial, row.trial.name
        name += " (recommended)" if row is found.recommended else f" ({row.unusable})" if row.unusable else ""
        effect = trial.bias.model.last_to_first if found.measure == "last to first" else trial.bias.model.middle
        removed = "–" if row.left is None or trial is found.rows[0].trial else _removed(row.left, row.helps)
        rows.append([
            name, bias_figures.interval(effect), removed, bias_figures.figure(row.w), bias_figures.share(row.flips),
            *([bias_figures.figure(trial.quality)] if judged else []),
            f"{trial.requests:,}", spent(trial.cost_usd), seconds(trial.seconds),
        ])  # fmt: skip
    marked = next((at for at, row in enumerate(found.rows) if row is found.recommended), None)
    page.html(bias_figures.table(heads, rows, marked=marked))
    notices.caption(
        "All under the same shuffles. Requests, cost and seconds are those of one ranking, on average; seconds on the "
        "clock, while all shuffles run at once. In brackets: 95 % interval."
        + (
            " nDCG@10: mean over the shuffles, by your grades."
            if judged
            else " Quality (nDCG@10) is shown once all documents are judged."
        )
    )


def _removed(left: float, helps: bool) -> str:
    if left > 1:
        return f"none (+{percent(left - 1)})"
    return f"{percent(1 - left)}{'' if helps else ', within chance'}"


def _offer(job: JobStatus, position: int, strategy: Strategy, result: BiasResult, untried: list[Variant]) -> None:
    """Which remedies to try, with what each asks and costs."""
    has = at_work(strategy)
    if has:
        notices.caption(f"At work already: {', '.join(has)}.")
    if not untried or job.plan is None or job.state != "done":  # the shuffles of a test cut short are not all there
        return
    # The early stop of the test is its design here: as many shuffles as it took, and no noise control.
    plan = replace(
        job.plan, shuffles=len(result.shuffles), repeats=0, steady=(), within=None, batch="",
        remedies_of=(job.id, position),
    )  # fmt: skip
    documents = tuple(item.document for item in job.candidates)
    offers = {
        variant.title: told([(job.query, documents)], [with_defaults(variant.strategy)], [plan]) for variant in untried
    }
    wanted = st.multiselect(
        "Remedies to try, each on the same shuffles", list(offers), key=f"remedies-{job.id}-{position}",
        default=[title for title in offers if not title.endswith(" 10 shuffles")],
        placeholder="Choose one or several",
    )  # fmt: skip
    if wanted:
        rows = [(title, offers[title]) for title in wanted]
        page.html(bias_figures.table(("remedy", "asks"), rows, numbers_from=2, narrow=True))
    if st.button("Try remedies", key="try-remedies", disabled=not wanted):
        chosen = [variant.strategy for variant in untried if variant.title in wanted]
        with state.explained():
            state.jobs().start(
                state.session_id(),
                "bias",
                job.query,
                documents,
                chosen,
                state.registry().resolve,
                plan=plan,
                budget_usd=state.draft().limit,
            )
        st.rerun()
