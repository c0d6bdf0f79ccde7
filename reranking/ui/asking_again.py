"""Having one strategy of a comparison asked anew: its new answers in a run of their own, the old ones kept."""

from __future__ import annotations

import streamlit as st

from reranking.strategies.catalogue import each, with_defaults
from reranking.ui import inputs, state


def control(entered: state.Draft, entry: state.Entry) -> None:
    """Ask the strategy of a line again or, once that was done, go back to the answers that all runs share.

    There only for a strategy that asks models and has been run as it is set now.
    """
    job = state.latest_job("comparison")
    strategy = entry.strategy()
    if job is None or strategy is None or not any(part.asks for part in each(strategy)):
        return
    spec = with_defaults(strategy).spec()
    if all(part.strategy.spec() != spec for part in job.parts):
        return
    busy = job.state == "running" or bool(inputs.problems(entered, entered.documents()))
    with st.container(horizontal=True, gap="xsmall"):
        again = st.button(
            "Ask again",
            key=f"again-{entry.key}",
            disabled=busy,
            help="Sends all requests of this strategy once more and pays for them. The other strategies keep their "
            "answers, and the earlier run stays recorded.",
        )
        first = entered.nonce(entry) is not None and st.button(
            "First answers", key=f"first-answers-{entry.key}", disabled=busy, help="Back to the answers before that."
        )
    if not (again or first):
        return
    if again:
        entered.ask_again(entry)
    else:
        entry.nonce = ""
    entry.on = True
    with state.explained():
        state.start_comparison(entered, entered.documents())
    st.rerun()
