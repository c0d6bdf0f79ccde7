"""Entering the query and the documents: paste, upload or example, with a preview of the split."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import get_args

import streamlit as st

from reranking.documents import Document, has_content
from reranking.formats.examples import Example, examples
from reranking.formats.loaded import FormatError, Input
from reranking.formats.pasted import Mode
from reranking.formats.read import read
from reranking.ui import notices, page, state

_MODES = {"auto": "automatically", "blank line": "at blank lines", "line": "one per line", "numbered": "by numbers",
          "rule": "at lines of ---"}  # fmt: skip
PREVIEW = 100


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


def documents_box(entered: state.Draft) -> tuple[Document, ...]:
    """The documents: as a text area, or the loaded ones with a way back. Returns them."""
    with st.container(horizontal=True, vertical_alignment="center", key="documents-line"):
        heading = st.container(width="content")
        if entered.loaded is None:
            _split_choice(entered)
        _upload(entered)
        _examples_menu(entered)
        if entered.loaded is not None and st.button("Paste instead", key="paste-instead"):
            entered.loaded, entered.source = None, ""
            state.keep()
            st.rerun()
    for error in st.session_state.pop("upload_errors", []):
        notices.notice("error", error)
    for note in st.session_state.pop("upload_notes", []):
        notices.notice("info", note)
    if entered.loaded is None:
        _paste(entered)
    documents = entered.documents()
    with heading:
        _title(entered, len(documents))
    if documents:
        _preview(documents)
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
    entered.query = example.query
    entered.load(example.documents, f"example “{example.title}”")
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


def _upload(entered: state.Draft) -> None:
    with st.popover("Upload", key="upload"):
        file = st.file_uploader(
            "JSON, JSONL, CSV, TSV or text", key=f"file-{st.session_state.get('uploads', 0)}", max_upload_size=20
        )
        st.caption("A list of texts or of objects with a text; {query, documents}; or a table with a header.")
        if file is not None:
            st.session_state.uploads = st.session_state.get("uploads", 0) + 1  # a fresh uploader next time
            _take(entered, file.getvalue(), file.name)
            st.rerun()


def _take(entered: state.Draft, data: bytes, name: str) -> None:
    """Read an uploaded file into the draft; a file that cannot be read changes nothing."""
    try:
        loaded = read(data, name)
    except FormatError as error:
        st.session_state.upload_errors = [f"{error} Nothing was changed."]
        return
    first: Input = loaded.queries[0]
    notes = list(loaded.notes)
    if len(loaded.queries) > 1:
        notes.append(f"{name} holds {len(loaded.queries)} queries; the first one is shown here.")
    if not first.documents:
        st.session_state.upload_errors = [f"{name} holds no documents. Nothing was changed."]
        return
    if first.query is not None:
        entered.query = first.query
    entered.load(first.documents, name)
    st.session_state.upload_notes = notes
    state.refresh_widgets()
    state.keep()


def _examples_menu(entered: state.Draft) -> None:
    by_title = {example.title: example for example in all_examples()}
    chosen = st.menu_button("Examples", list(by_title), key="examples-menu") if by_title else None
    if chosen is not None:
        open_example(entered, by_title[chosen])
        st.rerun()


def _preview(documents: Sequence[Document]) -> None:
    label = (
        "Preview: the one document" if len(documents) == 1 else f"Preview: how the {len(documents)} documents were read"
    )
    with st.expander(label, key="preview", on_change="rerun") as expander:
        if expander.open:
            rows = "".join(
                f"<tr><td class='rl-num'>{at}</td><td>{escape(item.id or '')}</td><td>{escape(item.title or '')}</td>"
                f"<td>{escape(_start(item.text))}</td><td class='rl-num'>{len(item.text):,}</td></tr>"
                for at, item in enumerate(documents[:PREVIEW], start=1)
            )
            head = "<tr><th></th><th>id</th><th>title</th><th>text</th><th class='rl-num'>characters</th></tr>"
            page.html(f"<table class='rl-table rl-preview'><thead>{head}</thead><tbody>{rows}</tbody></table>")
            if len(documents) > PREVIEW:
                st.caption(f"and {len(documents) - PREVIEW} more")


def _start(text: str, length: int = 160) -> str:
    line = " ".join(text[: length * 4].split())
    return line if len(line) <= length and len(text) <= length * 4 else line[:length].rstrip() + "…"
