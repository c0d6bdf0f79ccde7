"""How the scores of each strategy lie, each on its own scale, with the cut marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

import plotly.graph_objects as go

from reranking.charts import palette
from reranking.charts.frame import HEADING, SIZE, empty, escape, framed, wrapped
from reranking.charts.labels import fitted
from reranking.ranking import Item, Ranking

TITLE = "Scores, each on its own scale"
ROW = 96
BINS = 60
"""Dots nearer than this part of a scale stand on top of each other."""

DOT = 7
STACK = 34
"""Height in pixels that the dots of a row may take."""

NAME = 330
"""Pixels of a strategy's name: what a phone has room for."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A strategy whose ranking holds scores. `position` is its place in the comparison, which gives its colour."""

    name: str
    position: int
    ranking: Ranking


def score_strips(rows: Sequence[Scored], titles: Sequence[str], k: int, dark: bool) -> go.Figure:
    """Draw a strip of dots per strategy, from its lowest score (left) to its highest.

    A dot is a document, filled if it is among the first `k`; dots that would cover each other are
    stacked. The line marks the cut, between the scores of rank `k` and the next. There is no
    common axis: scores of different strategies do not compare. `titles` are by original position.
    """
    rows = [row for row in rows if any(item.score is not None for item in row.ranking)]
    if not rows:
        return empty(TITLE, "No strategy of this comparison gives scores.", dark)
    names = fitted([row.name for row in rows], NAME)
    strips = [_Strip(row, name, at * ROW, k, dark) for at, (row, name) in enumerate(zip(rows, names, strict=True))]
    top = HEADING - 14
    hidden = {"visible": False, "fixedrange": True}
    # All at once: plotly checks everything that is there again with each addition.
    return framed(
        go.Figure([trace for strip in strips for trace in (strip.line(), strip.dots(titles))]),
        TITLE,
        [],
        dark,
        height=top + ROW * len(rows) + 4,
        margin={"l": 8, "r": 8, "t": top, "b": 4},
        xaxis=hidden | {"range": [-0.02, 1.02]},
        yaxis=hidden | {"range": [len(rows) * ROW, 0]},
        annotations=[note for strip in strips for note in strip.notes()],
        shapes=[shape for strip in strips for shape in strip.cut()],
        hovermode="closest",
    )


class _Strip:
    """One strategy's strip under a name that fits, `start` pixels below the top of the plot."""

    def __init__(self, row: Scored, name: str, start: float, k: int, dark: bool) -> None:
        self.row, self.name, self.start, self.k, self.dark = row, name, start, k, dark
        self.base = start + ROW - 32
        self.items = [item for item in row.ranking if item.score is not None]
        scores = [item.score or 0.0 for item in self.items]
        self.low, self.high = min(scores), max(scores)
        width = self.high - self.low
        self.places = [(score - self.low) / width if width > 0 else 0.5 for score in scores]

    def line(self) -> dict[str, Any]:
        """The line that the dots stand on."""
        return {
            "type": "scatter",
            "x": [0, 1],
            "y": [self.base + DOT] * 2,
            "mode": "lines",
            "line": {"color": palette.faint(self.dark), "width": 1},
            "hoverinfo": "skip",
        }

    def dots(self, titles: Sequence[str]) -> dict[str, Any]:
        """A dot per document, filled within the cut."""
        colour, kind = palette.colour(self.row.position, self.dark), self.row.ranking.score_kind
        inside = [item.rank is not None and item.rank <= self.k for item in self.items]
        return {
            "type": "scatter",
            "x": self.places,
            "y": _stacked(self.places, self.base),
            "mode": "markers",
            "marker": {
                "size": DOT,
                "color": [colour if chosen else palette.background(self.dark) for chosen in inside],
                "line": {"color": colour, "width": 1.2},
            },
            "name": self.name,
            "customdata": [[item.index] for item in self.items],
            "hovertext": [_words(item, titles[item.index], kind) for item in self.items],
            "hoverinfo": "text",
            "cliponaxis": False,
        }

    def cut(self) -> list[dict[str, Any]]:
        """The line between the last document within the cut and the next, if both have scores."""
        if not 0 < self.k < len(self.items):
            return []
        edge = (self.places[self.k - 1] + self.places[self.k]) / 2
        line = {"color": palette.text(self.dark), "width": 1.5}
        return [
            {"type": "line", "x0": edge, "x1": edge, "y0": self.base - STACK + 2, "y1": self.base + DOT + 4,
             "line": line}
        ]  # fmt: skip

    def notes(self) -> list[dict[str, Any]]:
        """The strategy's name, its lowest and its highest score."""
        words, muted, below = palette.text(self.dark), palette.muted(self.dark), self.base + DOT + 10
        return [
            _note(
                f"{palette.sign(self.row.position, self.dark)} <b>{escape(self.name)}</b>",
                0,
                self.start + 12,
                "left",
                words,
            )
            | {"hovertext": "<br>".join(escape(line) for line in wrapped(self.row.name, 60, 4))},
            _note(f"{self.low:.4g}", 0, below, "left", muted),
            _note(f"{self.high:.4g}", 1, below, "right", muted),
        ]


def _stacked(places: Sequence[float], base: float) -> list[float]:
    """The height of each dot (pixels downwards): those of one bin above each other, closer where there are many."""
    bins = [floor(place * BINS) for place in places]
    step = min(DOT, STACK / max(max(bins.count(each) for each in set(bins)), 1))
    seen: dict[int, int] = {}
    found = []
    for each in bins:
        found.append(base - step * seen.get(each, 0))
        seen[each] = seen.get(each, 0) + 1
    return found


def _words(item: Item, title: str, kind: str) -> str:
    named = "<br>".join(f"<b>{escape(line)}</b>" for line in wrapped(title, 60, 6))
    return f"{named}<br>rank {item.rank}, {escape(kind)} {item.score:.4g}"


def _note(text: str, x: float, y: float, side: str, colour: str) -> dict[str, Any]:
    place = {"x": x, "y": y, "xanchor": side, "yanchor": "middle", "showarrow": False}
    return place | {"text": text, "font": {"size": SIZE, "color": colour}}
