"""The columns with what chooses and orders the documents in them, apart from the rest of the page.

A change here runs this part again and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from reranking.jobs import JobStatus, Part
from reranking.ui import columns, cut_line, filters, notices, page, selection, state
from reranking.ui.columns import Look
from reranking.ui.filters import DISAGREEMENT, INPUT, Filters
from reranking.ui.names import NAMING
from reranking.views.compared import Compared
from reranking.views.grades import Grades
from reranking.views.naming import model_notes

LISTED = (10, 25, 50, 100, 500)
USUAL = 25
VIEWS = {"rank": "by rank", "document": "by document"}
ORDERS = {INPUT: "the input", DISAGREEMENT: "disagreement, the most first"}
COLUMNS = "columns"
FOLLOW_THE_CUT = (COLUMNS, "agreement", "two", "distributions")
"""The parts of the page, by their fragments' keys, that show the cut."""

FILTERS = ("moved", "apart", "contains")


@st.fragment(key=COLUMNS)
def show(found: Compared, grades: Grades) -> None:
    """The controls, and the columns below them."""
    _forget_filters(found)
    count = len(found.documents)
    with st.container(horizontal=True, vertical_alignment="top", key="columns-controls"):
        aligned = _aligned()
        texts = st.segmented_control(
            "Texts", ["start", "full"], default="start", key="texts", bind="query-params", required=True
        )
        against = _against(found)
        top = _top(count)
        cut = _cut(count)
    order: filters.Order = INPUT
    with (
        st.expander("Filter and sort", expanded=_filtering(), key="filter-and-sort"),
        st.container(horizontal=True, vertical_alignment="bottom", key="columns-filters"),
    ):
        chosen = _filters(count, top)
        if aligned == "document":
            order = _order(found)
    notes = tuple(note(part) for part in found.parts)
    shown = filters.listed(found, chosen, against, order)
    cells = min(len(shown), top) * len(found.parts)
    full = columns.text_length(cells) if texts == "full" else 0
    start = cells <= columns.MANY
    look = Look(against, full, start, tuple(sorted(grades.words.items())), notes)
    page.html(columns.legend(found, against))
    if not shown:
        notices.notice("info", "No document meets the filters: change or clear them.")
    elif len(shown) < count and (aligned == "document" or _filtering()):
        filtered = "meet the filters" if _filtering() else "are listed"
        among = f" among the first {top} of a strategy" if top < count else ""
        notices.caption(f"{len(shown)} of {count} documents {filtered}{among}.")
    elif top < count:
        notices.caption(f"The first {top} of {count} documents of each strategy are listed.")
    if aligned == "document":
        page.html(cut_line.by_document(found, cut, shown))
        page.html(columns.by_document(found, look, shown))
    else:
        if not start and not full:
            notices.caption("So many are listed by their titles alone. Press one to read it.")
        page.html(cut_line.by_rank(found, cut, shown, top))
        page.html(columns.by_rank(found, look, shown, top))


class Finished:
    """The columns of the strategies that are over while others of the job still run."""

    def __init__(self, job: JobStatus) -> None:
        self._job = job

    def __call__(self, parts: Sequence[Part], query: str) -> None:
        """Show the columns that are there by now."""
        found = Compared.of(replace(self._job, parts=list(parts)), NAMING)
        if found.parts:
            notes = tuple(note(part) for part in found.parts)
            every = tuple(range(len(found.documents)))
            page.html(columns.by_rank(found, Look(notes=notes, pick=False), every, USUAL))


def note(part: Part) -> str:
    """What must be known of the models that a strategy asks, such as `embedded (weak)`."""
    return model_notes(part.strategy, state.model_note)


def _aligned() -> str:
    """How the columns are aligned, which the URL keeps as the view."""
    known = selection.selected_view(list(VIEWS))

    def choose() -> None:
        selection.select_view(None if st.session_state["aligned"] == "rank" else st.session_state["aligned"])

    st.session_state["aligned"] = known
    st.segmented_control(
        "Aligned", list(VIEWS), key="aligned", format_func=lambda view: VIEWS[view], on_change=choose, required=True
    )
    return known


def _against(found: Compared) -> int | None:
    """What movement is measured against: a strategy's number, or None for the input."""
    names = ["the input", *found.names]
    usable = [at for at, ranking in enumerate(found.rankings) if ranking.outcome != "failed"]
    chosen = st.selectbox(
        "Movement against", [-1, *usable], key="against", format_func=lambda at: names[at + 1], width=220
    )
    return None if chosen == -1 else chosen


def _top(count: int) -> int:
    """How many documents of each list are shown."""
    if count <= LISTED[0]:
        return count
    options = [number for number in LISTED if number < count] + [count]
    usual = min(count, USUAL) if min(count, USUAL) in options else count
    return st.segmented_control(
        "Listed of each", options, default=usual, key="listed", required=True,
        format_func=lambda number: "all" if number == count else str(number),
    ) or count  # fmt: skip


def _cut(count: int) -> int:
    """The k of the top k, where a line is drawn."""

    def choose() -> None:
        chosen = st.session_state["cut"]
        selection.select_cut(None if chosen == min(selection.DEFAULT_CUT, count) else chosen)
        page.draw_again(FOLLOW_THE_CUT)

    st.session_state["cut"] = selection.selected_cut(count)
    found: int = st.number_input("Cut after rank", 1, max(count, 1), key="cut", on_change=choose, width=130)
    return found


def _filters(count: int, top: int) -> Filters:
    contains = st.text_input("Contains", key="contains", bind="query-params", width=220, type="search")
    moved = st.number_input(
        "Moved at least", 0, max(count - 1, 0), key="moved", bind="query-params", width=130,
        help="Places, by at least one strategy",
    )  # fmt: skip
    apart = st.number_input(
        "Disagreement at least", 0, max(count - 1, 0), key="apart", bind="query-params", width=170,
        help="Places between a document's best and its worst rank",
    )  # fmt: skip
    st.button("Clear", key="clear-filters", disabled=not _filtering(), on_click=_clear)
    return Filters(top, int(moved), int(apart), contains or "")


def _forget_filters(found: Compared) -> None:
    """Filters of another session do not hold for this one; those of the address that was opened do."""
    if st.session_state.setdefault("columns-of", found.job.session) != found.job.session:
        st.session_state["columns-of"] = found.job.session
        _clear()


def _filtering() -> bool:
    return any(st.session_state.get(name) for name in FILTERS)


def _clear() -> None:
    for name in FILTERS:
        st.session_state[name] = "" if name == "contains" else 0


def _order(found: Compared) -> filters.Order:
    """By what the rows are sorted."""
    usable = [at for at, ranking in enumerate(found.rankings) if ranking.outcome != "failed"]
    options: list[filters.Order] = [INPUT, DISAGREEMENT, *usable]

    def name(order: filters.Order) -> str:
        return f"rank of {found.names[order]}" if isinstance(order, int) else ORDERS[order]

    return st.selectbox("Rows by", options, key="rows", width=240, format_func=name)
