"""Replies -> grades and orders, with what had to be mended. Pure; never raises on any text.

Rules: methods document, "Repairing a listwise reply" and "Pointwise LLM". What cannot be
read is reported as such and never replaced by a default.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any, Literal

Rule = Literal["strict", "continued", "brackets", "numbers"]

_THINK_END = "</think>"
_FENCE = re.compile(r"^\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*$", re.DOTALL)
_STRICT = re.compile(r"\s*\[\s*\d+\s*\](?:\s*>\s*\[\s*\d+\s*\])*\s*\.?\s*")
_CONTINUED = re.compile(r"\s*\d+\s*\](?:\s*>\s*\[\s*\d+\s*\])+.*", re.DOTALL)
_BRACKETED = re.compile(r"\[\s*(\d+)\s*\]")
_NUMBER = re.compile(r"\d+")
_ENUMERATED = re.compile(r"^\s*\d+\s*[.):]\s*(\d+)\s*$", re.MULTILINE)
_LABEL = re.compile(r"^\s*(?:\w+\s+){0,3}\w+\s*:\s*")
_SEPARATORS = re.compile(r"[\d\s>,;.|/()\[\]{}<=:#*\-–—→]")
_LIST_LIKE = 0.9

_SCORE = re.compile(
    r"(?:score|grade|rating|relevance)\W{0,6}(-?\d+(?:[.,]\d+)?)(?:\s*(?:/|out of)\s*(\d+))?"
    r"|(?<![\d.])(-?\d+(?:[.,]\d+)?)\s*(?:/|out of)\s*(\d+)",
    re.IGNORECASE,
)
_BARE_SCORE = re.compile(r"\s*(-?\d+(?:[.,]\d+)?)\s*\.?\s*")


@dataclass(frozen=True, slots=True)
class Order:
    """An order read from a reply: `places` is a permutation of 0..n-1, or None if there was none.

    `rule` tells which reading worked. `duplicates` and `out_of_range` count dropped
    identifiers; `missing` lists the places that the reply left out, appended in their order.
    """

    places: tuple[int, ...] | None
    rule: Rule | None = None
    duplicates: int = 0
    out_of_range: int = 0
    missing: tuple[int, ...] = ()
    reasons: dict[int, str] = field(default_factory=dict)

    @property
    def mended(self) -> bool:
        """Whether the reply was no exact permutation as it stood."""
        return self.places is not None and bool(self.duplicates or self.out_of_range or self.missing)


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade read from a reply; `score` is None if there was none, and `problem` says why."""

    score: float | None
    reason: str | None = None
    quotes: tuple[str, ...] = ()
    mended: bool = False
    problem: str = ""


def parse_order(text: str, count: int) -> Order:
    """The order of passages 1..`count` that a listwise reply states."""
    text = _normal(text)
    reasons: dict[int, str] = {}
    listed = _json_ranking(text, reasons)
    rule: Rule | None = "strict"
    if listed is None:
        listed, rule = _listed(text)
    if not listed:
        return Order(None)
    seen: list[int] = []
    duplicates = out_of_range = 0
    for number in listed:
        if not 1 <= number <= count:
            out_of_range += 1
        elif number - 1 in seen:
            duplicates += 1
        else:
            seen.append(number - 1)
    if not seen:
        return Order(None, None, duplicates, out_of_range)
    missing = tuple(place for place in range(count) if place not in set(seen))
    kept = {place - 1: reason for place, reason in reasons.items() if 1 <= place <= count}
    return Order((*seen, *missing), rule, duplicates, out_of_range, missing, kept)


