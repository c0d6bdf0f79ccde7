"""The agreement matrix: how far every two strategies agree, as numbers on colours."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from reranking.analysis.agreement import number
from reranking.charts import palette
from reranking.charts.frame import SIZE, empty, escape, framed, wrapped
from reranking.charts.labels import in_rows

CELL = 34
TALL = 50
"""Height of a row whose name takes three lines."""

HEAD = 26
"""Height in pixels of the numbers above the columns."""

NAME = 17
"""Characters of a name per line."""

Matrix = Sequence[Sequence[float | None]]


def agreement_heatmap(
    matrix: Matrix, names: Sequence[str], measure: str, dark: bool, *, signed: bool, order: Sequence[int] = ()
) -> go.Figure:
    """Draw a symmetric matrix with its numbers, strategies in the given `order` (of rows).

    `measure` names the number in the hover. A `signed` measure goes from -1 to 1 with a neutral 0,
    any other from 0 to 1. Rows of None are left out: say elsewhere why. The columns are named by
    the numbers that stand before the names of the rows. The title belongs beside the figure, where
    it can be wrapped.
    """
    shown = [at for at in order or range(len(names)) if matrix[at][at] is not None]
    if len(shown) < 2:
        return empty("", "Fewer than two strategies give an order.", dark)
    n = len(shown)
    values = [[None if i == j else matrix[i][j] for j in shown] for i in shown]
    scale = palette.diverging(dark) if signed else palette.sequential(dark)
    low = -1.0 if signed else 0.0
    figure = go.Figure(
        go.Heatmap(
            x=list(range(n)),
            y=list(range(n)),
            z=values,
            zmin=low,
            zmax=1,
            colorscale=scale,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertext=[[_words(names[i], names[j], measure, matrix[i][j]) for j in shown] for i in shown],
            hoverinfo="text",
            hoverongaps=False,
        )
    )
    cells = [
        {
            "x": column,
            "y": row,
            "text": number(value),
            "showarrow": False,
            "font": {"size": SIZE, "color": palette.readable_on(palette.at(scale, (value - low) / (1 - low)))},
        }
        for row, line in enumerate(values)
        for column, value in enumerate(line)
        if value is not None
    ]
    lines = in_rows([names[at] for at in shown], NAME, 3)
    heads = [
        f"{place} {palette.sign(at, dark)}  {'<br>'.join(escape(part) for part in parts)}"
        for place, (at, parts) in enumerate(zip(shown, lines, strict=True), start=1)
    ]
    cell = TALL if any(len(parts) > 2 for parts in lines) else CELL
    axis = {"showgrid": False, "zeroline": False, "fixedrange": True, "ticks": "", "tickvals": list(range(n))}
    words = {"color": palette.text(dark), "size": SIZE}
    beside = 36 + 7 * max(len(part) for parts in lines for part in parts)
    return framed(
        figure,
        "",
        [],
        dark,
        height=HEAD + cell * n + 8,
        annotations=cells,
        margin={"l": beside, "r": 4, "t": HEAD, "b": 8},
        xaxis=axis | {"side": "top", "ticktext": [str(at + 1) for at in range(n)], "tickfont": words},
        yaxis=axis | {"ticktext": heads, "tickfont": words, "range": [n - 0.5, -0.5]},
    )


def _words(first: str, second: str, measure: str, value: float | None) -> str:
    if value is None or first == second:
        return ""
    one, two = ("<br>".join(escape(line) for line in wrapped(name, 60, 4)) for name in (first, second))
    return f"{one} and {two}:<br>{escape(measure)} {number(value)}"
