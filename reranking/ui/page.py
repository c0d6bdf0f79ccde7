"""What stands at the top of every screen: style, the session in one line, save and new."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitAPIException

from reranking.charts import palette
from reranking.documents import Document
from reranking.ui import notices, presses, query_picker, selection, state
from reranking.views.parts import STYLE as PARTS
from reranking.wording import one_line

_STYLES = (PARTS, *(Path(__file__).with_name(name) for name in ("style.css", "columns.css")))
_LIGHT = "<style>:root { --rl-up: #0072B2; --rl-down: #B25000; --rl-bar: #0072B2; --rl-page: #FFFFFF; }</style>"
_DARK = "<style>:root { --rl-up: #56B4E9; --rl-down: #E69F00; --rl-bar: #56B4E9; --rl-page: #171614; }</style>"


def is_dark() -> bool:
    """Whether the viewer's theme is dark."""
    return st.context.theme.type == "dark"


def logo() -> str:
    """The app's name as a picture (SVG), in the colour of the viewer's theme."""
    colour = palette.text(is_dark())
    return (
        "<svg xmlns='http://www.w3.org/2000/svg' width='132' height='28' viewBox='0 0 132 28'>"
        "<text x='0' y='20' font-family='Helvetica, Arial, sans-serif' font-size='20' "
        f"font-weight='600' textLength='130' lengthAdjust='spacingAndGlyphs' fill='{colour}'>Rerank Lens</text></svg>"
    )


def html(body: str) -> None:
    """Show HTML that was built here, with every foreign text in it escaped."""
    st.html(body)


def draw_again(parts: Sequence[str]) -> None:
    """In a callback: run these parts of the page again, by their keys, instead of all of it.

    Where one of them is not there, all of the page is run again.
    """
    try:
        st.rerun(list(parts))
    except StreamlitAPIException:
        st.rerun()


def begin() -> state.Draft:
    """The top of a screen that changes nothing of the draft. Returns the current draft."""
    top = begin_editing()
    entered = state.draft()
    show_session(top, entered, entered.documents())
    return entered


def begin_editing() -> DeltaGenerator:
    """The top of a screen that edits the draft: where `show_session` puts the line once it is read."""
    for sheet in _STYLES:
        st.html(sheet)
    st.html(_DARK if is_dark() else _LIGHT)
    presses.keep()
    return st.container(key="session-top")


def show_session(top: DeltaGenerator, entered: state.Draft, documents: Sequence[Document]) -> None:
    """The session in one line, save and new, and below them what has to be said."""
    judged = len(state.counted_grades(entered.query, documents).all) if documents else 0
    parts = [
        f"<b>{escape(one_line(entered.query, 80))}</b>" if entered.query.strip() else "No query yet",
        _count(len(documents), "document"),
        _count(len(entered.strategies()), "strategy", "strategies"),
        f"judged {judged} of {len(documents)}" if documents else "",
        escape(state.saved_at()),
    ]
    with top, st.container(horizontal=True, vertical_alignment="center", key="session-line"):
        html(f"<div class='rl-line'>{' · '.join(part for part in parts if part)}</div>")
        _save(entered)
        if st.button("New session", key="new-session", disabled=entered.is_empty()):
            state.start_new()
            selection.clear()
            st.rerun()
    with top:
        query_picker.query_picker(entered)
        for kind, text in state.said():
            notices.notice(kind, text)


def _save(entered: state.Draft) -> None:
    if st.button("Save", key="save", disabled=entered.is_empty()):
        _ask_title(entered)


# A dialog and not a popover, since only a dialog is sure to close when the session is saved.
@st.dialog("Save session")
def _ask_title(entered: state.Draft) -> None:
    session = st.session_state.session
    row = state.store().sessions.get(session) if session else None
    suggested = (row.title if row and row.title else entered.query)[:120]
    with st.form("save-form", border=False):
        title = st.text_input("Title", suggested, key=state.widget_key("title"))
        pressed = st.form_submit_button("Save session", key="save-session", type="primary")
    if pressed and not (title or "").strip():
        notices.notice("error", "Give the session a title.")
    elif pressed:
        with state.explained():
            state.keep()
            state.store().sessions.save(state.session_id(), title or "")
        st.rerun()
    st.caption("Everything is kept as you go; a title makes it a session you find again.")


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def session_row(title: str, query: str, facts: list[str], *, draft: bool) -> None:
    """One session in the list."""
    kind = " rl-draft" if draft else ""
    shown = f"<div class='rl-session-query'>{escape(one_line(query, 140))}</div>" if query != title else ""
    html(
        f"<div class='rl-session'><b class='rl-session-title{kind}'>{escape(one_line(title, 100))}</b>{shown}"
        f"<div class='rl-session-facts'>{escape(' · '.join(facts))}</div></div>"
    )
