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
from reranking.strategies.catalogue import each, with_defaults
from reranking.strategies.input_order import InputOrder
from reranking.strategies.llm import LLMStrategy, ShowsSeveral
from reranking.ui import columns, names, notices, page, state, strategy_set

REPAIR_LIMIT = 0.1
SAME = 1e-9
"""Slopes below are those of rankings that are the same in every shuffle."""


def choose(
    entered: state.Draft, documents: Sequence[Document], tested: Strategy | None = None
) -> tuple[Strategy, int, int] | None:
    """Widgets for strategy, number of shuffles and seed; None if no strategy can run.

    First offered is the one that was `tested` last, whose result stands below.
    """
    ready = {
        entry.key: strategy
        for entry in entered.shelf
        if not strategy_set.needs(entry) and (strategy := entry.strategy()) is not None
    }
    if not ready:
        notices.notice("info", "Add a strategy on Compare first.")
        return None
    strategies = list(ready.values())
    titles = dict(zip(ready, names.short_names(strategies), strict=True))
    left, middle, right = st.columns([4, 1, 1], vertical_alignment="bottom")
    key = left.selectbox(
        "Strategy", list(titles), index=_offered(strategies, tested), format_func=lambda key: titles[key],
        key="bias-strategy",
    )  # fmt: skip
    runs = middle.number_input("Shuffles", 2, 100, 10, key="bias-runs")
    seed = right.number_input("Seed", 0, 2**31 - 1, 1, key="bias-seed")
    strategy = ready[key]
    found = strategy_set.prediction(strategy.spec(), entered.query, documents)
    sentences = [independence(strategy)]
    if found.requests:
        about = "" if found.exact else "about "
        sentences.append(
            f"{runs} shuffles of {len(documents)} documents: {about}{found.requests * int(runs):,} requests, each "
            "asked anew, so that no shuffle is answered from another's replies."
        )
    else:
        sentences.append(f"{runs} shuffles of {len(documents)} documents, without asking a model: free.")
    notices.caption(" ".join(sentence for sentence in sentences if sentence))
    return strategy, int(runs), int(seed)


def _offered(strategies: Sequence[Strategy], tested: Strategy | None) -> int:
    specs = [with_defaults(strategy).spec() for strategy in strategies]
    return specs.index(tested.spec()) if tested is not None and tested.spec() in specs else worth_testing(strategies)


def worth_testing(strategies: Sequence[Strategy]) -> int:
    """Which of them to test first: one that shows a model several documents, else one that asks a model at all."""
    several = [any(isinstance(part, ShowsSeveral) for part in each(strategy)) for strategy in strategies]
    asking = [any(part.asks for part in each(strategy)) for strategy in strategies]
    return several.index(True) if any(several) else asking.index(True) if any(asking) else 0


def independence(strategy: Strategy) -> str:
    """Why the strategy cannot depend on the order of its input, as a sentence; empty if it may."""
    # What is put together of other strategies may cut or break ties by the input order.
    if len(list(each(strategy))) > 1 or isinstance(strategy, ShowsSeveral | InputOrder):
        return ""
    title = names.title(strategy)
    if strategy.family == "Lexical":
        return f"{title} asks no model and computes scores from the texts: it cannot depend on the order."
    # A hosted reranker may read all texts together.
    hosted = (state.part_model(strategy) or "").startswith("rerank:")
    if isinstance(strategy, LLMStrategy) or (strategy.family == "Encoders" and not hosted):
        return (
            f"{title} looks at one document at a time: it cannot depend on the order. What still differs between "
            "shuffles is the model's own variation."
        )
    return ""


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
    free_of_order = independence(strategy) if grid.used else ""
    same = grid.slope is not None and abs(grid.slope) < SAME
    said = free_of_order if free_of_order and not same else f"{names.title(strategy)}: {finding(grid)}"
    page.html(f"<p class='rl-finding'>{escape(said)}</p>")
    if free_of_order and same:
        notices.caption(free_of_order)
    else:
        st.plotly_chart(
            position_heatmap(grid, page.is_dark()), key="heat", theme=None, config={"displaylogo": False},
            alt="Input position against output rank, share of shuffles",
        )  # fmt: skip
    usage = [ranking.usage for _, ranking in runs]
    costs = [item.cost_usd for item in usage]
    known = [cost for cost in costs if cost is not None]
    cost = "unknown" if len(known) < len(costs) else columns.money(sum(known)) if sum(known) else "free"
    requests = sum(item.requests for item in usage)
    asked = f"{requests:,} request{'' if requests == 1 else 's'}, cost {cost}" if requests else "no model was asked"
    notices.caption(f"{names.full_name(strategy)}: {grid.used} shuffles counted, {asked}.")
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
        return f"No effect was found of where a document stands in the input on where it ends.{left_out}"
    favoured = "Earlier" if places > 0 else "Later"
    first, last = ("last", "first") if places > 0 else ("first", "last")
    return (
        f"{favoured} documents end higher here: from {first} to {last} place in the input a document gains "
        f"{abs(places):.1f} places on average. Without a test of significance this is a description only.{left_out}"
    )
