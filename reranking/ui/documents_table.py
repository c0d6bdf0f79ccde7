"""The documents as a table that can be edited: cells, rows, and the order in which strategies get them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from reranking.analysis.shuffles import random_orders
from reranking.documents import Document
from reranking.formats.pasted import joined
from reranking.jobs import JobStatus
from reranking.ui import names, notices, state, undo

PLACE = "#"
MOST_CHARACTERS = 2_000_000
"""Of all texts together; where there is more, texts are shown from their beginning and cannot be edited here."""
CUT = 300
ROWS_SHOWN = 10


def documents_table(entered: state.Draft, documents: Sequence[Document]) -> None:
    """The documents as they were read, in a table that opens on demand."""
    count = len(documents)
    label = f"Table: {'the one document' if count == 1 else f'the {count} documents'}, to check, edit and reorder"
    with st.expander(label, key="documents-table", on_change="rerun") as box:
        if box.open:
            with st.container(horizontal=True, vertical_alignment="bottom", key="table-tools"):
                _order(entered, documents)
                _as_text(entered, documents)
            _editor(entered, documents)


def edited(base: Sequence[Document], changes: Mapping[str, Any], *, texts: bool = True) -> tuple[Document, ...]:
    """The documents after the changes that a table of `base` reports: cells, added and deleted rows, and moves.

    A number in the column `#` moves its row to that place. An added row counts once something is
    written in it. With `texts` false, what is reported of texts is left out.
    """
    rows: list[tuple[Document, Any]] = []
    gone = set(changes.get("deleted_rows", ()))
    for at, item in enumerate(base):
        if at not in gone:
            cells = changes.get("edited_rows", {}).get(at, {})
            rows.append((_filled(item, cells, texts), cells.get(PLACE)))
    for cells in changes.get("added_rows", ()):
        if any(cells.get(name) for name in ("id", "title", "text")):
            rows.append((_filled(Document(""), cells, True), cells.get(PLACE)))
    moved = [row for row in rows if row[1] is not None]
    found = [row for row in rows if row[1] is None]
    for row in sorted(moved, key=lambda row: row[1]):
        found.insert(max(0, int(row[1]) - 1), row)
    return tuple(document for document, _ in found)


def ordered_by(status: JobStatus, documents: Sequence[Document]) -> dict[str, tuple[Document, ...]]:
    """The documents in the order of each strategy that ranked them, by its name; none if it ranked others."""
    if Counter(item.document.fingerprint for item in status.candidates) != Counter(d.fingerprint for d in documents):
        return {}
    parts = [part for part in status.parts if part.ranking is not None and part.ranking.outcome != "failed"]
    titles = names.short_names([part.strategy for part in parts])
    return {
        title: tuple(item.candidate.document for item in part.ranking)
        for title, part in zip(titles, parts, strict=True)
        if part.ranking is not None
    }


def _order(entered: state.Draft, documents: Sequence[Document]) -> None:
    """Other orders: a strategy's, or one drawn with a seed."""
    job = state.latest_job("comparison")
    orders = {} if job is None else ordered_by(job, documents)
    if not orders:
        st.button(
            "Order by", key="no-order-by", disabled=True, icon=":material/sort:",
            help="Run first: then the documents can be put into the order of any strategy.",
        )  # fmt: skip
    elif (
        chosen := st.menu_button(
            "Order by", list(orders), key="order-by", icon=":material/sort:", format_func=notices.label,
            help="Give the strategies the documents in the order of one that has ranked them.",
        )
    ) is not None:  # fmt: skip
        _take(entered, orders[chosen], f"ordered by {chosen}")
    if st.button("Shuffle", key="shuffle", icon=":material/shuffle:", disabled=len(documents) < 2):
        seed = int(st.session_state.get("shuffle-seed", 1))
        order = random_orders(len(documents), 1, seed)[0]
        _take(entered, [documents[at] for at in order], f"shuffled with seed {seed}")
    st.number_input("Seed", 0, 2**31 - 1, 1, key="shuffle-seed", width=110, help="The same seed, the same order.")


def _as_text(entered: state.Draft, documents: Sequence[Document]) -> None:
    """Back to a text area, where that loses no text; what is lost otherwise is said."""
    if entered.loaded is None:
        return
    found = joined([item.text for item in documents])
    lost = [name for name in ("title", "id", "metadata") if any(getattr(item, name) for item in documents)]
    without = f" Without {' and '.join(lost)}, which text cannot hold." if lost else ""
    if st.button(
        "Turn into text", key="as-text", icon=":material/notes:", disabled=found is None,
        help=f"Edit the documents as pasted text.{without}" if found else
        "These texts cannot be told apart once they stand in one text: some are empty or hold the separators.",
    ) and found is not None:  # fmt: skip
        undo.before("documents", "turned into text", text=True)
        entered.loaded, entered.source = None, ""
        entered.text, entered.split = found
        _shown_anew()


def _editor(entered: state.Draft, documents: Sequence[Document]) -> None:
    key = state.widget_key("table")
    # The editor reports changes to what it was first given, so that stays until something else changes the documents.
    if key not in st.session_state:
        st.session_state[f"{key}-of"] = tuple(documents)
    base: tuple[Document, ...] = st.session_state[f"{key}-of"]
    short = sum(len(item.text) for item in base) <= MOST_CHARACTERS
    st.data_editor(
        {
            PLACE: list(range(1, len(base) + 1)),
            "id": [item.id for item in base],
            "title": [item.title for item in base],
            "text": [item.text if short else item.text[:CUT] for item in base],
        },
        key=key,
        num_rows="dynamic",
        hide_index=True,
        height=min(len(base) + 2, ROWS_SHOWN) * 35 + 2,
        disabled=[] if short else ["text"],
        column_config={
            PLACE: st.column_config.NumberColumn(width=60, min_value=1, step=1, help="Another number moves it"),
            "id": st.column_config.TextColumn(width=100),
            "title": st.column_config.TextColumn(width=220),
            "text": st.column_config.TextColumn(width="large"),
        },
    )  # fmt: skip
    notices.caption(
        "Double-click a cell to edit it. Another number under # moves that document. Tick rows to delete them; write "
        "into the last row to add one." + ("" if short else " The texts are too long to be edited here.")
    )
    changes = st.session_state[key]
    new = edited(base, changes, texts=short)
    if new != tuple(documents):
        undo.before("documents", "edited the table")
        entered.load(new, entered.source if entered.loaded is not None else "pasted text")
        if any(PLACE in cells for cells in [*changes["edited_rows"].values(), *changes["added_rows"]]):
            _shown_anew()
        state.keep()
        st.rerun()


def _filled(item: Document, cells: Mapping[str, Any], texts: bool) -> Document:
    """The document with the cells that were written; an emptied id or title is none."""
    values: dict[str, Any] = {name: cells[name] or None for name in ("id", "title") if name in cells}
    if texts and "text" in cells:
        values["text"] = cells["text"] or ""
    return replace(item, **values) if values else item


def _take(entered: state.Draft, documents: Sequence[Document], done: str) -> None:
    undo.before("documents", done)
    entered.load(documents, entered.source if entered.loaded is not None else "pasted text")
    _shown_anew()


def _shown_anew() -> None:
    state.refresh_widgets()
    state.keep()
    st.rerun()
