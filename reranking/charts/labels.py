"""Labels that can be told apart: where they go so that none covers another, and how they are cut to fit."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import hypot

from reranking.charts.frame import SIZE, plain, wrapped

NARROW = frozenset("fijlrtI.,:;'’`|!()[]{}/\\- ")
BROAD = frozenset("mwMWQGO@%&…—")
HEAD = 0.4
"""The least share of a label for how a text begins, where a later part tells it from others."""

WORD = 12
"""A word of up to so many letters is shown from its beginning where texts differ within it."""


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places as near as possible to `wanted` (ascending) that are `gap` apart, from `low` to `high`.

    "Near" is least squares within each run of touching labels. Where there is no room for all, the
    last ones pass `high`.
    """
    groups: list[tuple[float, int]] = []  # where a run of touching labels begins, and how many it has
    for place in wanted:
        start, size = place, 1
        while groups and groups[-1][0] + groups[-1][1] * gap > start:
            other, count = groups.pop()
            start, size = (other * count + (start - count * gap) * size) / (count + size), count + size
        groups.append((start, size))
    placed = [start + at * gap for start, size in groups for at in range(size)]
    for at in reversed(range(len(placed))):
        placed[at] = min(placed[at], high if at == len(placed) - 1 else placed[at + 1] - gap)
    for at in range(len(placed)):
        placed[at] = max(placed[at], low if at == 0 else placed[at - 1] + gap)
    return placed


@dataclass(frozen=True, slots=True)
class Beside:
    """Where a number stands: pixels to the right of its point and below it; `far` if it needs a line to it."""

    right: float
    down: float
    far: bool


def beside(lines: Sequence[tuple[float, float, float]], wide: float, high: float) -> list[Beside]:
    """A place for a number beside the middle of each upright line, none over another or over a line.

    A line is (x, top, bottom) in pixels from the upper left corner of a plot of that size; a point
    is a line without length. A number stands next to its point or, if there is no room, at the
    nearest place that is free; where all are taken, over as little as can be.
    """
    taken = [_Box(x, (top + bottom) / 2, POINT, POINT) for x, top, bottom in lines]
    taken += [_Box(x, (top + bottom) / 2, STROKE, bottom - top) for x, top, bottom in lines]
    placed: list[_Box] = []
    found = []

    def covered(box: _Box) -> float:
        """How much a number there would cover, what cannot be read counting most."""
        return 10 * box.beyond(wide, high) + 4 * sum(map(box.shared, placed)) + sum(map(box.shared, taken))

    for x, top, bottom in lines:
        middle = (top + bottom) / 2
        near = [_Box(x + NEXT * right, middle + NEXT * down, *NUMBER) for right, down in _AROUND]
        chosen = next((box for box in near if not covered(box)), None)
        if chosen is None:
            elsewhere = sorted(_grid(wide, high), key=lambda box: hypot(box.x - x, box.y - middle))
            chosen = next((box for box in elsewhere if not covered(box)), None) or min(near, key=covered)
        placed.append(chosen)
        found.append(Beside(chosen.x - x, chosen.y - middle, far=chosen not in near))
    return found


POINT = 14
STROKE = 9
NUMBER = (17, 14)
NEXT = 16
"""Pixels from a point to a number next to it."""

_AROUND = ((1, 0), (-1, 0), (0, -1), (0, 1), (0.8, -0.8), (-0.8, -0.8), (0.8, 0.8), (-0.8, 0.8))


