"""Rankings from elsewhere, as a CSV of runs, analysed in the same way."""

from __future__ import annotations

import streamlit as st

from reranking.analysis.bias import Bias, analyse
from reranking.analysis.verdict import verdict
from reranking.formats.bias_runs import BiasTable, read_bias_runs
from reranking.formats.loaded import FormatError
from reranking.formats.read import decode
from reranking.ui import notices
from reranking.ui.bias_lab.details import details


def foreign() -> None:
    """An upload, the choice of a table where it holds several, and what it shows."""
    file = st.file_uploader(
        "CSV with the columns run, input position, document, output rank", type=["csv"], key="bias-foreign",
        help="Optional columns: query, strategy, repeat (yes for runs of the noise control), repaired.",
    )  # fmt: skip
    if file is None:
        return
    try:
        tables = _read(file.getvalue())
    except FormatError as error:
        notices.notice("error", f"{file.name}: {error}")
        return
    titles = [" · ".join(part for part in (table.strategy, table.query) if part) or file.name for table in tables]
    at = 0
    if len(tables) > 1:
        at = st.selectbox(
            "Table",
            range(len(tables)),
            key="bias-foreign-table",
            format_func=lambda at: titles[at][:120],
        )
    table = tables[at]
    if not table.runs:
        notices.notice("info", "This table holds repeats of one order only: there are no shuffles to analyse.")
        return
    try:
        bias = _analysed(table)
    except ValueError as error:
        notices.notice("error", f"{file.name}: {error}")
        return
    labels = [f"{number}. {name}" for number, name in enumerate(table.names, start=1)]
    details(bias, verdict(bias), labels, f"foreign-{at}", title=titles[at])


@st.cache_resource(max_entries=4, show_spinner=False)
def _read(data: bytes) -> list[BiasTable]:
    return read_bias_runs(decode(data))


@st.cache_resource(max_entries=16, show_spinner=False, hash_funcs={BiasTable: repr})
def _analysed(table: BiasTable) -> Bias:
    return analyse(table.runs, repeats=table.repeats)