def parse_grade(text: str, top: int) -> Grade:
    """The grade from 0 to `top` that a pointwise reply states, with its reason and quotes.

    JSON with `score` is read first, then a bare number, then "Score: 7" or "7/10" in text. A
    grade outside the scale, or on another scale, is a problem and no grade.
    """
    text = _normal(text)
    value = _json_value(text)
    if isinstance(value, dict) and "score" in value:
        reason = value.get("reason")
        quotes = value.get("quotes")
        return _within(
            _number(value["score"]),
            top,
            reason=reason.strip() if isinstance(reason, str) and reason.strip() else None,
            quotes=tuple(item for item in quotes if isinstance(item, str)) if isinstance(quotes, list) else (),
        )
    bare = _BARE_SCORE.fullmatch(text)
    if bare:
        return _within(_number(bare.group(1)), top, mended=True)
    found = {(match.group(1) or match.group(3), match.group(2) or match.group(4)) for match in _SCORE.finditer(text)}
    if len(found) != 1:
        problem = "the reply states no grade" if not found else "the reply states more than one grade"
        return Grade(None, problem=problem)
    number, scale = found.pop()
    if scale is not None and _number(scale) != top:
        return Grade(None, problem=f"the reply grades out of {scale}, not {top}")
    return _within(_number(number), top, reason=text.strip() or None, mended=True)


def _within(score: float | None, top: int, **values: Any) -> Grade:
    if score is None:
        return Grade(None, problem="the grade is not a number")
    if not 0 <= score <= top:
        return Grade(None, problem=f"the grade {score:g} is outside 0 to {top}")
    return Grade(score, **values)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e300 and math.isfinite(value) else None
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,9}(?:[.,]\d{1,9})?\s*", value):
        return float(value.strip().replace(",", "."))
    return None


def _normal(text: str) -> str:
    """The answer after any thinking, without a code fence, its digits made plain."""
    text = text.rsplit(_THINK_END, 1)[-1]
    fenced = _FENCE.match(text)
    return unicodedata.normalize("NFKC", fenced.group(1) if fenced else text)


def _json_value(text: str) -> dict[str, Any] | list[Any] | None:
    """The JSON object or list that the text is or holds, or None."""
    decoder = json.JSONDecoder()
    for start in [0, *(at for at in (text.find("{"), text.find("[")) if at > 0)]:
        try:
            value = decoder.raw_decode(text, start + len(text[start:]) - len(text[start:].lstrip()))[0]
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict | list):
            return value
    return None


def _json_ranking(text: str, reasons: dict[int, str]) -> list[int] | None:
    """Identifiers of a JSON ranking: a list, or an object with the list under `ranking`."""
    if "{" not in text and not re.match(r"\s*\[\s*\d+\s*,", text):
        return None
    value: Any = _json_value(text)
    if isinstance(value, dict):
        value = value.get("ranking")
    if not isinstance(value, list) or len(value) == 0:
        return None
    listed: list[int] = []
    for item in value:
        number = _identifier(item.get("passage") if isinstance(item, dict) else item)
        if number is None:
            return None
        reason = item.get("reason") if isinstance(item, dict) else None
        if isinstance(reason, str) and reason.strip():
            reasons.setdefault(number, reason.strip())
        listed.append(number)
    return listed


def _identifier(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str):
        match = re.fullmatch(r"\s*\[?\s*(\d{1,9})\s*\]?\s*", value)
        return int(match.group(1)) if match else None
    return None


def _listed(text: str) -> tuple[list[int], Rule | None]:
    if _STRICT.fullmatch(text):
        return _numbers(_BRACKETED, text), "strict"
    if _CONTINUED.fullmatch(text):
        return _numbers(_BRACKETED, "[" + text.lstrip()), "continued"
    bracketed = _numbers(_BRACKETED, text)
    if bracketed:
        return bracketed, "brackets"
    text = _LABEL.sub("", text, count=1).strip()
    if not text or len(_SEPARATORS.findall(text)) < _LIST_LIKE * len(text):
        return [], None
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(_ENUMERATED.match(line) for line in lines):
        return _numbers(_ENUMERATED, text), "numbers"
    return _numbers(_NUMBER, text), "numbers"


def _numbers(pattern: re.Pattern[str], text: str) -> list[int]:
    """All numbers that `pattern` finds; one too long to be an identifier counts as out of range."""
    found = (match.group(match.re.groups and 1) for match in pattern.finditer(text))
    return [int(digits) if len(digits) <= 9 else 0 for digits in found]
