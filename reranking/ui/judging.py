"""Judging blind: one document at a time, in random order, without anything that could bias."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from html import escape
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from reranking.documents import Candidate, Document
from reranking.ui import notices, page, state

SETTLE_SECONDS = 0.3
MEANINGS = {0: "not relevant", 1: "touches the topic", 2: "answers in part", 3: "answers fully"}


def judge(query: str, documents: Sequence[Document]) -> None:
    """The screen's work: show a document, take its grade, go on to the next."""
    grades = state.grades(query, documents)
    order = blind_order(state.session_id(), documents)
    left = [at for at in order if at not in grades]
    st.progress(1 - len(left) / len(order), text=f"{len(order) - len(left)} of {len(order)} documents judged by you")
    _undo(query, documents)
    at = _chosen(order, documents)
    if at is None:
        at = left[0] if left else None
    if at is None:
        page.html(
            "<p class='rl-finding'>All documents are judged. Compare now shows the quality of every strategy.</p>"
        )
        if st.button("Look through the grades again", key="again"):
            _choose(documents[order[0]])
            st.rerun()
        return
    document = documents[at]
    with _column("judging-column"):
        _document(query, document)
        _scale(query, documents, order, at, grades)


def _column(key: str) -> DeltaGenerator:
    """A column in the middle, as wide as lines can be read."""
    return st.container(horizontal_alignment="center").container(width=760, key=key)


def _chosen(order: Sequence[int], documents: Sequence[Document]) -> int | None:
    """The document that was gone to, if it belongs to this session and is still there."""
    session, fingerprint = st.session_state.get("judging", (None, None))
    if session != st.session_state.session:
        return None
    return next((at for at in order if documents[at].fingerprint == fingerprint), None)


def _choose(document: Document | None) -> None:
    st.session_state.judging = (st.session_state.session, document.fingerprint if document else None)


def _is_settled(document: Document) -> bool:
    """Whether the document has been on the screen long enough for a grade to be meant for it."""
    shown = (st.session_state.session, document.fingerprint)
    if st.session_state.get("judging_shown", (None, 0.0))[0] != shown:
        st.session_state.judging_shown = (shown, time.monotonic())
    since: float = st.session_state.judging_shown[1]
    return time.monotonic() - since >= SETTLE_SECONDS


def _document(query: str, document: Document) -> None:
    page.html(
        f"<div class='rl-judge'><div class='rl-judge-query'>{escape(query)}</div>"
        f"<h3>{escape(document.title or '')}</h3><div class='rl-full' dir='auto'>{escape(document.text)}</div></div>"
    )


def blind_order(session: str, documents: Sequence[Document]) -> list[int]:
    """The positions in an order that says nothing about any ranking: shuffled, the same for the session.

    Of documents with equal text and title only the first is shown; they share their grade.
    """
    seen: dict[str, int] = {}
    for at, document in enumerate(documents):
        seen.setdefault(document.fingerprint, at)
    order = list(seen.values())
    random.Random(session).shuffle(order)
    return order


def _scale(query: str, documents: Sequence[Document], order: list[int], at: int, grades: Mapping[int, int]) -> None:
    """The buttons. Those that grade are the document's own: a press for one that has gone does nothing."""
    document, given = documents[at], grades.get(at)
    settled, short = _is_settled(document), document.fingerprint[:12]

    def give(grade: int | None) -> None:
        with state.explained():
            state.store().judgments.add(query, document.fingerprint, state.ASSESSOR, state.SCALE, grade)
            _given().append((document.fingerprint, grade, given))
            if grade is not None:
                _go_on(documents, order, at, grades)
        st.rerun()

    with st.container(horizontal=True, key="scale"):
        for grade in state.GRADES:
            kind: Literal["primary", "secondary"] = "primary" if given == grade else "secondary"
            label = f"{grade}  {MEANINGS[grade]}"
            if st.button(label, key=f"grade-{grade}-{short}", shortcut=str(grade), type=kind) and settled:
                give(grade)
        if given is not None and st.button("Take back", key=f"withdraw-{short}") and settled:
            give(None)
    place = order.index(at)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Back", key="back", shortcut="b", disabled=place == 0, type="tertiary"):
            _choose(documents[order[place - 1]])
            st.rerun()
        if st.button("Later", key="later", shortcut="l", type="tertiary"):
            _go_on(documents, order, at, grades)
            st.rerun()
        st.caption("Keys: 0 to 3 grade, u undo, b back, l later. Grades are kept at once, each change as a new row.")


def _given() -> list[tuple[str, int | None, int | None]]:
    """What was pressed for this session in this tab, oldest first: fingerprint, grade, and the one before it."""
    session, pressed = st.session_state.get("judged_here", (None, []))
    if session != st.session_state.session:
        pressed = []
        st.session_state.judged_here = (st.session_state.session, pressed)
    found: list[tuple[str, int | None, int | None]] = pressed
    return found


def _undo(query: str, documents: Sequence[Document]) -> None:
    """What was done last, with a button that goes back to that document as it was before."""
    here = {document.fingerprint: document for document in documents}
    pressed = _given()
    while pressed and pressed[-1][0] not in here:
        pressed.pop()
    if not pressed:
        return
    fingerprint, grade, before = pressed[-1]
    with _column("undo-column"), st.container(horizontal=True, vertical_alignment="center"):
        done = f"Graded {grade}, {MEANINGS[grade]}" if grade is not None else "Grade taken back"
        with st.container(width="content"):
            notices.caption(f"{done}: {_named(here[fingerprint])}")
        if st.button("Undo", key=f"undo-{len(pressed)}", shortcut="u"):
            with state.explained():
                state.store().judgments.add(query, fingerprint, state.ASSESSOR, state.SCALE, before)
                pressed.pop()
                _choose(here[fingerprint])
            st.rerun()


def _named(document: Document) -> str:
    return Candidate(0, document).label


def _go_on(documents: Sequence[Document], order: Sequence[int], at: int, grades: Mapping[int, int]) -> None:
    """Go to the next document without a grade, after this one first."""
    place = order.index(at)
    rest = [item for item in [*order[place + 1 :], *order[:place]] if item not in grades]
    _choose(documents[rest[0]] if rest else None)
