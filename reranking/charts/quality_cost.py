"""Quality against price: which strategies are worth what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any, Literal

import plotly.graph_objects as go

from reranking.charts import palette
from reranking.charts.frame import SIZE, cut, empty, escape, framed, wrapped
from reranking.charts.labels import beside

Price = Literal["seconds", "dollars"]

PLOT = 250
"""Height of the plot in pixels."""

LEAST_WIDTH = 220
"""Width of the plot in pixels for which the numbers are placed: where it is wider, they are further apart."""

NAME = 44
"""Characters of a line of the legend."""

LINE = 18
"""Height in pixels of a line of the legend."""

BELOW = 54
"""Height in pixels between the plot and the legend, for the axis."""

WIDE = 20
"""With prices this many times apart the axis is logarithmic."""

HEAD = 10
"""Height in pixels above the plot."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A strategy with what it took and the range its quality lies in (the same twice if it is known).

    `position` is its place in the comparison, which gives its colour.
    """

    name: str
    position: int
    price: float
    low: float
    high: float

    @property
    def middle(self) -> float:
        """The middle of the range."""
        return (self.low + self.high) / 2


def beaten(points: Sequence[Priced]) -> list[bool]:
    """For each whether another is surely at least as good and as cheap, and one of them strictly.

    Surely: whatever grades the unjudged documents get. The others are the Pareto front, as far as
    it is known.
    """
    return [
        any(
            other.price <= own.price and other.low >= own.high and (other.price < own.price or other.low > own.high)
            for other in points
        )
        for own in points
    ]


def quality_cost(points: Sequence[Priced], price: Price, quality: str, dark: bool) -> go.Figure:
    """Draw quality (upwards) against price (to the right), with a line where quality is still a range.

    `quality` names the figure. Strategies of the Pareto front are filled, the others hollow; a
    dotted line joins the front where no quality is a range. Each point has a number, from the best
    quality on, and the legend below has the full names. The title belongs beside the figure, where
    it can be wrapped.
    """
    if not points:
        return empty("", "There is no strategy whose quality and price are known.", dark)
    points = sorted(points, key=lambda point: (-point.middle, point.price, point.position))
    axis = _Axis.of([point.price for point in points], price)
    low = max(0.0, floor(min(point.low for point in points) * 10 - 0.5) / 10)
    high = min(1.0, ceil(max(point.high for point in points) * 10 + 0.01) / 10)
    pad = (high - low) * 0.08
    bottom, top = low - pad, high + pad
    hollow = beaten(points)
    legend, lines = _legend(points, dark)
    dots = [_point(point, axis, price, quality, dark, hollow=out) for point, out in zip(points, hollow, strict=True)]
    front = [point for point, out in zip(points, hollow, strict=True) if not out]
    words = {"color": palette.muted(dark), "size": SIZE}
    common = {"zeroline": False, "fixedrange": True, "ticks": "", "tickfont": words, "gridcolor": palette.faint(dark)}
    return framed(
        go.Figure([*_front(points, front, axis, dark), *dots]),
        "",
        [],
        dark,
        height=HEAD + PLOT + BELOW + LINE * lines,
        margin={"l": 46, "r": 12, "t": HEAD, "b": BELOW + LINE * lines},
        xaxis=common | axis.layout() | {"showgrid": False, "range": [axis.start, axis.end]},
        yaxis=common | {"title": {"text": quality, "font": {"size": SIZE}, "standoff": 6}, "range": [bottom, top],
                        "griddash": "dot", "tickformat": ".1f", "nticks": 6},
        annotations=[*_numbers(points, axis, (bottom, top), dark), *legend],
    )  # fmt: skip


def _front(points: Sequence[Priced], front: Sequence[Priced], axis: _Axis, dark: bool) -> list[dict[str, Any]]:
    """The line that joins the front, where no quality is a range."""
    if len(front) < 2 or any(point.low < point.high for point in points):
        return []
    ordered = sorted(front, key=lambda point: (point.price, point.low))
    return [
        {
            "type": "scatter",
            "x": [axis.place(point.price) for point in ordered],
            "y": [point.low for point in ordered],
            "mode": "lines",
            "line": {"color": palette.muted(dark), "width": 1, "dash": "dot", "shape": "hv"},
            "hoverinfo": "skip",
        }
    ]


def _point(point: Priced, axis: _Axis, price: Price, quality: str, dark: bool, *, hollow: bool) -> dict[str, Any]:
    colour, shape = palette.colour(point.position, dark), palette.shape(point.position)
    known = point.low == point.high
    text = f"{point.low:.3f}" if known else f"{point.low:.2f} to {point.high:.2f}"
    name = "<br>".join(f"<b>{escape(line)}</b>" for line in wrapped(point.name, 60, 4))
    return {
        "type": "scatter",
        "x": [axis.place(point.price)] * (1 if known else 3),
        "y": [point.low] if known else [point.low, point.middle, point.high],
        "mode": "markers" if known else "lines+markers",
        "line": {"color": colour, "width": 2 if hollow else 4},
        "marker": {
            "size": 12 if known else [8, 11, 8],
            "color": palette.background(dark) if hollow else colour,
            "line": {"color": colour, "width": 2},
            "symbol": shape if known else ["line-ew", shape, "line-ew"],
        },
        "name": cut(point.name, 50),
        "hovertext": f"{name}<br>{quality} {text}<br>{_amount(point.price, price)}",
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def _numbers(points: Sequence[Priced], axis: _Axis, reach: tuple[float, float], dark: bool) -> list[dict[str, Any]]:
    """The number of each point beside it, none over another or over a point."""
    bottom, top = reach
    across, down = LEAST_WIDTH / (axis.end - axis.start), PLOT / (top - bottom)
    lines = [
        ((axis.place(point.price) - axis.start) * across, (top - point.high) * down, (top - point.low) * down)
        for point in points
    ]
    clear, faint = "rgba(0,0,0,0)", palette.muted(dark)
    return [
        {"x": axis.place(point.price), "y": point.middle, "ax": label.right, "ay": label.down, "text": str(number),
         "showarrow": True, "arrowhead": 0, "arrowwidth": 1, "arrowcolor": faint if label.far else clear,
         "standoff": 7, "font": {"color": palette.text(dark), "size": SIZE}}
        for number, (point, label) in enumerate(zip(points, beside(lines, LEAST_WIDTH, PLOT), strict=True), start=1)
    ]  # fmt: skip


def _legend(points: Sequence[Priced], dark: bool) -> tuple[list[dict[str, Any]], int]:
    """Number, mark and full name of each strategy below the plot, and how many lines they take."""
    notes, line = [], 0
    for number, point in enumerate(points, start=1):
        rows = [escape(row) for row in wrapped(point.name, NAME, 4)]
        note: dict[str, Any] = {"x": 0, "xref": "paper", "xanchor": "left", "align": "left", "showarrow": False}
        note |= {"y": 0, "yref": "paper", "yanchor": "top", "xshift": -40, "yshift": -(BELOW + line * LINE)}
        note |= {"text": f"{number}  {palette.sign(point.position, dark)}  {'<br>'.join(rows)}"}
        notes.append(note | {"font": {"color": palette.text(dark), "size": SIZE}})
        line += len(rows)
    return notes, line


@dataclass(frozen=True, slots=True)
class _Axis:
    """The price axis: from 0, or logarithmic with a place of its own for what is free."""

    price: Price
    log: bool
    least: float
    most: float
    free: bool

    @classmethod
    def of(cls, prices: Sequence[float], price: Price) -> _Axis:
        positive = [each for each in prices if each > 0]
        least, most = (min(positive), max(positive)) if positive else (1.0, 1.0)
        return cls(price, bool(positive) and most / least >= WIDE, least, most, len(positive) < len(prices))

    def place(self, value: float) -> float:
        if not self.log:
            return value
        return log10(value) if value > 0 else log10(self.least) - self.gap

    @property
    def gap(self) -> float:
        """Decades between what is free and the cheapest of the others."""
        return max(0.4, 0.2 * log10(self.most / self.least))

    @property
    def start(self) -> float:
        if not self.log:
            return -0.04 * self.most
        return log10(self.least) - (self.gap if self.free else 0) - 0.08 * log10(self.most / self.least)

    @property
    def end(self) -> float:
        return log10(self.most) + 0.08 * log10(self.most / self.least) if self.log else 1.06 * self.most

    def layout(self) -> dict[str, Any]:
        name = "seconds" if self.price == "seconds" else "US dollars"
        if not self.log:
            return {"title": {"text": name, "font": {"size": SIZE}, "standoff": 6}, "rangemode": "tozero", "nticks": 5}
        decades = list(range(ceil(log10(self.least) - 1e-9), floor(log10(self.most) + 1e-9) + 1))
        step = max(1, ceil(len(decades) / 4))
        values: list[float] = [float(decade) for decade in decades[::-step][::-1]]
        texts = [f"{10.0**decade:g}" for decade in values]
        if self.free:
            values, texts = [self.place(0), *values], ["0", *texts]
        return {
            "title": {"text": f"{name}, ×10 per step", "font": {"size": SIZE}, "standoff": 6},
            "tickvals": values,
            "ticktext": texts,
        }


def _amount(value: float, price: Price) -> str:
    return f"{value:.3g} s" if price == "seconds" else f"&#36;{value:.4g}" if value else "free"
