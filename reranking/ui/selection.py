"""What is selected on Compare, kept in the URL: document, two strategies, cut, and how the columns are aligned.

An address is foreign input: what it names wrongly counts as not selected. Another screen has an address of its
own, without them: cut and alignment are kept beside it for the way back.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

DOCUMENT, FIRST, SECOND, CUT, VIEW = "doc", "a", "b", "k", "view"
DEFAULT_CUT = 10


def come_back() -> None:
    """Keep the cut and the alignment that the address names, or put those kept for this session into it."""
    for name in (CUT, VIEW):
        if name in st.query_params:
            _keep(name, st.query_params[name])
        elif name in _kept():
            st.query_params[name] = _kept()[name]


def selected_document(documents: int | None = None) -> int | None:
    """The original position (0-based) of the selected document, or None; also if there are only `documents`."""
    found = _number(DOCUMENT)
    return None if found is None or (documents is not None and found >= documents) else found


def select_document(position: int | None) -> None:
    """Select the document at an original position, or none."""
    _set(DOCUMENT, position)


def selected_pair(positions: Sequence[int]) -> tuple[int, int] | None:
    """The two strategies to be compared, by their positions in the comparison; None unless both are there and differ.

    `positions` are those that can be chosen.
    """
    first, second = _number(FIRST), _number(SECOND)
    if first is None or second is None or first == second or not {first, second} <= set(positions):
        return None
    return first, second


def select_pair(first: int | None, second: int | None) -> None:
    """Select two strategies by their positions in the comparison, or none."""
    _set(FIRST, first)
    _set(SECOND, second)


def selected_cut(documents: int) -> int:
    """The top-k cut, from 1 to the number of documents; 10 unless another was chosen."""
    found = _number(CUT) or DEFAULT_CUT
    return max(1, min(found, documents))


def select_cut(k: int | None) -> None:
    """Choose the top-k cut; None means the default."""
    _set(CUT, k)
    _keep(CUT, k)


def selected_view(views: Sequence[str]) -> str:
    """How the columns are aligned: one of `views`, the first unless another was chosen."""
    found = st.query_params.get(VIEW)
    return found if found is not None and found in views else views[0]


def select_view(view: str | None) -> None:
    """Choose how the columns are aligned; None means the default."""
    _set(VIEW, view)
    _keep(VIEW, view)


def clear() -> None:
    """Select nothing: what was selected belongs to another session."""
    for name in (DOCUMENT, FIRST, SECOND, CUT):
        _set(name, None)


def _kept() -> dict[str, str]:
    """What is kept for the session on the screen, by its name in the address."""
    kept: dict[object, dict[str, str]] = st.session_state.setdefault("selection_kept", {})
    return kept.setdefault(st.session_state.get("session"), {})


def _keep(name: str, value: int | str | None) -> None:
    if value is None:
        _kept().pop(name, None)
    else:
        _kept()[name] = str(value)


def _number(name: str) -> int | None:
    text = st.query_params.get(name) or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def _set(name: str, value: int | str | None) -> None:
    """Put it into the URL only where it differs, since each change is an entry in the browser's history."""
    if value is None:
        if name in st.query_params:
            del st.query_params[name]
    elif st.query_params.get(name) != str(value):
        st.query_params[name] = str(value)
