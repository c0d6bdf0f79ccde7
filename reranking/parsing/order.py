"""Replies that state an order of passages: methods document, "Repairing a listwise reply"."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from reranking.parsing.reading import answer_in, identifier, objects, plain

Rule = Literal["strict", "continued", "brackets", "numbers"]

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


def parse_order(text: str, count: int) -> Order:
    """The order of passages 1..`count` that a listwise reply states."""
    answer = answer_in(text)
    in_plain = plain(answer)
    reasons: dict[int, str] = {}
    rule: Rule | None = "strict"
    listed = _strict(in_plain)
    if listed is None:
        listed = _json_ranking(answer, reasons)
    if listed is None:
        listed, rule = _listed(in_plain)
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


def _json_ranking(text: str, reasons: dict[int, str]) -> list[int] | None:
    """Identifiers of a JSON ranking: an object with the list under `ranking`, or nothing but a list.

    Empty if there is such an object but no order can be read from it: numbers within its
    other parts are none.
    """
    ranked = objects(text, "ranking")
    if ranked:
        value: Any = ranked[0]["ranking"]
        if isinstance(value, str):
            return _strict(plain(value)) or []
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
        number = identifier(item.get("passage") if isinstance(item, dict) else item)
        if number is None:
            return None
        reason = item.get("reason") if isinstance(item, dict) else None
        if isinstance(reason, str) and reason.strip():
            reasons.setdefault(number, reason.strip())
        listed.append(number)
    return listed


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
