"""The lines of the strategy set as a run found them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reranking.draft import Entry
from reranking.jobs import Part
from reranking.strategies.catalogue import with_defaults


def as_ran(shelf: Sequence[Entry], parts: Sequence[Part]) -> list[Entry]:
    """The lines with exactly the strategies of `parts` on, with the parameters that they ran with.

    The other lines are off. A line that is on with other parameters gets those that its strategy ran
    with; where there is no line of it any more, one is put below the one that ran before it. Lines
    that change are new ones under keys of their own, the others the same objects as before.
    """
    found = _lines(shelf, parts)
    every = list(shelf)
    below = 0
    for part, line in zip(parts, found, strict=True):
        if line is None:
            every.insert(below, _as_ran(Entry(part.strategy.spec()), part))
        else:
            below = next(at for at, entry in enumerate(every) if entry is line)
            if not line.on or _spec(line) != part.strategy.spec():
                every[below] = _as_ran(line, part)
        below += 1
    ran = [line for line in found if line is not None]
    for at, entry in enumerate(every):
        if entry.on and any(entry is line for line in shelf) and not any(entry is line for line in ran):
            every[at] = entry.copy()
            every[at].on = False
    return every


def _lines(shelf: Sequence[Entry], parts: Sequence[Part]) -> list[Entry | None]:
    """The line of each part: the same strategy as it ran, else one of its kind that is on; None if there is none."""
    left = sorted(shelf, key=lambda entry: not entry.on)
    found: list[Entry | None] = []
    for part in parts:
        line = next((entry for entry in left if _spec(entry) == part.strategy.spec()), None)
        left = [entry for entry in left if entry is not line]
        found.append(line)
    for at, part in enumerate(parts):
        if found[at] is None:
            kind = part.strategy.spec()["kind"]
            line = next((entry for entry in left if entry.on and entry.spec.get("kind") == kind), None)
            left = [entry for entry in left if entry is not line]
            found[at] = line
    return found


def _as_ran(line: Entry, part: Part) -> Entry:
    made = line.copy()
    made.on = True
    if _spec(made) != part.strategy.spec():
        made.spec, made.nonce = part.strategy.spec(), part.nonce or ""
    return made


def _spec(entry: Entry) -> dict[str, Any]:
    """What a line would run as."""
    strategy = entry.strategy()
    return entry.spec if strategy is None else with_defaults(strategy).spec()
