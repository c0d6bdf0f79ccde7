"""Uploading documents: drop a file, see how it is read, choose its fields, take it or leave everything as it was."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from reranking.formats.collection import read_collection
from reranking.formats.fields import Columns, Role
from reranking.formats.loaded import FormatError, Input, Loaded
from reranking.formats.read import read
from reranking.ui import notices, page, state, undo
from reranking.views import evidence

MOST_MEGABYTES = 20
PREVIEW = 5
_ROLES: dict[Role, str] = {"text": "Text", "title": "Title", "id": "Id", "query": "Query"}
_FORMATS = (
    "JSON or JSON Lines (texts, objects with a text, {query, documents}), CSV or TSV with a header, plain text; "
    "responses of Elasticsearch and OpenSearch, LangChain and LlamaIndex documents, rank_llm and Cohere-style "
    "requests, Quepid books; BEIR: corpus and queries together, with qrels or a run if there are any."
)


def open_button(entered: state.Draft) -> None:
    """A button that opens the dialog."""
    if st.button("Upload", key="upload"):
        _dialog(entered)


def _forget_files() -> None:
    """Make the next uploader an empty one."""
    st.session_state.uploads = st.session_state.get("uploads", 0) + 1


@st.dialog("Upload documents", width="large", on_dismiss=_forget_files)
def _dialog(entered: state.Draft) -> None:
    chosen = st.file_uploader(
        "Drop a file here, or choose one", key=f"file-{st.session_state.get('uploads', 0)}",
        max_upload_size=MOST_MEGABYTES, accept_multiple_files=True,
    )  # fmt: skip
    if not chosen:
        notices.caption(_FORMATS)
        return
    files = [(file.name, file.getvalue()) for file in chosen]
    loaded = _read(files)
    if loaded is None:
        return
    found = [one for one in loaded.queries if one.documents]
    page.html(f"<div class='rl-part'>{escape(_summary(found))}</div>")
    for note in loaded.notes:
        notices.caption(note)
    page.html(_preview(found[0]))
    if st.button(f"Use {_count(found)}", key="use-documents", type="primary"):
        source = files[0][0] if len(files) == 1 else f"{len(files)} files"
        undo.before("documents", f"took {source}", whole=True)
        entered.take(found, source)
        _forget_files()
        st.session_state.upload_notes = [f"{source}: {note}" for note in loaded.notes]
        state.refresh_widgets()
        state.keep()
        st.rerun()


def _read(files: Sequence[tuple[str, bytes]]) -> Loaded | None:
    """What the files hold, as the fields are chosen; None, and the reason on the screen, if they cannot be read."""
    try:
        if len(files) > 1:
            return _with_documents(read_collection(files), "these files")
        name, data = files[0]
        key = f"column-{st.session_state.get('uploads', 0)}-{name}-{len(data)}"
        try:
            guessed, problem = read(data, name), ""
            fields, roles = guessed.columns, guessed.roles
        except FormatError as error:
            if not error.columns:
                raise
            guessed, problem, fields, roles = None, str(error), error.columns, {}
        if not fields:
            return _with_documents(guessed, name) if guessed is not None else None
        columns = _choose(fields, roles, key)
        if guessed is not None and columns == {role: roles.get(role) for role in columns}:
            return _with_documents(guessed, name)
        if columns["text"] is None:
            notices.notice("error", f"{problem or name}. Choose the field that holds the text. Nothing was changed.")
            return None
        return _with_documents(read(data, name, columns=columns), name)
    except FormatError as error:
        notices.notice("error", f"{str(error).rstrip('.')}. Nothing was changed.")
        return None


def _with_documents(loaded: Loaded, name: str) -> Loaded:
    if not any(one.documents for one in loaded.queries):
        raise FormatError(f"there are no documents in {name}")
    return loaded


def _choose(fields: Sequence[str], roles: Columns, key: str) -> Columns:
    """Which field is read as what, one list each, as guessed to begin with."""
    chosen: dict[Role, str | None] = {}
    with st.container(horizontal=True):
        for role in _ROLES:
            guess = roles.get(role)
            options = [None, *fields]
            chosen[role] = st.selectbox(
                _ROLES[role], options, index=options.index(guess) if guess in fields else 0, key=f"{key}-{role}",
                format_func=lambda name: "none" if name is None else name, width=160,
            )  # fmt: skip
    return chosen


def _summary(queries: Sequence[Input]) -> str:
    if len(queries) > 1:
        return f"{len(queries)} queries with {_count(queries)}"
    named = f" for the query “{evidence.shortened(queries[0].query, 80)}”" if queries[0].query else ", no query"
    return f"{_count(queries)}{named}"


def _count(queries: Sequence[Input]) -> str:
    count = sum(len(one.documents) for one in queries)
    return f"{count:,} document{'' if count == 1 else 's'}"


def _preview(one: Input) -> str:
    rows = "".join(
        f"<tr><td>{escape(item.id or '')}</td><td>{escape(evidence.shortened(item.title or '', 60))}</td>"
        f"<td>{escape(evidence.shortened(item.text, 160))}</td></tr>"
        for item in one.documents[:PREVIEW]
    )
    more = len(one.documents) - PREVIEW
    rest = f"<tr><td></td><td></td><td class='rl-more'>and {more:,} more</td></tr>" if more > 0 else ""
    head = "<tr><th>id</th><th>title</th><th>text</th></tr>"
    return f"<table class='rl-table rl-preview'><thead>{head}</thead><tbody>{rows}{rest}</tbody></table>"
