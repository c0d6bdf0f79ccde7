"""The consensus of all strategies with each document's spread, worked out away from the screen once it is opened."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import lru_cache
from typing import Any

import streamlit as st

from reranking.analysis.standings import Standings, standings, voting
from reranking.charts.consensus import SHOWN, consensus_chart
from reranking.ui import notices, page, selection
from reranking.ui.drawing import draw
from reranking.views.compared import Compared
from reranking.views.consensus import SECONDS, about, aloud

AT_ONCE = 0.2
POLL_SECONDS = 0.5

_workers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="consensus")


@st.fragment(key="consensus")
def show(found: Compared) -> None:
    """A part that can be opened; nothing where fewer than two strategies give an order."""
    if len(voting(found.rankings)) < 2:
        return
    box = st.expander("Consensus of all strategies", key="open-consensus", on_change="rerun")
    if not box.open:
        return
    with box:
        work = _work(found)
        if wait([work], AT_ONCE).done:
            _draw(found, work)
        else:
            _wait(work)


@lru_cache(maxsize=8)
def _work(found: Compared) -> Future[Standings | None]:
    return _workers.submit(standings, found.rankings, seconds=SECONDS)


def _wait(work: Future[Standings | None]) -> None:
    @st.fragment(run_every=POLL_SECONDS)
    def poll() -> None:
        if work.done():
            st.rerun()
        notices.caption(f"Looking for the order that the strategies contradict least: {SECONDS:g} seconds at most.")

    poll()


def _draw(found: Compared, work: Future[Standings | None]) -> None:
    result = work.result()
    if result is None:  # only where fewer than two vote, which is asked before
        return
    notices.caption(about(result))
    selected = selection.selected_document(len(found.documents))
    draw(_figure(found, page.is_dark(), selected), "consensus-chart", aloud(found, result))
    if len(result.rows) > SHOWN:
        notices.caption(f"The first {SHOWN} of {len(result.rows)} documents are drawn.")


@lru_cache(maxsize=8)
def _figure(found: Compared, dark: bool, selected: int | None) -> Any:
    result = _work(found).result()
    assert result is not None
    return consensus_chart(result, found.titles, dark, selected)
