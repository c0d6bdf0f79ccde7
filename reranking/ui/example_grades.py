"""The grades that come with an example: used for quality on request, and never for judging blind."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from reranking.documents import Document
from reranking.ui import inputs, state
from reranking.views.grades import EXAMPLE, given


def offered(query: str, documents: Sequence[Document]) -> dict[str, int]:
    """The grades that an example gives these documents for this query: fingerprint -> grade."""
    wanted = {document.fingerprint for document in documents}
    return {
        document.fingerprint: grade
        for example in inputs.all_examples()
        if example.query == query
        for document in example.documents
        if document.fingerprint in wanted and (grade := document.metadata.get("grade")) in state.GRADES
    }


def in_use(query: str, documents: Sequence[Document]) -> dict[int, int]:
    """The example's grades that were taken over: position -> grade."""
    return given(state.store(), EXAMPLE, query, documents)


def control(query: str, documents: Sequence[Document]) -> None:
    """One button: take the example's grades over, or take them back. Nothing without such grades."""
    used = in_use(query, documents)
    if used:
        if st.button("Take the example's grades back", key="drop-example-grades"):
            _give(query, {documents[at].fingerprint: None for at in used})
        return
    grades = offered(query, documents)
    about = (
        "What the author of the example gave each document. They count where you have not judged, and Judge "
        "does not show them."
    )
    if grades and st.button("Use the example's grades", key="use-example-grades", help=about):
        _give(query, dict(grades))


def _give(query: str, grades: dict[str, int | None]) -> None:
    with state.explained():
        for fingerprint, grade in grades.items():
            state.store().judgments.add(query, fingerprint, EXAMPLE, state.SCALE, grade)
    st.rerun()
