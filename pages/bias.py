"""Bias: does the order of the input change the outcome?"""

import streamlit as st

from reranking.documents import has_content
from reranking.ui import bias, page, running, state

entered = page.begin()
documents = entered.documents()

if not has_content(entered.query) or len(documents) < 2:
    page.html(
        "<p class='rl-hint'>A bias test needs a query and at least two documents. Enter them on Compare, "
        "or open an example there.</p>"
    )
    st.page_link("pages/compare.py", label="Go to Compare")
else:
    job = state.latest_job("bias")
    busy = job is not None and job.state == "running"
    chosen = bias.choose(entered, documents, job.parts[0].strategy if job is not None else None)
    if busy:
        if st.button("Cancel", key="cancel-bias"):
            state.jobs().cancel(job.id)
            st.rerun()
        running.watch(job)
    else:
        if chosen is not None and st.button("Run bias test", key="run-bias", type="primary"):
            with state.explained():
                bias.start(entered, documents, *chosen)
            st.rerun()
        if job is None:
            page.html("<p class='rl-hint'>The test ranks the same documents in shuffled orders and shows where each "
                      "input position ended up.</p>")  # fmt: skip
        else:
            if job.state != "done":
                running.cut_short(job)
            bias.show(job)
