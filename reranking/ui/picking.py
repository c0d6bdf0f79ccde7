"""Choosing a document by mouse or keyboard in what is one block of HTML, and saying so to the page.

Every element with `data-doc` (an original position) that is in the columns or has the class
`rl-open` chooses that document. j and k, or the arrow keys on a document, go from one to the
next, Enter opens it and Escape closes its card.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from reranking.ui import presses, selection

KEY = "picking"

_LISTEN = """
const STEPS = { j: [1, 0], k: [-1, 0], ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] };
const TYPED = "input, textarea, select, [contenteditable=true], [role=dialog], [role=listbox], [role=slider]";

function nextTo(button, [down, right]) {
  let cell = button.closest("td, th"), row = cell.parentElement, at = cell.cellIndex + right;
  while ((row = down > 0 ? row.nextElementSibling : down < 0 ? row.previousElementSibling : row)) {
    const found = row.cells[at]?.querySelector("button.rl-open");
    if (found || !down) return found;
  }
}

export default function({ parentElement, data, setTriggerValue }) {
  parentElement.rlPicking?.abort();
  const stop = parentElement.rlPicking = new AbortController();
  const options = { signal: stop.signal };
  const shown = data?.shown;
  let waiting;

  answer(element => {
    const button = element.closest?.("button.rl-open");
    const cell = button || element.closest?.(".rl-columns [data-doc]");
    if (!cell || (!button && element.closest("button, a, summary"))) return false;
    if (button || !String(getSelection())) setTriggerValue("picked", cell.dataset.doc);
    return true;
  }, stop.signal);

  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest?.(TYPED) || document.querySelector("[role=dialog]")) return;
    if (event.key === "Escape" && shown !== null) {
      setTriggerValue("picked", "none");
      return;
    }
    const focused = event.target.closest?.(".rl-columns button.rl-open");
    const step = STEPS[event.key];
    if (!step || (event.key.startsWith("Arrow") && !focused)) return;
    const found = focused
      ? nextTo(focused, step)
      : document.querySelector(`.rl-columns button.rl-open[data-doc="${shown}"], .rl-columns button.rl-open`);
    event.preventDefault();
    if (!found) return;
    found.focus();
    found.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (shown !== null) {
      clearTimeout(waiting);
      waiting = setTimeout(() => setTriggerValue("picked", found.dataset.doc), 150);
    }
  }, options);
  return () => stop.abort();
}
"""
_listener = st.components.v2.component("rerank_lens_pick_document", js=presses.ANSWER + _LISTEN)


def listener(documents: int, picked: Callable[[], None]) -> None:
    """Listen on this page. `picked` is called once the selection in the URL has been changed."""

    def choose() -> None:
        wanted = getattr(st.session_state.get(KEY), "picked", None)
        if read(wanted, documents) != selection.selected_document(documents):
            selection.select_document(read(wanted, documents))
            picked()

    with st.container(key="picking-listener"):
        _listener(key=KEY, data={"shown": selection.selected_document(documents)}, on_picked_change=choose)


def read(wanted: object, documents: int) -> int | None:
    """The original position that an element names, if there are so many documents; else None."""
    if not isinstance(wanted, str) or not wanted.isascii() or not wanted.isdecimal() or len(wanted) > 9:
        return None
    return int(wanted) if int(wanted) < documents else None
