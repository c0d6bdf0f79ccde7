"""Short texts for people, put together the same way everywhere."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

RAISE_THE_LIMIT = "Raise the limit and resume the run."
"""What to do where a spending limit stands in the way."""


def listed(words: Sequence[str]) -> str:
    """At least one word or name as a phrase: `a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def one_line(text: str, length: int) -> str:
    """The text on one line of at most `length` characters, with an ellipsis where it is cut."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def file_stem(text: str) -> str:
    """How the text begins, as all file systems take it in a file's name."""
    words = "".join(char if is_of_a_word(char) else " " for char in text[:40]).split()
    return "-".join(words).lower() or "rerank-lens"


def is_of_a_word(char: str) -> bool:
    """Whether it is a letter, a digit, an underscore, or a mark on one, as the vowel signs of Hindi are."""
    return char.isalnum() or char == "_" or unicodedata.category(char).startswith("M")


def in_bytes(size: int) -> str:
    """A number of bytes for people."""
    amount = float(size)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
