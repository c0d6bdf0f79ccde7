"""The colours of every chart, for light and dark backgrounds, safe for colour-blind readers.

A strategy has the same colour and shape everywhere: those of its place in the comparison. Documents
are drawn in the colours of words (`text`, `muted`, `faint`), so that none passes for a strategy.
Grades use one sequential scale, effects one diverging scale that is to be centred at zero.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, get_args

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""Okabe and Ito's colours in the order in which strategies take them."""

Shape = Literal["circle", "square", "triangle-up", "diamond", "triangle-down"]
"""Shapes in the order in which strategies take them, as plotly calls them: colour and shape together
repeat after forty strategies only."""

_SIGNS = "●■▲◆▼"

Scale = list[tuple[float, str]]
"""A continuous scale as plotly takes it: places from 0 to 1 with their colours."""


def colour(position: int, dark: bool) -> str:
    """The colour of the strategy at `position` (from 0); after eight they begin again."""
    chosen = OKABE_ITO[position % len(OKABE_ITO)]
    return "#BBBBBB" if dark and chosen == "#000000" else chosen


def shape(position: int) -> Shape:
    """The shape of the strategy at `position` (from 0); after five they begin again."""
    shapes: tuple[Shape, ...] = get_args(Shape)
    return shapes[position % len(shapes)]


def sign(position: int, dark: bool) -> str:
    """The mark of the strategy at `position` within a text that plotly draws: its shape in its colour."""
    return f'<span style="color:{colour(position, dark)}">{_SIGNS[position % len(_SIGNS)]}</span>'


def text(dark: bool) -> str:
    """The colour of words and numbers."""
    return "#F0EEEB" if dark else "#2F2D2B"


def muted(dark: bool) -> str:
    """The colour of what may be read last: axis numbers, notes."""
    return "#A8A5A1" if dark else "#6F6D6A"


def faint(dark: bool) -> str:
    """The colour of lines in the background."""
    return "#4C4A47" if dark else "#D3D1CE"


def background(dark: bool) -> str:
    """Streamlit's page colour, for what must hide lines: the charts themselves are transparent."""
    return "#171614" if dark else "#FFFFFF"


def sequential(dark: bool) -> Scale:
    """From nothing (near the background) to much: shares, grades."""
    if dark:
        return [(0.0, "#1D2025"), (0.35, "#134A72"), (0.7, "#2E8CC4"), (1.0, "#BFE3F7")]
    return [(0.0, "#F3F6FA"), (0.35, "#A6CCE6"), (0.7, "#2F86BD"), (1.0, "#0B3A5E")]


def diverging(dark: bool) -> Scale:
    """From orange (below zero) over near-background (zero) to blue (above zero)."""
    if dark:
        return [(0.0, "#F0914A"), (0.25, "#9A4E1C"), (0.5, "#262523"), (0.75, "#1D5F8C"), (1.0, "#63B8EA")]
    return [(0.0, "#B34700"), (0.25, "#EDA56B"), (0.5, "#F5F5F7"), (0.75, "#7DB5DA"), (1.0, "#005A8C")]


def at(scale: Scale, value: float) -> str:
    """The colour (hex) of `scale` at `value`, which is cut to 0 to 1: for grades outside of plotly."""
    value = min(max(value, scale[0][0]), scale[-1][0])
    for (low, first), (high, second) in pairwise(scale):
        if value <= high:
            share = (value - low) / (high - low)
            return "#" + "".join(
                f"{round(int(first[i : i + 2], 16) * (1 - share) + int(second[i : i + 2], 16) * share):02X}"
                for i in (1, 3, 5)
            )
    return scale[-1][1]


def readable_on(ground: str) -> str:
    """Black or white, whichever can be read better on the colour `ground` (hex); at least 4.5 : 1 (WCAG 2)."""
    channels = [int(ground[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (light + 0.05) ** 2 > 0.05 * 1.05 else "#FFFFFF"