def _grid(wide: float, high: float) -> list[_Box]:
    """Places for numbers all over a plot, none over another."""
    across, down = (int(whole // part) for whole, part in zip((wide, high), NUMBER, strict=True))
    return [
        _Box((column + 0.5) * NUMBER[0], (row + 0.5) * NUMBER[1], *NUMBER)
        for column, row in product(range(across), range(down))
    ]


@dataclass(frozen=True, slots=True)
class _Box:
    """A rectangle around its middle."""

    x: float
    y: float
    wide: float
    high: float

    def shared(self, other: _Box) -> float:
        """The area that two have in common."""
        across = min((self.wide + other.wide) / 2 - abs(self.x - other.x), self.wide, other.wide)
        down = min((self.high + other.high) / 2 - abs(self.y - other.y), self.high, other.high)
        return max(across, 0.0) * max(down, 0.0)

    def beyond(self, wide: float, high: float) -> float:
        """The area outside of a plot of that size."""
        return self.wide * self.high - self.shared(_Box(wide / 2, high / 2, wide, high))


def width(text: str, size: float = SIZE) -> float:
    """About how many pixels `text` takes in type of that size; rather too many than too few."""
    return size * sum(map(_em, text))


def _em(char: str) -> float:
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0
    if char in NARROW:
        return 0.33
    if char in BROAD:
        return 0.87
    return 0.62 if char.isupper() else 0.53


def fitted(texts: Sequence[str], pixels: float) -> list[str]:
    """Each text on one line of at most `pixels`, cut so that no two of them look the same.

    A text that is too long loses its end. Texts that would be equal then keep how they begin and
    where they begin to differ, with an ellipsis between; those that are the same in full get a number.
    """
    whole = [plain(text) for text in texts]
    found = [_start(text, pixels) for text in whole]
    while alike := _alike(found, whole):
        before = list(found)
        for group in alike:
            shared = _shared([whole[at] for at in group])
            for at in group:
                found[at] = _split(whole[at], shared, pixels)
        if found == before:
            break
    return _numbered(found, pixels)


def in_rows(texts: Sequence[str], characters: int, rows: int) -> list[list[str]]:
    """Each text in up to so many rows of so many characters, cut so that no two of them look the same.

    Rows break after words, so that how much of a text they hold is tried: ever less of it, until
    what tells it from the others is there.
    """
    found = [wrapped(text, characters, rows) for text in texts]
    for share in (1.0, 0.85, 0.7, 0.55):
        if len(set(map(tuple, found))) == len(found):
            break
        pixels = share * rows * characters * SIZE * _em("x")
        found = [wrapped(text, characters, rows) for text in fitted(texts, pixels)]
    return found


def _alike(labels: Sequence[str], whole: Sequence[str]) -> list[list[int]]:
    """Which labels are equal though their texts differ."""
    groups: dict[str, list[int]] = {}
    for at, label in enumerate(labels):
        groups.setdefault(label, []).append(at)
    return [group for group in groups.values() if len({whole[at] for at in group}) > 1]


def _shared(texts: Sequence[str]) -> int:
    """How many characters all of them have in common at the beginning."""
    first, last = min(texts), max(texts)
    return next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))


def _start(text: str, pixels: float) -> str:
    """As much of the beginning as there is room for, with an ellipsis if that is not all."""
    reach, fits = 0.0, 0
    for at, char in enumerate(text, start=1):
        reach += SIZE * _em(char)
        if reach > pixels:
            return f"{text[:fits].rstrip()}…"
        if reach + SIZE * _em("…") <= pixels:
            fits = at
    return text


def _split(text: str, shared: int, pixels: float) -> str:
    """How a text begins, and its part from about `shared` characters on."""
    word = text.rfind(" ", 0, shared + 1) + 1
    rest = text[word if shared - word <= WORD else shared :]
    if not rest:
        return _start(text, pixels)
    tail = _start(rest, (1 - HEAD) * pixels)
    head = _start(f"{text[:shared]}……", pixels - width(tail))  # two, so that it always ends with one
    return f"{head.rstrip('… ')}…{tail}"


def _numbered(labels: list[str], pixels: float) -> list[str]:
    """The labels, equal ones with a number from the second on."""
    taken: set[str] = set()
    for at, label in enumerate(labels):
        number = 1
        while labels[at] in taken:
            number += 1
            labels[at] = f"{_start(label, pixels - width(f' ({number})'))} ({number})"
        taken.add(labels[at])
    return labels
