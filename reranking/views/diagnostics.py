"""What happened while a strategy worked, as HTML of escaped text."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from reranking.ranking import Diagnostic

RAW_SHOWN = 2_000
"""Characters of a raw reply."""


def notes(diagnostics: Sequence[Diagnostic], *, failed: bool, most: int) -> str:
    """What happened on the way, with the raw reply one click away; the first `most`, and how many more there are."""
    kind = "rl-note rl-note-failed" if failed else "rl-note"
    blocks = []
    for entry in diagnostics[:most]:
        raw = f"<pre>{escape(_start_raw(entry.raw))}</pre>" if entry.raw else ""
        message = escape(entry.message)
        blocks.append(
            f"<details class='{kind}'><summary>{message}</summary>{raw}</details>"
            if raw
            else f"<div class='{kind}'>{message}</div>"
        )
    if len(diagnostics) > most:
        blocks.append(f"<div class='{kind}'>and {len(diagnostics) - most} more notes</div>")
    return "".join(blocks)


def _start_raw(text: str, length: int = RAW_SHOWN) -> str:
    return text if len(text) <= length else text[:length] + "…"
