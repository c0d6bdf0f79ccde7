"""Replies that state grades: of one passage, of each of several, or of one passage's aspects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from reranking.parsing.reading import answer_in, identifier, number, objects, objects_with, plain

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
_DIGITS = re.compile(r"\d+")
_RANGE_BEFORE = re.compile(r"\d\s*(?:-|to)\s*\Z", re.IGNORECASE)
_BARE_SCORE = re.compile(r"\s*(-?\d+(?:[.,]\d+)?)\s*\.?\s*")
_NO_GRADE = "the reply states no grade"
_TWO_GRADES = "the reply states more than one grade"

_MARKS = r"[\s>*_#|•-]*+"
_NAMED = re.compile(
    rf"{_MARKS}(?:\d{{1,4}}[.)]\s*+)?[*_]*+"
    r"(?:\[\s*+(\d++)\s*+\]|\[?(?:doc(?:ument)?|passage|text)\s*+#?\s*+\[?(\d++)(?!\w)\]?+)[*_]*+",
    re.IGNORECASE,
)
_NUMBERED = re.compile(rf"{_MARKS}(\d++)\s*+[.):|](?!\d)[*_]*+")
# A number right after the identifier is its grade if no word follows it: "[1] 8" and "[1]: 8 - it", not "[1] 8 cups".
_FIRST = re.compile(
    rf"(?:[^\w\[<>-]|-(?!\d)){{0,8}}+({_NUMERAL}){_NO_RANGE}(?:{_OUT_OF}|(?!\s*+[\w%])(?!\s*+,\s*+\d))", re.IGNORECASE
)
_LONGEST_IDENTIFIER = 9
_EDGES = " \t\r\n-–—:;,.|*_)"
_END = " \t\r\n|"
_NAME_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade read from a reply; `score` is None if there was none, and `problem` says why."""

    score: float | None
    reason: str | None = None
    quotes: tuple[str, ...] = ()
    mended: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Grades:
    """The grades of several passages read from one reply, by place; None where there is none.

    `rule` tells what was read: the form that was asked for, its entries outside that form (cut
    off, or without the list around them), or text. An entry of a passage that had one counts
    under `duplicates`, one that names no passage under `out_of_range`. `off_scale` lists the
    places whose grade is off the scale or no number, `missing` those that have no entry.
    """

    scores: tuple[float | None, ...]
    reasons: tuple[str | None, ...]
    rule: Literal["form", "entries", "text"] | None = None
    duplicates: int = 0
    out_of_range: int = 0
    off_scale: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()

    @property
    def mended(self) -> bool:
        """Whether something in the reply had to be left out, or was read outside the form."""
        return self.rule in {"entries", "text"} or bool(self.duplicates or self.out_of_range)


@dataclass(frozen=True, slots=True)
class Parts:
    """One passage's grades by aspect; `scores` is None unless all are there, and `problem` says why."""

    scores: tuple[float, ...] | None
    reason: str | None = None
    mended: bool = False
    problem: str = ""


def parse_grade(text: str, top: int) -> Grade:
    """The grade from 0 to `top` that a pointwise reply states, with its reason and quotes.

    JSON with `score` is read first, then a bare number, then "Score: 7" or "7/10" in text. A
    grade outside the scale, or on another scale, is a problem and no grade, and so is a range.
    Reason and quotes are given word for word.
    """
    answer = answer_in(text)
    graded = objects(answer, "score")
    if graded:
        value = graded[0]
        if any(other["score"] != value["score"] for other in graded[1:]):
            return Grade(None, problem=_TWO_GRADES)
        quotes = value.get("quotes")
        return _within(
            number(value["score"]),
            top,
            reason=_reason(value),
            quotes=tuple(item for item in quotes if isinstance(item, str)) if isinstance(quotes, list) else (),
        )
    in_plain = plain(answer)
    bare = _BARE_SCORE.fullmatch(in_plain)
    if bare:
        return _within(number(bare.group(1)), top, mended=True)
    return _stated(in_plain, top, reason=answer.strip() or None)


