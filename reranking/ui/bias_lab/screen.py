"""The parts of the screen in their order: what was found, what runs, what to run next."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from reranking.jobs import JobStatus
from reranking.ui import notices, page, running, state
from reranking.ui.bias_lab import choosing, kept, results
from reranking.ui.names import NAMING
from reranking.views.bias_tests import BiasTest


def earlier_tests() -> BiasTest | None:
    """The choice among the tests of the session, where there are several. Returns the chosen one."""
    every = kept.tests()
    now = kept.chosen(every)
    if now is None or len(every) == 1:
        return now
    key = f"bias-test-{len(every)}"  # a new test is the one to look at
    picked = st.selectbox(
        "Bias tests of this session", every, index=[test.id for test in every].index(now.id), key=key,
        format_func=lambda test: test.label(NAMING),
    )  # fmt: skip
    if picked.id != now.id:
        kept.choose(picked)
    return picked


def test(chosen: BiasTest) -> None:
    """A test at work, cut short or done, with its results so far."""
    jobs = [status for row in chosen.rows if (status := state.jobs().status(row.id)) is not None]
    busy = [job for job in jobs if job.state == "running"]
    if busy:
        if st.button("Cancel", key="cancel-bias"):
            for job in busy:
                state.jobs().cancel(job.id)
            st.rerun()
        for job in busy:
            running.watch(job)
        return
    _outdated(jobs)
    for job in jobs:
        if job.state != "done":
            running.cut_short(job)
            break
    results.show(jobs)


def new_test(entered: state.Draft, *, is_first: bool) -> None:
    """What to run; folded away where there are results to read."""
    if is_first:
        page.html(
            "<p class='rl-hint'>The test ranks the same documents in shuffled orders. It shows whether a document ends "
            "higher for being given earlier, and what would help.</p>"
        )
    with st.expander("New bias test", expanded=is_first, key="new-bias-test"):
        chosen = choosing.choose(entered)
        if st.button("Run bias test", key="run-bias", type="primary", disabled=chosen is None) and chosen is not None:
            with state.explained():
                choosing.start(chosen)
            st.rerun()


def _outdated(jobs: Sequence[JobStatus]) -> None:
    """Say so where the test is not about what is entered now."""
    entered = state.draft()
    now = [(one.query, one.documents()) for one in entered.queries()]
    of = [(job.query, tuple(item.document for item in job.candidates)) for job in jobs]
    if any(one not in now for one in of):
        about = f"“{jobs[0].query[:80]}”" if len(jobs) == 1 else f"{len(jobs)} queries"
        notices.caption(f"This test is about {about}, with the documents as they were then.")
