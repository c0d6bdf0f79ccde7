"""Judging blind: one document at a time, in random order, without anything that could bias."""

from __future__ import annotations

import random
from collections.abc import Sequence
from html import escape

import streamlit as st

from reranking.documents import Document
from reranking.ui import page, state

MEANINGS = {0: "not relevant", 1: "touches the topic", 2: "answers in part", 3: "answers fully"}


def judge(query: str, documents: Sequence[Document]) -> None:
    """The screen's work: show a document, take its grade, go on to the next."""
    grades = state.grades(query, documents)
    order = blind_order(state.session_id(), documents)
    left = [at for at in order if at not in grades]
    st.progress(1 - len(left) / len(order), text=f"{len(order) - len(left)} of {len(order)} documents judged")
    chosen = st.session_state.get("judging")
    at = chosen if chosen in order else left[0] if left else None
    if at is None:
        page.html(
            "<p class='rl-finding'>All documents are judged. Compare now shows the quality of every strategy.</p>"
        )
        if st.button("Look through the grades again", key="again"):
            st.session_state.judging = order[0]
            st.rerun()
        return
    document = documents[at]
    with st.container(horizontal_alignment="center"), st.container(width=760, key="judging-column"):
        _document(query, document)
        _scale(query, document, order, at, grades)


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


def _scale(query: str, document: Document, order: list[int], at: int, grades: dict[int, int]) -> None:
    given = grades.get(at)
    with st.container(horizontal=True, key="scale"):
        for grade in state.GRADES:
            label = f"{grade}  {MEANINGS[grade]}"
            if st.button(
                label, key=f"grade-{grade}", shortcut=str(grade), type="primary" if given == grade else "secondary"
            ):
                state.store().judgments.add(query, document.fingerprint, state.ASSESSOR, state.SCALE, grade)
                _go_on(order, at, {*grades, at})
        if given is not None and st.button("Take back", key="withdraw", shortcut="u"):
            state.store().judgments.add(query, document.fingerprint, state.ASSESSOR, state.SCALE, None)
            st.rerun()
    place = order.index(at)
    with st.container(horizontal=True):
        if st.button("Back", key="back", shortcut="b", disabled=place == 0, type="tertiary"):
            st.session_state.judging = order[place - 1]
            st.rerun()
        if st.button("Later", key="later", shortcut="l", type="tertiary"):
            _go_on(order, at, {*grades, at})
        st.caption(
            "Keys: 0 to 3 grade, b back, l later, u take back. Grades are kept at once, each change as a new row."
        )


def _go_on(order: list[int], at: int, done: set[int]) -> None:
    """Go to the next document without a grade, after this one first."""
    place = order.index(at)
    rest = [item for item in [*order[place + 1 :], *order[:place]] if item not in done]
    st.session_state.judging = rest[0] if rest else None
    st.rerun()
