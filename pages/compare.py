"""Compare: enter a query and documents, run strategies side by side, see what each one did."""

import streamlit as st

from reranking.ui import (
    columns_view,
    inputs,
    notices,
    overview,
    page,
    results,
    running,
    selection,
    spending,
    state,
    strategy_set,
)

top = page.begin_editing()
entered = state.draft()
selection.come_back()
at_work = state.is_at_work("comparison")

with st.container(horizontal=True, vertical_alignment="center", key="query-line"):
    inputs.query_box(entered)
    action = st.empty()

inputs.run_on_enter()
documents = inputs.documents_box(entered)
with st.sidebar:
    cost = st.container(key="cost-of-run")
    strategy_set.strategy_set(entered, documents)
    with cost:
        spending.run_line(entered, strategy_set.predictions(entered, documents))
state.keep()
page.show_session(top, entered, documents)
state.warm_up(entered)
job = state.latest_job("comparison")
if job is not None or not entered.is_empty():
    overview.prepare()
busy = job is not None and job.state == "running"
if at_work and not busy:
    st.rerun()  # it ended while what stands above was drawn, which shows it as still running
missing = inputs.problems(entered, documents)
if busy:
    if action.button("Cancel", key="cancel", width=140):
        state.jobs().cancel(job.id)
        st.rerun()
elif action.button("Run", key="run", type="primary", shortcut="ctrl+enter", width=140):
    if missing:
        for sentence in missing:
            notices.notice("error", sentence)
    else:
        with state.explained():
            state.start_comparison(entered, documents)
        st.rerun()

if entered.is_empty() and job is None:
    inputs.example_cards(entered)
elif job is None:
    page.html("<p class='rl-hint'>Results appear here after Run.</p>")
elif busy:
    overview.preload()
    running.watch(job, columns_view.Finished(job))
else:
    if job.state != "done":
        running.cut_short(job)
    place = st.empty()  # kept free, so that the charts below stay where they are and are not drawn anew
    if changed := results.outdated(job, entered):
        with place.container(horizontal=True, vertical_alignment="center", key="outdated"):
            notices.notice("info", changed)
            results.way_back(job, entered)
    results.show(job)
