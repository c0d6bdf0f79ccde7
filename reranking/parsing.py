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
_FENCE = re.compile(r"```[a-zA-Z]*+[^\S\n]*+\n")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"))
_STRICT = re.compile(r"\s*+\[\s*+\d++\s*+\](?:\s*+>\s*+\[\s*+\d++\s*+\])*+\s*+\.?\s*+")
_STRICT_FIRST = re.compile(
    r"(\s*\[\s*\d+\s*\](?:[^\S\n]*>[^\S\n]*\[\s*\d+\s*\])+)[^\S\n]*+\.?[^\S\n]*+\n(?!\s*(?:>|\[\s*\d+\s*\]))"
)
_CONTINUED = re.compile(r"\s*(\d+)\s*\]?((?:\s*>\s*\[\s*\d+\s*\])+.*)", re.DOTALL)
_BRACKETED = re.compile(r"\[\s*(\d+)\s*\]")
_NUMBER = re.compile(r"\d+")
_ENUMERATED = re.compile(r"^\s*\d+\s*[.):]\s*(\d+)\s*$", re.MULTILINE)
_LABEL = re.compile(r"^\s*(?:\w+\s+){0,3}\w+\s*:\s*")
_SEPARATORS = re.compile(r"[\d\s>,;.|/()\[\]{}<=:#*\-–—→]")
_LIST_LIKE = 0.9
_MOST_OBJECTS = 50

_NUMERAL = r"-?\d++(?:[.,]\d++)?+"
_OUT_OF = r"\s*(?:/|out of)\s*(\d++)"
_NO_RANGE = r"(?!\s*(?:-|to\b)\s*\d)"
_SCORE = re.compile(
    r"(?<![^\W_])(?:score|grade|rating|relevance)"
    # What the label says of its scale, "(0-10)", is not the grade; "(7)" and "(7/10)" are.
    rf"(?:[\s*_]*[(\[](?!\s*{_NUMERAL}(?:\s*(?:/|out of)\s*\d++)?\s*[)\]])([^()\[\]]{{0,60}})[)\]])?+"
    rf"(?:[^\w-]|-(?!\d)){{0,6}}({_NUMERAL}){_NO_RANGE}(?:{_OUT_OF})?"
    rf"|(?<![\d.,/-])({_NUMERAL}){_OUT_OF}",
    re.IGNORECASE,
)
_RANGE_BEFORE = re.compile(r"\d\s*(?:-|to)\s*\Z", re.IGNORECASE)
_TWO_GRADES = "the reply states more than one grade"
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
    answer = _answer(text)
    plain = _plain(answer)
    reasons: dict[int, str] = {}
    rule: Rule | None = "strict"
    listed = _strict(plain)
    if listed is None:
        listed = _json_ranking(answer, reasons)
    if listed is None:
        listed, rule = _listed(plain)
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
    grade outside the scale, or on another scale, is a problem and no grade, and so is a range.
    Reason and quotes are given word for word.
    """
    answer = _answer(text)
    graded = _objects(answer, "score")
    if graded:
        value = graded[0]
        if any(other["score"] != value["score"] for other in graded[1:]):
            return Grade(None, problem=_TWO_GRADES)
        reason = value.get("reason")
        quotes = value.get("quotes")
        return _within(
            _number(value["score"]),
            top,
            reason=reason.strip() if isinstance(reason, str) and reason.strip() else None,
            quotes=tuple(item for item in quotes if isinstance(item, str)) if isinstance(quotes, list) else (),
        )
    plain = _plain(answer)
    bare = _BARE_SCORE.fullmatch(plain)
    if bare:
        return _within(_number(bare.group(1)), top, mended=True)
    stated = [match for match in _SCORE.finditer(plain) if not _ends_range(plain, match)]
    numbers = {_number(match[2] or match[4]) for match in stated}
    if len(numbers) != 1:
        return Grade(None, problem="the reply states no grade" if not numbers else _TWO_GRADES)
    for scale in filter(None, map(_scale, stated)):
        if scale != top:
            return Grade(None, problem=f"the reply grades out of {scale}, not {top}")
    return _within(numbers.pop(), top, reason=answer.strip() or None, mended=True)


def _ends_range(text: str, match: re.Match[str]) -> bool:
    """Whether the number is the end of a range, as in "7 to 8/10"."""
    return match[4] is not None and _RANGE_BEFORE.search(text, max(0, match.start() - 20), match.start()) is not None


def _scale(match: re.Match[str]) -> float | None:
    """The best grade that a stated grade says it is out of, if it says so."""
    told = match[3] or match[5]
    if told is not None:
        return _number(told)
    known = [_number(digits) for digits in _NUMBER.findall(match[1] or "")]
    return max((number for number in known if number is not None), default=None)


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
    if isinstance(value, str):
        plain = _plain(value).strip()
        if re.fullmatch(r"-?\d{1,9}(?:[.,]\d{1,9})?", plain):
            return float(plain.replace(",", "."))
    return None


def _answer(text: str) -> str:
    """The answer after any thinking, without a code fence, otherwise word for word."""
    text = text.rsplit(_THINK_END, 1)[-1]
    bare = text.strip()
    opening = _FENCE.match(bare)
    return bare[opening.end() : -3] if opening and bare.endswith("```", opening.end()) else text


def _plain(text: str) -> str:
    """The text with digits, brackets and dashes made plain, for reading numbers and nothing else."""
    return unicodedata.normalize("NFKC", text).translate(_DASHES)


def _objects(text: str, key: str) -> list[dict[str, Any]]:
    """The JSON objects with `key` that the text is or holds, in order."""
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    start = text.find("{")
    for _ in range(_MOST_OBJECTS):
        if start < 0:
            break
        end = start + 1
        try:
            value, after = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and key in value:
            found.append(value)
            end = after
        start = text.find("{", end)
    return found


def _json_ranking(text: str, reasons: dict[int, str]) -> list[int] | None:
    """Identifiers of a JSON ranking: an object with the list under `ranking`, or nothing but a list.

    Empty if there is such an object but no order can be read from it: numbers within its
    other parts are none.
    """
    objects = _objects(text, "ranking")
    if objects:
        value: Any = objects[0]["ranking"]
        if isinstance(value, str):
            return _strict(_plain(value)) or []
        return _identifiers(value, reasons) or []
    if text.lstrip().startswith("{") and '"ranking"' in text:  # cut off or broken
        return []
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _identifiers(value, reasons)


def _identifiers(value: Any, reasons: dict[int, str]) -> list[int] | None:
    """The identifiers in a decoded JSON list, bare or with reasons; None if it holds anything else."""
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
        match = re.fullmatch(r"\s*\[?\s*(\d{1,9})\s*\]?\s*", _plain(value))
        return int(match.group(1)) if match else None
    return None


def _strict(text: str) -> list[int] | None:
    """The identifiers of "[3] > [1] > [2]", alone or on a first line that nothing continues."""
    if _STRICT.fullmatch(text):
        return _numbers(_BRACKETED, text)
    first = _STRICT_FIRST.match(text)
    return _numbers(_BRACKETED, first[1]) if first else None


def _listed(text: str) -> tuple[list[int], Rule | None]:
    if continued := _CONTINUED.fullmatch(text):
        return _numbers(_BRACKETED, f"[{continued[1]}]{continued[2]}"), "continued"
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
