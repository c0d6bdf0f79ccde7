"""What all readers of replies share: the answer in a reply, its JSON objects, its numbers."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable
from typing import Any

_THINK_END = "</think>"
_FENCE = re.compile(r"```[a-zA-Z]*+[^\S\n]*+\n")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"))
_MOST_MISSES = 50


def answer_in(text: str) -> str:
    """The answer after any thinking, without a code fence, otherwise word for word."""
    text = text.rsplit(_THINK_END, 1)[-1]
    bare = text.strip()
    opening = _FENCE.match(bare)
    return bare[opening.end() : -3] if opening and bare.endswith("```", opening.end()) else text


def plain(text: str) -> str:
    """The text with digits, brackets and dashes made plain, for reading numbers and nothing else."""
    return unicodedata.normalize("NFKC", text).translate(_DASHES)


def objects(text: str, key: str) -> list[dict[str, Any]]:
    """The JSON objects with `key` that the text is or holds, in order; not those within one of them."""
    return objects_with(text, lambda value: key in value)


def objects_with(text: str, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """The JSON objects that are `wanted` and that the text is or holds, in order; not those within one of them."""
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    misses = 0  # a miss may read to the end of the text, what is found is read once
    start = text.find("{")
    while start >= 0 and misses < _MOST_MISSES:
        end = start + 1
        try:
            value, after = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and wanted(value):
            found.append(value)
            end = after
        else:
            misses += 1
        start = text.find("{", end)
    return found


def number(value: Any) -> float | None:
    """The finite number that a JSON value is or spells, such as 7, "7" or "6,5"; None if it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e300 and math.isfinite(value) else None
    if isinstance(value, str):
        digits = plain(value).strip()
        if re.fullmatch(r"-?\d{1,9}(?:[.,]\d{1,9})?", digits):
            return float(digits.replace(",", "."))
    return None


def identifier(value: Any) -> int | None:
    """The passage that a JSON value names, such as 3, "3" or "[3]"; None if it names none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        match = re.fullmatch(r"\s*+\[?\s*+(\d{1,9})\s*+\]?\s*+", plain(value))
        return int(match.group(1)) if match else None
    return None
