"""The bias test: one strategy on seeded shuffles of the same documents."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from reranking.analysis.positions import PositionGrid, position_grid
from reranking.analysis.shuffles import random_orders
from reranking.charts.bias import position_heatmap
from reranking.documents import Document
from reranking.jobs import JobStatus
from reranking.strategies.base import Strategy
from reranking.ui import columns, names, notices, page, state, strategy_set

REPAIR_LIMIT = 0.1


def choose(entered: state.Draft, documents: Sequence[Document]) -> tuple[Strategy, int, int] | None:
    """Widgets for strategy, number of shuffles and seed; None if no strategy can run."""
    ready = [entry for entry in entered.shelf if not strategy_set.needs(entry)]
    if not ready:
        notices.notice("info", "Add a strategy on Compare first.")
        return None
    titles = {entry.key: names.full_name(strategy) for entry in ready if (strategy := entry.strategy()) is not None}
    left, middle, right = st.columns([4, 1, 1], vertical_alignment="bottom")
    key = left.selectbox("Strategy", list(titles), format_func=lambda key: titles[key], key="bias-strategy")
    runs = middle.number_input("Shuffles", 2, 100, 10, key="bias-runs")
    seed = right.number_input("Seed", 0, 2**31 - 1, 1, key="bias-seed")
    entry = next(item for item in ready if item.key == key)
    strategy = entry.strategy()
    assert strategy is not None
    found = strategy_set.prediction(entry.spec, entered.query, documents)
    about = "" if found.exact else "about "
    st.caption(
        f"{runs} shuffles of {len(documents)} documents: {about}{found.requests * int(runs):,} requests, each asked "
        "anew, so that no shuffle is answered from another's replies."
    )
    return strategy, int(runs), int(seed)


def start(entered: state.Draft, documents: Sequence[Document], strategy: Strategy, runs: int, seed: int) -> None:
    """Start the test as a job of the session. Raises StoreError if it cannot be stored."""
    state.keep()
    orders = random_orders(len(documents), runs, seed)
    state.jobs().start(
        state.session_id(), "bias", entered.query, documents, [strategy], state.registry().resolve,
        orders=orders, seed=seed,
    )  # fmt: skip


def show(status: JobStatus) -> None:
    """What the shuffles show: a sentence, the heat map, and what was left out."""
    runs = [(part.order, part.ranking) for part in status.parts if part.ranking is not None]
    if not runs:
        return
    grid = position_grid(runs)
    strategy = status.parts[0].strategy
    page.html(f"<p class='rl-finding'>{escape(finding(grid))}</p>")
    st.plotly_chart(
        position_heatmap(grid, page.is_dark()), key="heat", theme=None, config={"displaylogo": False},
        alt="Input position against output rank, share of shuffles",
    )  # fmt: skip
    usage = [ranking.usage for _, ranking in runs]
    costs = [item.cost_usd for item in usage]
    known = [cost for cost in costs if cost is not None]
    cost = "unknown" if len(known) < len(costs) else columns.money(sum(known)) if sum(known) else "free"
    requests = sum(item.requests for item in usage)
    notices.caption(f"{names.full_name(strategy)}: {grid.used} shuffles counted, {requests:,} requests, cost {cost}.")
    for _, ranking in runs:
        if ranking.outcome == "failed":
            page.html(f"<div class='rl-note rl-note-failed'>{escape(ranking.diagnostics[0].message)}</div>")
            break


def finding(grid: PositionGrid) -> str:
    """What the grid shows, in a sentence; a description, not a test of significance."""
    left_out = f" {grid.failed} failed shuffles are left out." if grid.failed else ""
    if not grid.used:
        return "Every shuffle failed: there is nothing to say about positions."
    if grid.repaired is not None and grid.repaired > REPAIR_LIMIT:
        return (
            f"{grid.repaired:.0%} of the places come from mending broken replies, which keeps the input order and "
            f"looks like primacy: no verdict.{left_out}"
        )
    if grid.tied_pairs == 1:
        return f"The strategy ties all documents in every shuffle: it says nothing about their order.{left_out}"
    if grid.slope is None:
        return f"These shuffles cannot tell position from document: use more of them.{left_out}"
    places = grid.slope * (len(grid.mean_rank) - 1)
    if abs(places) < 0.005:
        return f"Where a document stands in the input makes no difference to where it ends.{left_out}"
    favoured = "Earlier" if places > 0 else "Later"
    first, last = ("last", "first") if places > 0 else ("first", "last")
    return (
        f"{favoured} documents end higher here: from {first} to {last} place in the input a document gains "
        f"{abs(places):.1f} places on average. Without a test of significance this is a description only.{left_out}"
    )
