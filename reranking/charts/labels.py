"""Where labels go so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence


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
