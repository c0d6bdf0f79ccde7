"""Pasted text, split into documents without losing any of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from reranking.documents import Document, has_content

Mode = Literal["auto", "rule", "numbered", "blank line", "line"]
MODES: tuple[Mode, ...] = get_args(Mode)

_LINE_END = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028]")
_RULE = re.compile(r"\s*-{3,}\s*")
_NUMBER = re.compile(r"(?P<indent>\s*)(?P<open>\[?)(?P<number>[0-9]{1,6})(?P<close>[.)\]])(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Split:
    """The documents of a pasted text, and the mode that split it (never "auto")."""

    documents: tuple[Document, ...]
    mode: Mode


def split_text(text: str, mode: Mode = "auto") -> Split:
    """Split pasted text into documents, in order, each stripped of white space at its ends.

    "rule": at lines of three or more hyphens. "numbered": before lines that start with the next
    of "1.", "1)" or "[1]". "blank line": at blank lines. "line": one document per line.
    "auto": the first of these that fits. Only separators, list numbers and pieces without a
    visible character are left out; line ends become line feeds. Raises ValueError for another mode.
    """
    if mode not in MODES:
        raise ValueError(f"unknown mode {mode!r}: use one of {', '.join(MODES)}")
    lines = _lines(text)
    used = _fitting(lines) if mode == "auto" else mode
    if used == "numbered":
        pieces = _numbered_pieces(lines)
    elif used == "line":
        pieces = [[line] for line in lines]
    else:
        pieces = [[]]
        for line in lines:
            if _RULE.fullmatch(line) if used == "rule" else not has_content(line):
                pieces.append([])
            else:
                pieces[-1].append(line)
    texts = ("\n".join(piece).strip() for piece in pieces)
    return Split(tuple(Document(text) for text in texts if has_content(text)), used)


def joined(texts: Sequence[str]) -> tuple[str, Mode] | None:
    """One text that `split_text` splits into `texts` again, and the mode that does it; None if there is none."""
    ways: tuple[tuple[str, Mode], ...] = (("\n\n", "blank line"), ("\n", "line"), ("\n---\n", "rule"))
    for between, mode in ways:
        text = between.join(texts)
        if tuple(item.text for item in split_text(text, mode).documents) == tuple(texts):
            return text, mode
    return None


def _lines(text: str) -> list[str]:
    # A paragraph separator stands between two paragraphs, as a blank line does.
    return _LINE_END.split(text.removeprefix("\ufeff").replace("\u2029", "\n\n"))


def _fitting(lines: list[str]) -> Mode:
    if any(_RULE.fullmatch(line) for line in lines):
        return "rule"
    if _is_numbered_list(lines):
        return "numbered"
    written = [at for at, line in enumerate(lines) if has_content(line)]
    if written and written[-1] - written[0] >= len(written):
        return "blank line"
    return "line"


def _marker(line: str, style: re.Match[str] | None = None) -> re.Match[str] | None:
    """The list number that `line` starts with, in the style of an earlier one and not indented more."""
    found = _NUMBER.match(line)
    if found is None or (found["open"] == "[") != (found["close"] == "]"):
        return None
    if style and (found["close"] != style["close"] or len(found["indent"]) > len(style["indent"])):
        return None
    return found


def _is_numbered_list(lines: list[str]) -> bool:
    """Tell whether the text is one list: it starts with number 1, and no number is out of turn."""
    first = next((line for line in lines if has_content(line)), "")
    style = _marker(first)
    if style is None:
        return False
    numbers = [int(found["number"]) for line in lines if (found := _marker(line, style))]
    return len(numbers) > 1 and numbers == list(range(1, len(numbers) + 1))


def _numbered_pieces(lines: list[str]) -> list[list[str]]:
    pieces: list[list[str]] = [[]]
    style: re.Match[str] | None = None
    due = 0
    for line in lines:
        found = _marker(line, style)
        if found and (style is None or int(found["number"]) == due):
            style = style or found
            due = int(found["number"]) + 1
            pieces.append([line[found.end() :]])
        else:
            pieces[-1].append(line)
    return pieces
