"""Who won against whom when pairs of documents were compared, and where the side of the prompt decided."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from reranking.analysis.pairwise_bias import Cell, PairwiseBias
from reranking.charts import palette
from reranking.charts.frame import SIZE, cut, empty, escape, framed
from reranking.charts.position_effects import heading

MOST = 40
"""Documents that are drawn at most: the best ones."""

NAME = 16

_MARKS: dict[Cell, tuple[int, str, str]] = {
    "lost": (0, "▼", "loses to {other} in both orders"),
    "unknown": (1, "?", "against {other}: an order got no answer"),
    "even": (2, "=", "against {other}: the answers are evenly split"),
    "first side": (3, "1", "against {other}: the one shown first wins, whichever it is"),
    "second side": (4, "2", "against {other}: the one shown second wins, whichever it is"),
    "won": (5, "▲", "beats {other} in both orders"),
}


def verdict_matrix(
    pairwise: PairwiseBias, names: Sequence[str], dark: bool, order: Sequence[int] | None = None
) -> go.Figure:
    """Draw what the answers say of each row's document against each column's.

    `names[document]` is what a document is called, beginning with its number from 1, which is all
    that columns show; `order` lists documents from the best to the
    worst. Cells in which the order within the prompt decided carry the number of the side.
    """
    title = "Who wins against whom"
    if not pairwise.documents:
        return empty(title, "No pair was asked about.", dark)
    row = {document: at for at, document in enumerate(pairwise.documents)}
    listed = [document for document in (order or pairwise.documents) if document in row]
    shown = listed[:MOST]
    cells = [[pairwise.matrix[row[one]][row[two]] for two in shown] for one in shown]
    labels = [escape(cut(names[document], NAME)) for document in shown]
    numbers = [str(document + 1) for document in shown]
    notes = _legend(pairwise, {cell for at, line in enumerate(cells) for cell in (*line[:at], *line[at + 1 :])})
    if len(shown) < len(listed):
        notes.append(f"The best {MOST} of {len(listed)}.")
    figure = go.Figure(
        go.Heatmap(
            z=[[None if cell is None else _MARKS[cell][0] for cell in line] for line in cells],
            text=[["" if cell is None else _MARKS[cell][1] for cell in line] for line in cells],
            texttemplate="%{text}",
            textfont={"size": SIZE if len(shown) <= 24 else 9},
            hovertext=[
                [
                    "" if cell is None else f"{one} {_MARKS[cell][2].format(other=two)}"
                    for two, cell in zip(labels, line, strict=True)
                ]
                for one, line in zip(labels, cells, strict=True)
            ],
            hoverinfo="text",
            zmin=-0.5,
            zmax=5.5,
            colorscale=_scale(dark),
            showscale=False,
            xgap=1,
            ygap=1,
        )
    )
    at = list(range(len(shown)))
    axis = {"fixedrange": True, "showgrid": False, "zeroline": False, "ticks": "", "tickvals": at}
    small = {"color": palette.muted(dark), "size": SIZE if len(shown) <= 24 else 9}
    return framed(
        figure,
        title,
        ["<br>".join(notes)],
        dark,
        height=heading(notes) + min(max(28 * len(shown), 180), 640) + 40,
        margin={"l": 8, "r": 8, "t": heading(notes) + 6, "b": 30},
        xaxis={**axis, "ticktext": numbers, "tickfont": small},
        yaxis={
            **axis,
            "ticktext": labels,
            "tickfont": small,
            "range": [len(shown) - 0.5, -0.5],
            "automargin": True,
        },
    )


def _legend(pairwise: PairwiseBias, drawn: set[Cell | None]) -> list[str]:
    """What the marks mean, of those that are drawn."""
    notes = ["Row against column: ▲ wins, ▼ loses."] if drawn & {"won", "lost"} else []
    for mark, cell, count in (("1", "first side", pairwise.first), ("2", "second side", pairwise.second)):
        side = cell.removesuffix(" side")
        notes += [f"{mark}: the {side} passage wins, whichever it is ({count} of {pairwise.pairs} pairs)."] * (
            cell in drawn
        )
    notes += ["=: the answers are evenly split."] if "even" in drawn else []
    notes += [f"?: no answer in one order or both ({pairwise.unanswered} more)."] if "unknown" in drawn else []
    notes += ["Empty: not asked."] if None in drawn else []
    return notes


def _scale(dark: bool) -> list[tuple[float, str]]:
    """Six flat steps: lost, unknown, even, first side, second side, won."""
    effects = palette.diverging(dark)
    neutral = palette.faint(dark)
    marked = palette.colour(3, dark)
    steps = [palette.at(effects, 0.25), palette.background(dark), neutral, marked, marked, palette.at(effects, 0.75)]
    return [(place, colour) for at, colour in enumerate(steps) for place in (at / 6, (at + 1) / 6)]
