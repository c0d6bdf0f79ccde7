"""Between which ranks each document moved over the shuffles of a bias test."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from reranking.analysis.bias import Bias
from reranking.charts import palette
from reranking.charts.frame import SIZE, empty, escape, framed, wrapped
from reranking.charts.labels import fitted
from reranking.charts.position_effects import heading, ticks

Array = NDArray[np.float64]

ROW = 24
NOTES = ("Dot: median. Thick: half of the runs. Thin: all.", "Diamond: rank without position effects.")

NAME = 175
"""Pixels of a document's name."""


def rank_intervals(bias: Bias, names: Sequence[str], dark: bool, chosen: int | None = None) -> go.Figure:
    """Draw lowest, quartiles, median and highest rank of each document, sorted by the rank without position effects.

    `names[document]` is what a document is called, by the numbers that the runs use; `chosen` is
    one to be picked out. Points carry the document's number as `customdata`.
    """
    title = "How far each document moves"
    if bias.shuffled is None:
        return empty(title, "There is no ranking to show.", dark)
    spread = bias.shuffled.spread
    rank = bias.model.debiased
    by = rank if rank is not None else bias.observed.ranks.mean(axis=0)
    order = np.argsort(by, kind="stable")
    y = np.arange(len(order), dtype=float)
    documents = [bias.documents[at] for at in order]
    words = [
        f"{_full(names[document])}<br>ranks {_rank(spread.low[at])} to {_rank(spread.high[at])}, "
        f"half of them {_rank(spread.first_quartile[at])} to {_rank(spread.third_quartile[at])}, "
        f"median {_rank(spread.median[at])}<br>without position effects {by[at]:.1f}"
        for document, at in zip(documents, order, strict=True)
    ]
    colours = [palette.text(dark) if document == chosen else palette.muted(dark) for document in documents]
    figure = go.Figure()
    figure.add_trace(_lines(spread.low[order], spread.high[order], y, palette.muted(dark), 1.5))
    figure.add_trace(_lines(spread.first_quartile[order], spread.third_quartile[order], y, palette.faint(dark), 9))
    points = {"y": y, "mode": "markers", "hovertext": words, "hoverinfo": "text", "customdata": documents}
    figure.add_trace(
        go.Scatter(x=by[order], marker={"symbol": "diamond-open", "size": 11, "color": palette.text(dark)}, **points)
    )
    figure.add_trace(go.Scatter(x=spread.median[order], marker={"size": 9, "color": colours}, **points))
    axis = {
        "fixedrange": True,
        "zeroline": False,
        "ticks": "",
        "tickfont": {"color": palette.muted(dark), "size": SIZE},
    }
    return framed(
        figure,
        title,
        ["<br>".join(NOTES)],
        dark,
        height=heading(NOTES) + ROW * len(order) + 62,
        margin={"l": 8, "r": 12, "t": heading(NOTES) + 6, "b": 52},
        xaxis={
            **axis,
            "title": {"text": "output rank (1 = top)", "font": {"size": SIZE}, "standoff": 8},
            "range": [0.4, bias.n + 0.6],
            "tickvals": ticks(bias.n),
            "gridcolor": palette.faint(dark),
        },
        yaxis={
            **axis,
            "range": [len(order) - 0.4, -0.6],
            "tickvals": list(y),
            "ticktext": [escape(name) for name in fitted([names[document] for document in documents], NAME)],
            "automargin": True,
            "showgrid": False,
        },
        clickmode="event+select",
    )


def _lines(low: Array, high: Array, y: Array, colour: str, width: float) -> go.Scatter:
    """One line per row, as a single trace: many traces are slow to draw."""
    nothing = np.full(len(y), np.nan)
    xs, ys = (np.stack(rows, axis=1).ravel() for rows in ((low, high, nothing), (y, y, nothing)))
    return go.Scatter(x=xs, y=ys, mode="lines", line={"color": colour, "width": width}, hoverinfo="skip")


def _full(name: str) -> str:
    """A document's name as it is under the pointer."""
    return "<br>".join(escape(line) for line in wrapped(name, 60, 6))


def _rank(value: float) -> str:
    return f"{value:g}"