def parse_grades(text: str, count: int, top: int) -> Grades:
    """The grades from 0 to `top` of passages 1..`count` that one reply states, each with its reason.

    JSON is read first: a list of objects with `passage`, `reason` and `score`, under `grades` or
    alone; then such objects wherever they stand. Otherwise text, with a passage at the beginning
    of a line: "Doc 1: 8/10 - it ...", "[1] Score: 8", "1. 8", or a row of a table. The first
    entry of a passage counts. Reasons are given word for word.
    """
    answer = answer_in(text)
    rule: Literal["form", "entries", "text"] | None
    entries, rule = _entries(answer, top)
    scores: list[float | None] = [None] * count
    reasons: list[str | None] = [None] * count
    named: set[int] = set()
    duplicates = out_of_range = 0
    for passage, grade in entries:
        place = -1 if passage is None else passage - 1
        if not 0 <= place < count:
            out_of_range += 1
        elif place in named:
            duplicates += 1
        else:
            named.add(place)
            scores[place], reasons[place] = grade.score, grade.reason
    return Grades(
        tuple(scores),
        tuple(reasons),
        rule if entries else None,
        duplicates,
        out_of_range,
        tuple(place for place in sorted(named) if scores[place] is None),
        tuple(place for place in range(count) if place not in named),
    )


def parse_parts(text: str, aspects: Sequence[tuple[str, str, int]]) -> Parts:
    """One passage's grades by aspect; each of `aspects` is its key in the form, its name, its best grade.

    A JSON object with the keys is read, or one with the names in their place. All must be
    there, and on their scales.
    """
    answer = answer_in(text)
    found = objects(answer, aspects[0][0])
    mended = not found
    if not found:
        found = _by_name(answer, aspects)
    if not found:
        return Parts(None, problem="the reply states no grades")
    keys = [key for key, _, _ in aspects]
    if any(other.get(key) != found[0].get(key) for other in found[1:] for key in keys):
        return Parts(None, problem="the reply states more than one grade for an aspect")
    scores = []
    for key, name, top in aspects:
        if key not in found[0]:
            return Parts(None, problem=f"no grade for '{name}'")
        grade = _within(number(found[0][key]), top)
        if grade.score is None:
            return Parts(None, problem=f"'{name}': {grade.problem}")
        scores.append(grade.score)
    return Parts(tuple(scores), _reason(found[0]), mended)


def _stated(in_plain: str, top: int, reason: str | None) -> Grade:
    """The one grade that a text states in words such as "Score: 7" or "7/10"."""
    stated = [match for match in _SCORE.finditer(in_plain) if not _ends_range(in_plain, match)]
    numbers = {number(match[2] or match[4]) for match in stated}
    if len(numbers) != 1:
        return Grade(None, problem=_NO_GRADE if not numbers else _TWO_GRADES)
    for scale in filter(None, map(_scale, stated)):
        if scale != top:
            return Grade(None, problem=_other_scale(scale, top))
    return _within(numbers.pop(), top, reason=reason, mended=True)


def _ends_range(text: str, match: re.Match[str]) -> bool:
    """Whether the number is the end of a range, as in "7 to 8/10"."""
    return match[4] is not None and _RANGE_BEFORE.search(text, max(0, match.start() - 20), match.start()) is not None


def _scale(match: re.Match[str]) -> float | None:
    """The best grade that a stated grade says it is out of, if it says so."""
    told = match[3] or match[5]
    if told is not None:
        return number(told)
    known = [number(digits) for digits in _DIGITS.findall(match[1] or "")]
    return max((value for value in known if value is not None), default=None)


def _other_scale(scale: float, top: int) -> str:
    return f"the reply grades out of {scale:g}, not {top}"


def _within(score: float | None, top: int, **values: Any) -> Grade:
    if score is None:
        return Grade(None, problem="the grade is not a number")
    if not 0 <= score <= top:
        return Grade(None, problem=f"the grade {score:g} is outside 0 to {top}")
    return Grade(score, **values)


