"""A dialog with the model calls behind a document's place, opened from the columns and loaded only then."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from reranking.jobs import JobStatus, Part
from reranking.ui import calls, names, notices, page, presses, state

PAGE = 20

# The columns are one block of HTML, since a widget per document would make every rerun slow.
_LISTEN = """
export default function({ parentElement, setTriggerValue }) {
  parentElement.rlListening?.abort();
  parentElement.rlListening = new AbortController();
  answer(element => {
    const button = element.closest?.("button.rl-open-calls");
    if (button) setTriggerValue("opened", button.dataset.calls);
    return Boolean(button);
  }, parentElement.rlListening.signal);
  return () => parentElement.rlListening.abort();
}
"""
_listener = st.components.v2.component("rerank_lens_open_calls", js=presses.ANSWER + _LISTEN)


@st.fragment
def opener(status: JobStatus, parts: Sequence[Part]) -> None:
    """Open the calls of the document whose button in the columns is pressed."""
    with st.container(key="calls-opener"):
        wanted = _listener(key="open-calls", on_opened_change=_nothing).opened
    found = read_button(wanted, parts, len(status.candidates))
    if found is not None:
        part, index = found
        _dialog(status, part, index)


def _nothing() -> None:
    """A trigger is there only where a callback is named."""


def read_button(wanted: object, parts: Sequence[Part], documents: int) -> tuple[Part, int | None] | None:
    """The strategy and the document that a button names as `position/index`, if this comparison has them.

    The document is None where the button says `all`.
    """
    position, _, about = wanted.partition("/") if isinstance(wanted, str) else ("", "", "")
    index = int(about) if about.isdecimal() else None
    if not position.isdecimal() or (index is None and about != "all") or (index is not None and index >= documents):
        return None
    part = next((part for part in parts if part.position == int(position)), None)
    return None if part is None else (part, index)


@st.dialog("Model calls", width="large")
def _dialog(status: JobStatus, part: Part, index: int | None) -> None:
    store = state.store()
    count = store.calls.count(status.id, part.position, index, once=True)
    about = names.full_name(part.strategy)
    if index is not None:
        about += f": {status.candidates[index].label}"
    number = f"{count:,} call{'' if count == 1 else 's'}" if count else "no call is stored"
    shown = f"shown in {number}" if count and index is not None else number
    page.html(f"<div class='rl-part'>{escape(about)} <span>{shown}</span></div>")
    if not count:
        notices.caption("The calls of this run are not in the store.")
        return
    first = 0
    if count > PAGE:
        first = PAGE * (st.pagination(-(-count // PAGE), key=f"calls-page-{part.position}-{index}") - 1)
    rows = store.calls.of(status.id, part.position, shown=index, once=True, first=first, most=PAGE)
    page.html(calls.calls(rows, index, first + 1, [item.label for item in status.candidates]))
