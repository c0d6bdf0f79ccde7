"""Files to take away: the rankings as CSV or JSON, and the queries with their documents as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from reranking.api import Comparison
from reranking.formats.loaded import Input
from reranking.formats.written import inputs_json, rankings_csv
from reranking.jobs import JobStatus
from reranking.ranking import Ranking
from reranking.ui import names, notices, reporting, state
from reranking.wording import file_stem


def export_menu(entered: state.Draft) -> None:
    """A menu of what can be saved as a file; what is in a file is made when it is asked for."""
    with st.popover("Export", key="export", type="tertiary", icon=":material/download:", on_change="rerun") as box:
        if not box.open:
            return
        status = state.latest_job("comparison")
        if status is not None and any(part.ranking is not None for part in status.parts):
            name, named = file_stem(status.query), _named(status)
            st.download_button(
                "Rankings as CSV", lambda: rankings_csv(status.query, named), f"{name}-rankings.csv", "text/csv",
                key="export-csv", on_click="ignore", width="stretch",
            )  # fmt: skip
            st.download_button(
                "Rankings as JSON", lambda: results_json(status), f"{name}-rankings.json", "application/json",
                key="export-json", on_click="ignore", width="stretch",
            )  # fmt: skip
            notices.caption("Rank, tie, id and score per strategy; in JSON with explanations, usage and diagnostics.")
            reporting.button(status.session, entered.query, "export-report")
            notices.caption("One HTML file of the whole session, with charts and bias tests, to send to a colleague.")
        every = entered.queries()
        what = "Query and documents" if len(every) == 1 else f"All {len(every)} queries and their documents"
        st.download_button(
            f"{what} as JSON", lambda: documents_json(every), f"{file_stem(entered.query)}-documents.json",
            "application/json", key="export-documents", on_click="ignore", width="stretch",
        )  # fmt: skip
        notices.caption("Upload reads this file back as it is.")


def results_json(status: JobStatus) -> str:
    """The rankings that are there, as the command line prints them."""
    rankings = tuple(part.ranking for part in status.parts if part.ranking is not None)
    value = Comparison(status.query, tuple(status.candidates), rankings).to_json()
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def documents_json(queries: Sequence[state.Entered]) -> str:
    """The queries with their documents, as Upload reads them back."""
    return inputs_json([Input(one.query or None, one.documents()) for one in queries])


def _named(status: JobStatus) -> list[tuple[str, Ranking]]:
    """The rankings that are there, with the names that the screen uses."""
    parts = [part for part in status.parts if part.ranking is not None]
    titles = names.short_names([part.strategy for part in parts])
    return [(title, part.ranking) for title, part in zip(titles, parts, strict=True) if part.ranking is not None]
