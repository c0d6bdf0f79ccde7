"""Entering the query and the documents: paste, upload or example, with a preview of the split."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import get_args

import streamlit as st

from reranking.documents import Document, has_content
from reranking.formats.examples import Example, examples
from reranking.formats.loaded import Input
from reranking.formats.pasted import Mode
from reranking.ui import documents_table, export, notices, page, state, undo, upload

_MODES = {"auto": "automatically", "blank line": "at blank lines", "line": "one per line", "numbered": "by numbers",
          "rule": "at lines of ---"}  # fmt: skip

# A text input tells Enter from leaving it only in the browser.
_RUN_ON_ENTER = """
export default function({ parentElement }) {
  parentElement.rlEntering?.abort();
  parentElement.rlEntering = new AbortController();
  document.addEventListener("keydown", event => {
    const plain = !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.isComposing);
    if (event.key !== "Enter" || !plain || !event.target.closest?.(".st-key-query-line input")) return;
    setTimeout(() => document.querySelector(".st-key-run button:not([disabled])")?.click());
  }, { signal: parentElement.rlEntering.signal });
  return () => parentElement.rlEntering.abort();
}
"""
_run_on_enter = st.components.v2.component("rerank_lens_run_on_enter", js=_RUN_ON_ENTER)


@lru_cache(maxsize=1)
def all_examples() -> tuple[Example, ...]:
    """The examples, read once."""
    return tuple(examples())


def query_box(entered: state.Draft) -> None:
    """The query, in one line."""
    key = state.widget_key("query")
    st.session_state.setdefault(key, entered.query)
    entered.query = (
        st.text_input("Query", key=key, placeholder="What was searched for", label_visibility="collapsed") or ""
    )


def run_on_enter() -> None:
    """Enter in the query presses Run."""
    with st.container(key="run-on-enter"):
        _run_on_enter(key="run-on-enter-listener")


def documents_box(entered: state.Draft) -> tuple[Document, ...]:
    """The documents: as a text area, or the loaded ones with a way back. Returns them."""
    with st.container(horizontal=True, vertical_alignment="center", key="documents-line"):
        heading = st.container(width="content")
        if entered.loaded is None:
            _split_choice(entered)
        upload.open_button(entered)
        _examples_menu(entered)
        if entered.loaded is not None and st.button("Paste instead", key="paste-instead"):
            undo.before("documents", f"left {entered.source}")
            entered.loaded, entered.source = None, ""
            state.keep()
            st.rerun()
        if not entered.is_empty():
            export.export_menu(entered)
        undo.offer("documents")
    for note in st.session_state.pop("upload_notes", []):
        notices.notice("info", note)
    if entered.loaded is None:
        _paste(entered)
    documents = entered.documents()
    with heading:
        _title(entered, len(documents))
    if documents:
        documents_table.documents_table(entered, documents)
    return documents


def example_cards(entered: state.Draft) -> None:
    """The three examples, for a screen that has nothing yet."""
    page.html("<p class='rl-hint'>New here? Open an example: a query with documents, ready to run.</p>")
    for column, example in zip(st.columns(3), all_examples(), strict=False):
        with column.container(border=True, height="stretch"):
            page.html(
                f"<div class='rl-card'><h4>{escape(example.title)}</h4><p>{escape(example.description)}</p></div>"
            )
            if st.button("Open example", key=f"example-{example.name}", width="stretch"):
                open_example(entered, example)
                st.rerun()


def open_example(entered: state.Draft, example: Example) -> None:
    """Make an example's query and documents the current ones."""
    undo.before("documents", f"opened “{example.title}”", whole=True)
    entered.take([Input(example.query, example.documents)], f"example “{example.title}”")
    state.refresh_widgets()
    state.keep()


def problems(entered: state.Draft, documents: Sequence[Document]) -> list[str]:
    """What is missing before a run, each as a sentence that says what to do."""
    found = []
    if not has_content(entered.query):
        found.append("Enter a query.")
    if not documents:
        found.append("Add documents: paste them, upload a file, or open an example.")
    if not entered.strategies():
        found.append("Switch on at least one strategy in the sidebar.")
    found += [
        f"{entry.spec.get('kind', 'A strategy')}: {entry.problem}. Mend it under Edit; nothing was run."
        for entry in entered.shelf
        if entry.on and entry.problem
    ]
    return found


def _title(entered: state.Draft, count: int) -> None:
    text = f"{count} document{'' if count == 1 else 's'}" if count else "Documents"
    source = f" from {escape(entered.source)}" if entered.loaded is not None else ""
    page.html(f"<div class='rl-part'>{text}<span>{source}</span></div>")


def _split_choice(entered: state.Draft) -> None:
    key = state.widget_key("split")
    st.session_state.setdefault(key, entered.split)
    entered.split = st.selectbox(
        "Split the text", get_args(Mode), key=key, format_func=lambda mode: f"Split {_MODES[mode]}",
        label_visibility="collapsed", width=210,
    )  # fmt: skip


def _paste(entered: state.Draft) -> None:
    key = state.widget_key("text")
    st.session_state.setdefault(key, entered.text)
    entered.text = st.text_area(
        "Documents", key=key, height=180, label_visibility="collapsed",
        placeholder="Paste documents here: separated by blank lines or ---, numbered, or one per line.",
    ) or ""  # fmt: skip


def _examples_menu(entered: state.Draft) -> None:
    by_title = {example.title: example for example in all_examples()}
    chosen = st.menu_button("Examples", list(by_title), key="examples-menu") if by_title else None
    if chosen is not None:
        open_example(entered, by_title[chosen])
        st.rerun()
