"""One strategy on one query: the verdict in words, the pictures behind it, the figures, the runs of each document."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from reranking.analysis.bias import Bias
from reranking.analysis.pairwise_bias import PairwiseBias
from reranking.analysis.slots import SlotBias
from reranking.analysis.verdict import Verdict, slot_finding
from reranking.charts.bias import position_heatmap
from reranking.charts.position_effects import position_effects, slot_effects
from reranking.charts.rank_intervals import rank_intervals
from reranking.charts.verdict_matrix import verdict_matrix
from reranking.ui import drawing, notices, page
from reranking.views import bias_figures
from reranking.views.bias_results import (
    ABOUT_EFFECTS,
    ABOUT_HEATMAP,
    ABOUT_INTERVALS,
    ABOUT_MATRIX,
    WITHOUT_PICTURES,
    about_pairs,
    about_slots,
    all_figures,
    telling_slots,
)


def details(
    bias: Bias,
    verdict: Verdict,
    labels: Sequence[str],
    key: str,
    *,
    title: str = "",
    pairwise: PairwiseBias | None = None,
    slots: Sequence[SlotBias] = (),
    remarks: Sequence[str] = (),
) -> None:
    """Everything about one result. `labels[document]` is what a document is called; `key` is this result's own."""
    finding(verdict, title, remarks)
    if verdict.finding == "failed":
        return
    if verdict.finding not in WITHOUT_PICTURES:
        left, right = st.columns(2)
        with left:
            drawing.draw(
                position_heatmap(bias, page.is_dark()), f"heat-{key}",
                ABOUT_HEATMAP,
            )  # fmt: skip
        with right:
            drawing.draw(
                position_effects(bias, page.is_dark()), f"effects-{key}",
                ABOUT_EFFECTS,
            )  # fmt: skip
        _intervals(bias, labels, key)
    if pairwise is not None and pairwise.documents:
        _pairs(bias, pairwise, labels, key)
    _slots(bias, slots, key)
    with st.expander("All figures", key=f"figures-{key}"):
        page.html(all_figures(bias))


def finding(verdict: Verdict, title: str, remarks: Sequence[str] = ()) -> None:
    """The verdict below `title`, which says of what it is, and what else is to be known in smaller type."""
    head = about(title) if title else ""
    said = escape(" ".join(part for part in (verdict.sentence, verdict.also) if part))
    page.html(f"<p class='rl-finding' role='status'>{head}{said}</p>")
    rest = " ".join((*verdict.remarks, *remarks))
    if rest:
        notices.caption(rest)


def about(title: str) -> str:
    """The line above a verdict that says of what it is, as HTML."""
    return f"<span class='rl-finding-of'>{escape(title)}</span> "


def _intervals(bias: Bias, labels: Sequence[str], key: str) -> None:
    """The rank interval of each document; a click on one, or the choice below, shows all its runs."""
    chart, picker = f"intervals-{key}", f"document-{key}"
    listed = bias.debiased_order or bias.documents
    chosen: int | None = st.session_state.get(picker)
    figure = rank_intervals(bias, labels, page.is_dark(), chosen)

    def pick() -> None:
        points = st.session_state[chart].selection.points
        documents = [point["customdata"] for point in points if point.get("customdata") is not None]
        if documents:
            first = documents[0]
            st.session_state[picker] = int(first[0] if isinstance(first, list) else first)

    drawing.draw(figure, chart, ABOUT_INTERVALS, pick)
    st.selectbox(
        "All runs of one document", listed, index=None, key=picker, placeholder="Choose a document, or click it above",
        format_func=lambda document: labels[document],
    )  # fmt: skip
    if chosen in bias.documents:
        page.html(_runs(bias, int(chosen)))


def _runs(bias: Bias, document: int) -> str:
    """Each run of a document: where it was given, where it ended."""
    at = bias.documents.index(document)
    observed = bias.observed
    rows = [
        (f"{run + 1}", f"{observed.places[row, at] + 1}", f"{observed.ranks[row, at]:g}")
        for row, run in enumerate(observed.kept)
    ]
    rows.sort(key=lambda row: int(row[1]))
    return bias_figures.table(("shuffle", "given at", "ended at rank"), rows, numbers_from=0, narrow=True)


def _pairs(bias: Bias, pairwise: PairwiseBias, labels: Sequence[str], key: str) -> None:
    page.html("<h3 class='rl-heading'>Pairs within the prompt</h3>")
    notices.caption(about_pairs(pairwise))
    drawing.draw(
        verdict_matrix(pairwise, labels, page.is_dark(), bias.debiased_order), f"matrix-{key}",
        ABOUT_MATRIX,
    )  # fmt: skip


def _slots(bias: Bias, slots: Sequence[SlotBias], key: str) -> None:
    """By slot of the prompt, where prompts show neither pairs nor always the whole list."""
    several = telling_slots(bias, slots)
    if not several:
        return
    page.html("<h3 class='rl-heading'>Slots within the prompt</h3>")
    for found in several:
        if said := slot_finding(found):
            notices.caption(said)
        drawing.draw(
            slot_effects(found, page.is_dark()), f"slots-{found.size}-{key}",
            about_slots(found),
        )  # fmt: skip
