"""Sentences and labels that may hold foreign text, shown as the characters they are.

Streamlit's own notices, captions and labels are Markdown, where an image in a file's column
name makes the browser fetch it.
"""

from __future__ import annotations

import re
from html import escape
from typing import Literal

import streamlit as st

Kind = Literal["error", "warning", "info"]

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_JOINER = "\u2060"


def notice(kind: Kind, text: str) -> None:
    """Show a sentence that must not be missed."""
    role = "status" if kind == "info" else "alert"
    st.html(f"<div class='rl-notice rl-notice-{kind}' role='{role}'>{escape(text)}</div>")


def caption(text: str) -> None:
    """Show a small remark."""
    st.html(f"<div class='rl-caption'>{escape(text)}</div>")


def label(text: str) -> str:
    """`text` as a widget's label, which is Markdown: all of it is escaped, on one line.

    Emoji codes, icons and bare addresses are found after the escapes are read. An invisible
    word joiner behind `:`, `@` and `www` keeps them from being recognised.
    """
    line = " ".join(text.split())
    escaped = _PUNCTUATION.sub(r"\\\1", line)
    escaped = re.sub(r"([:@])", rf"\1{_JOINER}", escaped)
    return re.sub(r"(?i)(www)(?=\\\.)", rf"\1{_JOINER}", escaped)
