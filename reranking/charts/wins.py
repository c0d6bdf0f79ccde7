"""A square table of shares of documents against documents, such as who beat whom, as a heat map."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from reranking.charts import palette
from reranking.charts.frame import HEADING, SIZE, cut, escape, framed

NUMBERED = 12
"""Up to this many documents the cells hold their numbers."""

LABEL_LENGTH = 26


def share_matrix(
    shares: Sequence[Sequence[float | None]], titles: Sequence[str], title: str, notes: Sequence[str], dark: bool
) -> go.Figure:
    """Draw `shares[i][j]`, from 0 to 1, of the row's document against the column's; a half is neutral.

    None is left blank. `titles` are those of the rows, and of the columns in the same order.
    """
    n = len(shares)
    names = [escape(f"{at}  {cut(words, LABEL_LENGTH)}") for at, words in enumerate(titles, start=1)]
    numbers = [str(at) for at in range(1, n + 1)]
    words = [
        ["" if value is None else f"{names[row]}<br>against {names[column]}: {value:.2f}"
         for column, value in enumerate(line)]
        for row, line in enumerate(shares)
    ]  # fmt: skip
    figure = go.Figure(
        go.Heatmap(
            z=[list(line) for line in shares],
            x=numbers,
            y=numbers,
            hovertext=words,
            hoverinfo="text",
            hoverongaps=False,
            zmin=0,
            zmax=1,
            colorscale=palette.diverging(dark),
            xgap=1,
            ygap=1,
            texttemplate="%{z:.2g}" if n <= NUMBERED else "",
            textfont={"size": SIZE - 2},
            showscale=n > NUMBERED,
            colorbar={"tickvals": [0, 0.5, 1], "thickness": 10, "outlinewidth": 0, "len": 0.6,
                      "tickfont": {"color": palette.muted(dark), "size": SIZE}},
        )
    )  # fmt: skip
    axis = {"showgrid": False, "zeroline": False, "fixedrange": True, "ticks": "", "type": "category",
            "tickfont": {"color": palette.muted(dark), "size": SIZE}}  # fmt: skip
    step = 1 if n <= 25 else 5
    side = min(max(30 * n, 160), 520)
    shown = {"tickvals": numbers[::step]}
    return framed(
        figure,
        title,
        list(notes),
        dark,
        height=HEADING + side + 40,
        margin={"l": 7 * LABEL_LENGTH + 40, "r": 20, "t": HEADING + 24, "b": 10},
        xaxis={**axis, **shown, "side": "top"},
        yaxis={**axis, **shown, "ticktext": names[::step], "autorange": "reversed"},
    )
