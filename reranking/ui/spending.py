"""What a run is going to cost, what it may cost, and what it did cost, took and saved: in words."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

import streamlit as st

from reranking.engine import Estimate
from reranking.gateway.budget import dollars
from reranking.jobs import JobStatus, together
from reranking.models import ModelError
from reranking.ui import notices, state

LITTLE = 0.05
"""The share of the cost that output may have without being told apart."""


def amount(cost: float) -> str:
    """US dollars with at least two digits that tell something."""
    digits = 2 if cost == 0 else max(2, 1 - floor(log10(cost)))
    return f"${cost:,.{digits}f}"


def asked(found: Estimate) -> str:
    """Requests and tokens of an estimate in a few words."""
    if not found.requests:
        return "no requests"
    about = "" if found.exact else "about "
    tokens = f", ~{_thousands(found.input_tokens)} tokens" if found.input_tokens else ""
    return f"{about}{_count(found.requests, 'request')}{tokens}"


def expected(found: Estimate) -> str:
    """What an estimate costs in a few words; empty if nothing is asked."""
    if not found.requests:
        return ""
    if found.is_free:
        return "free"
    if found.input_usd is None or found.output_usd is None:
        return "cost unknown"
    most = found.input_usd + found.output_usd
    if found.output_usd < LITTLE * most:
        return f"~{amount(most)}"
    return f"~{amount(found.input_usd)} for input, at most {amount(most)} with output"


def before(estimates: Sequence[Estimate]) -> str:
    """What a run of these strategies is going to ask and to cost, as one line."""
    every = together(estimates)
    if not every.requests:
        return "This run asks no model." if estimates else ""
    unknown = f"unknown for {', '.join(every.unpriced)}" if every.unpriced else ""
    cost = "" if unknown and every.is_free else expected(every)
    parts = [part for part in (cost, unknown) if part]
    cached = " Replies that are cached or shared cost nothing." if cost not in {"", "free"} else ""
    return f"This run: {asked(every)}; cost {', '.join(parts)}.{cached}"


def about_limit(limit: float | None, estimates: Sequence[Estimate]) -> str:
    """What a limit means for a run of these strategies, as a sentence; empty if there is nothing to say."""
    every = together(estimates)
    if limit is None or not every.requests:
        return ""
    known = every.input_usd or 0.0
    said = []
    if known > limit:
        said.append(
            "The limit is less than the input alone is predicted to cost: the run is going to stop, unless enough of "
            "its replies are cached or shared."
        )
    elif known + (every.output_usd or 0.0) > limit:
        said.append("The run may stop at the limit, if replies are long.")
    hosted = [name for name in every.unpriced if _is_paid(name)]
    own = [name for name in every.unpriced if name not in hosted]
    if hosted:
        said.append(f"Under a limit {', '.join(hosted)} will not be asked: the price is not known.")
    if own:
        said.append(f"The limit does not cover {', '.join(own)}: the price is not known.")
    return " ".join(said)


def run_line(entered: state.Draft, estimates: Sequence[Estimate]) -> None:
    """The cost of the run that Run would start, and the limit on it."""
    if estimates:
        notices.caption(before(estimates))
    key = state.widget_key("limit")
    st.session_state.setdefault(key, entered.limit)
    with st.container(key="spending-limit"):
        limit = st.number_input(
            "Spending limit (US$)",
            min_value=0.0,
            value=None,  # else it could not be emptied again
            step=0.05,
            format="%g",
            placeholder="none",
            key=key,
            help="A run sends nothing that could take it over this amount. Raise it and resume to go on: what was "
            "answered is not paid twice.",
        )
    if limit != entered.limit:
        entered.limit = limit
        state.keep()
    if said := about_limit(entered.limit, estimates):
        notices.caption(said)


def so_far(status: JobStatus) -> str:
    """What a running job has saved and spent, in a few words; empty if nothing."""
    found = sum(part.saved for part in status.parts)
    parts = [f"saved {_count(found, 'request')}"] if found else []
    if status.budget is not None:
        parts.append(f"spent {amount(status.budget.spent)} of {dollars(status.budget.limit)}")
    return " · ".join(parts)


def _is_paid(name: str) -> bool:
    try:
        return bool(getattr(state.registry().resolve(name), "paid", False))
    except ModelError:
        return False


def _thousands(number: int) -> str:
    return f"{number / 1000:.1f}k".replace(".0k", "k") if number >= 1000 else str(number)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