def _reason(value: dict[str, Any]) -> str | None:
    reason = value.get("reason")
    return reason.strip() or None if isinstance(reason, str) else None


_Entry = tuple[int | None, Grade]
"""The identifier of a passage, or None if it is none, and the grade with its reason."""


def _entries(answer: str, top: int) -> tuple[list[_Entry], Literal["form", "entries", "text"]]:
    """All entries in their order, and the rule by which they were read."""
    rule: Literal["form", "entries"] = "form"
    listed = [value["grades"] for value in objects(answer, "grades")]
    values: list[Any] = [item for items in listed if isinstance(items, list) for item in items]
    if not values:
        values = _json_list(answer)
    if not values:
        rule, values = "entries", list(objects(answer, "passage"))
    if values:
        return [_entry(value, top) for value in values], rule
    return list(_lines(answer, top)), "text"


def _json_list(answer: str) -> list[Any]:
    """The objects of a JSON list that is all of the answer."""
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return []
    entries = isinstance(value, list) and all(isinstance(item, dict) and "passage" in item for item in value)
    return value if entries else []


def _entry(value: Any, top: int) -> _Entry:
    if not isinstance(value, dict):
        return None, Grade(None)
    score = value.get("score")
    grade = _within(number(score), top, reason=_reason(value))
    if grade.score is None and isinstance(score, str):  # "7/10"
        grade = _stated(plain(score), top, reason=_reason(value))
    return identifier(value.get("passage")), grade


def _lines(answer: str, top: int) -> Iterator[_Entry]:
    """The entries of a text: each begins with a line that begins with an identifier and has a grade."""
    lines = answer.splitlines(keepends=True)
    in_plain = [plain(line) for line in lines]
    for pattern in (_NAMED, _NUMBERED):
        starts = [(at, match) for at, line in enumerate(in_plain) if (match := pattern.match(line))]
        found = []
        ends = [*(at for at, _ in starts[1:]), len(lines)]
        for (at, match), end in zip(starts, ends, strict=False):
            grade = _section(lines[at:end], in_plain[at:end], match.end(), top)
            if grade is not None:
                digits = next(filter(None, match.groups()))
                found.append((int(digits) if len(digits) <= _LONGEST_IDENTIFIER else None, grade))
        if found:
            yield from found
            return


def _section(lines: Sequence[str], in_plain: Sequence[str], start: int, top: int) -> Grade | None:
    """The grade of lines that begin with an identifier, which ends at `start` in the plain first one; None if none."""
    first = _FIRST.match(in_plain[0], start)
    if first is not None:
        reason = _after(lines, in_plain[0], first.end())
        if first[2] is not None and number(first[2]) != top:
            return Grade(None, reason, problem=f"the reply grades out of {first[2]}, not {top}")
        return _within(number(first[1]), top, reason=reason, mended=True)
    grade = _stated("".join((in_plain[0][start:], *in_plain[1:])), top, reason=_after(lines, in_plain[0], start))
    return None if grade.problem == _NO_GRADE else grade


def _after(lines: Sequence[str], plain_first: str, end: int) -> str | None:
    """What the lines say after `end` of their plain first line, or all of it where that place is not the same."""
    first = lines[0]
    same = plain(first[:end]) == plain_first[:end]
    return "".join((first[end if same else 0 :], *lines[1:])).lstrip(_EDGES).rstrip(_END) or None


def _by_name(answer: str, aspects: Sequence[tuple[str, str, int]]) -> list[dict[str, Any]]:
    """The JSON objects that hold grades under the names of aspects, with the keys in their place."""
    keys = {_folded(name): key for key, name, _ in aspects if _folded(name)}
    found = objects_with(answer, lambda value: any(_folded(name) in keys for name in value))
    return [{keys.get(_folded(name), name): item for name, item in value.items()} for value in found]


def _folded(name: str) -> str:
    return " ".join(_NAME_WORD.findall(name.casefold()))
