"""A job at work: a bar per strategy, what is finished already, and Cancel."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from html import escape
from itertools import groupby

import streamlit as st

from reranking.jobs import JobStatus, Part
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import each
from reranking.ui import names, notices, page, spending, state
from reranking.views.amounts import money
from reranking.wording import listed

POLL_SECONDS = 0.5
WAIT_SECONDS = 0.3
"""How long each look at the job waits for its end, so that results appear at once and not with the next look."""

QUIET_SECONDS = 5.0
"""How long nothing may come back before the row of a strategy says so."""


def watch(status: JobStatus, finished: Callable[[Sequence[Part], str], None] | None = None) -> None:
    """Show a running job until it is over, then run the page again."""

    @st.fragment(run_every=POLL_SECONDS)
    def poll() -> None:
        now = state.jobs().status(status.id)
        if now is None or now.state != "running":
            st.rerun()
        page.html(_bars(now))
        if finished is not None:
            finished(now.parts, now.query)
        if state.jobs().is_over_within(status.id, WAIT_SECONDS):
            st.rerun()

    poll()


def cut_short(status: JobStatus) -> None:
    """Say that a job was interrupted, cancelled or failed, and offer to go on."""
    over = sum(part.ranking is not None and not part.is_cut for part in status.parts)
    what = "strategies" if status.kind == "comparison" else "runs"
    is_cut = any(part.is_cut for part in status.parts)
    where = "The limit stands in the sidebar of Compare. " if is_cut and status.kind == "bias" else ""
    failed = "was stopped" if is_cut else "could not go on"
    said = {"interrupted": "was interrupted", "cancelled": "was cancelled", "failed": failed}[status.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        notices.notice(
            "warning",
            f"This run {said}: {over} of {len(status.parts)} {what} finished{_missing(status)}. "
            f"{status.problem} {where}Resume goes on from there and asks nothing again that was answered.",
        )
        if st.button("Resume", key=f"resume-{status.kind}", type="primary"):
            with state.explained():
                state.jobs().resume(status.id, state.registry().resolve, budget_usd=state.draft().limit)
            st.rerun()


def _missing(status: JobStatus) -> str:
    """The strategies of a comparison that are not finished, as the end of a sentence."""
    if status.kind != "comparison":
        return ""
    called = names.short_names([part.strategy for part in status.parts])
    lacking = [name for name, part in zip(called, status.parts, strict=True) if part.ranking is None or part.is_cut]
    return f", not {listed(lacking)}" if lacking else ""


def _bars(status: JobStatus) -> str:
    """One thin bar per strategy: requests done of those predicted, and what they cost so far."""
    groups = [list(group) for _, group in groupby(status.parts, key=lambda part: part.position)]
    labels = names.short_names([members[0].strategy for members in groups])
    rows = [_bar(name, members, status.started) for name, members in zip(labels, groups, strict=True)]
    said = spending.so_far(status)
    note = f"<div class='rl-caption'>{escape(said)}</div>" if said else ""
    return f"<div class='rl-bars' role='status'>{''.join(rows)}{note}</div>"


def _bar(name: str, parts: list[Part], started: float) -> str:
    first = parts[0]
    done = sum(part.done for part in parts)
    over = all(part.ranking is not None for part in parts)
    predicted = first.predicted.requests * len(parts) if first.predicted is not None else None
    if over:
        share, text = 100.0, "done"
        if any(part.ranking is not None and part.ranking.outcome == "failed" for part in parts):
            text = "failed"
        if any(part.is_cut for part in parts):
            text = "stopped at the limit"
    elif predicted:
        share = min(99.0, 100 * done / predicted)
        text = f"{done:,} of {predicted:,} request{'' if predicted == 1 else 's'}"
    else:
        share, text = 0.0, "at work"
    if not over:
        text += _failures(sum(part.failed for part in parts))
        if loading := _loading(first.strategy):
            text = f"{text}, {loading}" if done else loading
        elif predicted:
            text += _troubles(parts) + (_silence(parts, started) or _left(done, predicted, started))
    spent = [part.spent_usd for part in parts]
    known = [cost for cost in spent if cost is not None]
    cost = "" if len(known) < len(spent) or not sum(known) else f" · {money(sum(known))}"
    return (
        f"<div class='rl-progress'><span>{escape(name)}</span>"
        f"<span class='rl-bar'><i style='width:{share:.0f}%'></i></span><span>{escape(text + cost)}</span></div>"
    )


def _loading(strategy: Strategy) -> str:
    """That a model of the strategy is being loaded, and for how long; empty if none is."""
    models = {model for nested in each(strategy) if (model := state.part_model(nested))}
    begun = [since for model in models if (since := state.loading_since(model)) is not None]
    return f"loading the model (once), {time.time() - min(begun):.0f} s so far" if begun else ""


def _failures(failed: int) -> str:
    """How many requests came to nothing, if any did."""
    return f", {failed:,} failed" if failed else ""


def _troubles(parts: Sequence[Part]) -> str:
    """How many requests are being tried again, and what they met with, if any are."""
    troubles = Counter(sorted(trouble for part in parts if part.ranking is None for trouble in part.troubles))
    said = ", ".join(trouble for trouble, _ in troubles.most_common())
    return f", {troubles.total():,} tried again ({said})" if troubles else ""


def _silence(parts: Sequence[Part], started: float) -> str:
    """For how long no request has been answered, once that is long enough to wonder."""
    silent = time.time() - max([started, *(part.answered for part in parts if part.answered is not None)])
    if silent < QUIET_SECONDS:
        return ""
    return f", no answer for {silent:.0f} s" if silent < 90 else f", no answer for {silent / 60:.0f} min"


def _left(done: int, predicted: int, started: float) -> str:
    """Time left, once enough is done to tell."""
    gone = time.time() - started
    if done < 3 or gone < 2:
        return ""
    left = gone * (predicted - done) / done
    return f", about {left:.0f} s left" if left < 90 else f", about {left / 60:.0f} min left"
