"""One strategy on one query: the verdict in words, the pictures behind it, the figures, the runs of each document."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from reranking.analysis.bias import Bias
from reranking.analysis.pairwise_bias import PairwiseBias
from reranking.analysis.slots import SlotBias
from reranking.analysis.verdict import Verdict, decimal, p_value, share_by_chance, slot_finding
from reranking.charts.bias import position_heatmap
from reranking.charts.position_effects import position_effects, slot_effects
from reranking.charts.rank_intervals import rank_intervals
from reranking.charts.verdict_matrix import verdict_matrix
from reranking.ui import drawing, notices, page
from reranking.views import bias_figures

WITHOUT_PICTURES = frozenset({"no effect", "all tied", "failed", "repairs"})
"""Findings that are complete in words; a picture would suggest more, or show repairs as if they were a bias."""

MOST_SLOT_CHARTS = 2


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
                "Input position against output rank, share of shuffles",
            )  # fmt: skip
        with right:
            drawing.draw(
                position_effects(bias, page.is_dark()), f"effects-{key}",
                "Places gained or lost by being given at each position, with intervals and the noise floor",
            )  # fmt: skip
        _intervals(bias, labels, key)
    if pairwise is not None and pairwise.documents:
        _pairs(bias, pairwise, labels, key)
    _slots(bias, slots, key)
    with st.expander("All figures", key=f"figures-{key}"):
        page.html(_figures(bias))


def finding(verdict: Verdict, title: str, remarks: Sequence[str] = ()) -> None:
    """The verdict, with what else is to be known in smaller type."""
    head = f"<b>{escape(title)}.</b> " if title else ""
    said = escape(" ".join(part for part in (verdict.sentence, verdict.also) if part))
    page.html(f"<p class='rl-finding' role='status'>{head}{said}</p>")
    rest = " ".join((*verdict.remarks, *remarks))
    if rest:
        notices.caption(rest)


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

    drawing.draw(figure, chart, "Rank interval of each document over the shuffles", pick)
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
    consistency = bias_figures.share(pairwise.consistency)
    if pairwise.pairs:
        sides = f"The first of two passages wins whichever it is in {pairwise.first}, the second in {pairwise.second}"
        preference = f"preference {bias_figures.figure(pairwise.preference)} (−1 always the first, 1 always the second)"
        chance = "" if pairwise.p is None else f", p {p_value(pairwise.p)}"
        notices.caption(
            f"Both orders name the same document in {pairwise.consistent} of {pairwise.pairs} pairs ({consistency}). "
            f"{sides}; {preference}{chance}. Circles of three (A beats B beats C beats A): "
            f"{pairwise.cyclic} of {pairwise.triads}."
        )
    else:
        notices.caption("No pair was asked in both orders, so the sides of the prompt cannot be compared.")
    drawing.draw(
        verdict_matrix(pairwise, labels, page.is_dark(), bias.debiased_order), f"matrix-{key}",
        "Who wins against whom, and where the side of the prompt decides",
    )  # fmt: skip


def _slots(bias: Bias, slots: Sequence[SlotBias], key: str) -> None:
    """By slot of the prompt, where prompts show neither pairs nor always the whole list."""
    several = [found for found in slots if 2 < found.size < bias.n][:MOST_SLOT_CHARTS]
    if not several:
        return
    page.html("<h3 class='rl-heading'>Slots within the prompt</h3>")
    for found in several:
        if said := slot_finding(found):
            notices.caption(said)
        drawing.draw(
            slot_effects(found, page.is_dark()), f"slots-{found.size}-{key}",
            f"Advantage of each slot in prompts of {found.size} documents, with intervals",
        )  # fmt: skip


def _figures(bias: Bias) -> str:
    model, stable, noise, test = bias.model, bias.shuffled, bias.noise, bias.test
    slope = model.slope
    rows = [
        (
            "From last to first, places gained",
            bias_figures.interval(model.last_to_first),
            "positive: earlier is better",
        ),
        (
            "Slope",
            "–" if slope is None else f"{slope.value:.3f}".replace("-", "−"),
            "places of rank per place of input",
        ),
        (
            "From the ends to the middle, places lost",
            bias_figures.interval(model.middle),
            "positive: lost in the middle",
        ),
        (
            "p of a trend",
            bias_figures.p(None if test is None else test.linear_adjusted),
            "randomisation test, Holm over both",
        ),
        ("p of middle against ends", bias_figures.p(None if test is None else test.middle_adjusted), "the same"),
        (
            "Share explained by position",
            bias_figures.share(model.position_share),
            "of all that documents move between shuffles (partial eta²)" + _by_chance(bias),
        ),
    ]
    if stable is not None:
        rows += [
            (
                "Kendall's W",
                bias_figures.figure(stable.w),
                "1: the same ranking every time, 0: unrelated; ties corrected",
            ),
            ("Mean tau of two shuffles", bias_figures.figure(stable.tau), "1: same order, 0: unrelated"),
            (
                "Flip rate",
                bias_figures.share(stable.flips),
                "how often two documents stand the other way round in another shuffle; 50 %: as by lot",
            ),
            ("Moved", f"{decimal(stable.moved)} places" if stable.moved is not None else "–", "between two shuffles"),
            ("Entropy of the top document", bias_figures.figure(stable.entropy), "0: always the same one on top"),
            (f"Overlap of the top {stable.top}", bias_figures.share(stable.overlap), "of two shuffles"),
            ("Tied pairs", bias_figures.share(stable.tied_pairs), "of documents"),
        ]
    if noise is not None:
        moved, flips = noise.stability.moved, noise.stability.flips
        rows += [
            ("Moved when repeated", "–" if moved is None else f"{decimal(moved)} places", "the noise of the model"),
            ("Flip rate when repeated", bias_figures.share(flips), "the same order again"),
            ("Excess flip rate", bias_figures.share(noise.excess_flips), "what the order adds to the noise"),
        ]
    rows += [
        ("Placed by repair", bias_figures.share(bias.repaired), "documents that a reply left out"),
        ("Shuffles used", f"{bias.used}", f"{bias.failed} failed"),
    ]
    return _three(rows)


def _by_chance(bias: Bias) -> str:
    most = share_by_chance(bias.n, bias.used)
    return "" if most is None else f"; by chance alone hardly more than {bias_figures.share(most)}"


def _three(rows: Sequence[tuple[str, str, str]]) -> str:
    lines = "".join(
        f"<tr><td>{escape(name)}</td><td class=rl-num>{escape(value)}</td>"
        f"<td class='rl-meaning'>{escape(about)}</td></tr>"
        for name, value, about in rows
    )
    return f"<div class='rl-scroll'><table class='rl-table rl-figures'><tbody>{lines}</tbody></table></div>"
