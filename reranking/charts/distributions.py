"""How the scores of each strategy lie, each on its own scale, with the cut marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

import plotly.graph_objects as go

from reranking.charts import palette
from reranking.charts.frame import HEADING, SIZE, cut, empty, escape, framed
from reranking.ranking import Item, Ranking

TITLE = "Scores, each on its own scale"
ROW = 96
BINS = 60
"""Dots nearer than this part of a scale stand on top of each other."""

DOT = 7
STACK = 34
"""Height in pixels that the dots of a row may take."""

NAME = 44


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
    figure = go.Figure()
    for at, row in enumerate(rows):
        _strip(figure, row, at, titles, k, dark)
    top = HEADING - 14
    hidden = {"visible": False, "fixedrange": True}
    return framed(
        figure,
        TITLE,
        [],
        dark,
        height=top + ROW * len(rows) + 4,
        margin={"l": 8, "r": 8, "t": top, "b": 4},
        xaxis=hidden | {"range": [-0.02, 1.02]},
        yaxis=hidden | {"range": [len(rows) * ROW, 0]},
        hovermode="closest",
    )


def _strip(figure: go.Figure, row: Scored, at: int, titles: Sequence[str], k: int, dark: bool) -> None:
    items = [item for item in row.ranking if item.score is not None]
    scores = [item.score or 0.0 for item in items]
    low, high = min(scores), max(scores)
    places = [(score - low) / (high - low) if high > low else 0.5 for score in scores]
    base = at * ROW + ROW - 32
    colour, kind = palette.colour(row.position, dark), row.ranking.score_kind
    inside = [item.rank is not None and item.rank <= k for item in items]
    figure.add_trace(
        go.Scatter(
            x=[0, 1], y=[base + DOT, base + DOT], mode="lines", hoverinfo="skip",
            line={"color": palette.faint(dark), "width": 1},
        )
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=places,
            y=_stacked(places, base),
            mode="markers",
            marker={
                "size": DOT,
                "color": [colour if chosen else palette.background(dark) for chosen in inside],
                "line": {"color": colour, "width": 1.2},
            },
            name=cut(row.name, NAME),
            customdata=[[item.index] for item in items],
            hovertext=[_words(item, titles[item.index], kind) for item in items],
            hoverinfo="text",
            cliponaxis=False,
        )
    )
    if 0 < k < len(items):
        edge = (places[k - 1] + places[k]) / 2
        line = {"color": palette.text(dark), "width": 1.5}
        figure.add_shape(type="line", x0=edge, x1=edge, y0=base - STACK + 2, y1=base + DOT + 4, line=line)
    _note(figure, f"<b>{escape(cut(row.name, NAME))}</b>", 0, at * ROW + 12, "left", palette.text(dark))
    _note(figure, f"{low:.4g}", 0, base + DOT + 10, "left", palette.muted(dark))
    _note(figure, f"{high:.4g}", 1, base + DOT + 10, "right", palette.muted(dark))


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
    return f"<b>{escape(cut(title, 60))}</b><br>rank {item.rank}, {escape(kind)} {item.score:.4g}"


def _note(figure: go.Figure, text: str, x: float, y: float, side: str, colour: str) -> None:
    note: dict[str, Any] = {"x": x, "y": y, "xanchor": side, "yanchor": "middle", "showarrow": False}
    figure.add_annotation(text=text, font={"size": SIZE, "color": colour}, **note)
