"""The consensus of all strategies: each document's place, and how far the strategies spread around it."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from reranking.analysis.standings import Standings
from reranking.charts import palette
from reranking.charts.frame import HEADING, SIZE, escape, framed, wrapped
from reranking.charts.labels import fitted

TITLE = "Consensus, and the spread around it"
SHOWN = 50
LABEL = 210
"""Pixels of a document's title."""

ROW = 22


def consensus_chart(found: Standings, titles: Sequence[str], dark: bool, selected: int | None = None) -> go.Figure:
    """Draw a row per document: a dot at its place in the consensus over its best to worst rank.

    The thick part of a line holds the middle half of the ranks. `titles` are by original
    position. Long lists end after `SHOWN` rows: say so beside the figure.
    """
    rows = found.rows[:SHOWN]
    colour, faint, line = palette.text(dark), palette.faint(dark), palette.muted(dark)
    figure = go.Figure()
    figure.add_trace(_lines([(row.best, row.worst) for row in rows], line, 1.5))
    figure.add_trace(_lines([(row.lower_quartile, row.upper_quartile) for row in rows], faint, 7))
    figure.add_trace(
        go.Scatter(
            x=[row.place for row in rows],
            y=list(range(len(rows))),
            mode="markers",
            marker={"size": [13 if row.index == selected else 10 for row in rows], "color": colour, "opacity": 1,
                    "line": {"color": palette.background(dark), "width": 1.5}},
            customdata=[[row.index] for row in rows],
            hovertext=[
                f"{_full(titles[row.index])}<br>consensus {row.place:g}<br>"
                f"best {row.best:g}, worst {row.worst:g}, middle half {row.lower_quartile:g} to {row.upper_quartile:g}"
                for row in rows
            ],
            hoverinfo="text",
            cliponaxis=False,
        )
    )  # fmt: skip
    heads = []
    for row, name in zip(rows, fitted([titles[row.index] for row in rows], LABEL), strict=True):
        words = f"{row.place:g}  {escape(name)}"
        heads.append(f"<b>{words}</b>" if row.index == selected else words)
    n = len(found.rows)
    axis = {"zeroline": False, "fixedrange": True, "ticks": ""}
    top = HEADING + 14
    return framed(
        figure,
        TITLE,
        [],
        dark,
        height=top + ROW * len(rows) + 8,
        margin={"l": LABEL + 40, "r": 16, "t": top, "b": 8},
        xaxis=axis | {"side": "top", "title": {"text": "rank (1 = top)", "font": {"size": SIZE}, "standoff": 4},
                      "range": [0.5, n + 0.5], "tickvals": ticks(n), "gridcolor": palette.faint(dark),
                      "griddash": "dot", "tickfont": {"color": palette.muted(dark), "size": SIZE}},
        yaxis=axis | {"tickvals": list(range(len(rows))), "ticktext": heads, "range": [len(rows) - 0.5, -0.5],
                      "showgrid": False, "tickfont": {"color": palette.text(dark), "size": SIZE}},
        hovermode="closest",
    )  # fmt: skip


def _full(title: str) -> str:
    """A title as it is under the pointer."""
    return "<br>".join(f"<b>{escape(line)}</b>" for line in wrapped(title, 60, 6))


def ticks(n: int) -> list[int]:
    """Ranks to be named on an axis of `n`: the first, and round ones, at most eight."""
    step = next((step for step in (1, 2, 5, 10, 20, 50, 100, 200) if n / step <= 7), n)
    return [1, *range(max(step, 2), n + 1, step)]


def _lines(ends: Sequence[tuple[float, float]], colour: str, width: float) -> go.Scatter:
    """One horizontal line per row, as a single trace."""
    xs: list[float | None] = []
    ys: list[float | None] = []
    for row, (first, last) in enumerate(ends):
        xs += [first, last, None]
        ys += [row, row, None]
    line = {"color": colour, "width": width}
    return go.Scatter(x=xs, y=ys, mode="lines", line=line, hoverinfo="skip", cliponaxis=False)
