"""Charts of position bias."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from reranking.analysis.bias import Bias
from reranking.charts import palette
from reranking.charts.frame import SIZE, empty, framed
from reranking.charts.position_effects import heading, ticks

ALONE = 24
"""Up to this many positions, each has its own row."""

CELLS = 20
"""Above, they share this many rows at most."""


def position_heatmap(bias: Bias, dark: bool) -> go.Figure:
    """Draw, for each input position, the share of runs in which its document ended at each rank.

    A strategy that ignores the input order gives an even colour but for chance; one that follows
    it the diagonal. The scale ends at 25, 50 or 100 %, the first that holds every share. Long
    lists are drawn in blocks of neighbouring positions and ranks.
    """
    n, runs = len(bias.share), bias.used
    title = f"Where each place ended up, {runs} shuffle{'' if runs == 1 else 's'}"
    lost = f"{bias.failed} failed run{'' if bias.failed == 1 else 's'} left out." if bias.failed else ""
    if not runs or not n:
        return empty(title, f"There is no ranking to show. {lost}".strip(), dark)
    notes = ["With no effect the colour is even, but for chance.", "Dashed: ends where it came in."]
    notes += [lost] if lost else []
    notes += [f"{bias.repaired:.0%} of places come from repaired replies."] if bias.repaired else []
    size = -(-n // CELLS) if n > ALONE else 1
    starts = np.arange(0, n, size)
    edges = np.append(starts, n) + 0.5
    shares = np.add.reduceat(np.add.reduceat(bias.share, starts, axis=0), starts, axis=1)
    shares /= np.diff(edges)[:, None]
    highest = next(end for end in (0.25, 0.5, 1.0) if shares.max() <= end + 1e-9)
    figure = go.Figure(
        go.Heatmap(
            x=edges,
            y=edges,
            z=shares,
            hovertext=_words(shares, starts, size, bias),
            hoverinfo="text",
            zmin=0,
            zmax=highest,
            colorscale=palette.sequential(dark),
            xgap=1,
            ygap=1,
            colorbar={
                "title": {"text": "share of runs", "side": "right", "font": {"size": SIZE}},
                "tickfont": {"color": palette.muted(dark), "size": SIZE},
                "tickformat": ".0%",
                "tickvals": [0, highest],
                "thickness": 10,
                "outlinewidth": 0,
                "len": 0.6,
            },
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[0.5, n + 0.5],
            y=[0.5, n + 0.5],
            mode="lines",
            line={"color": palette.colour(1, dark), "width": 1.5, "dash": "dash"},
            hoverinfo="skip",
        )
    )
    axis = {
        "tickvals": ticks(n),
        "showgrid": False,
        "zeroline": False,
        "fixedrange": True,
        "tickfont": {"color": palette.muted(dark), "size": SIZE},
        "ticks": "",
    }
    plot, top = min(max(24 * n, 220), 520), heading(notes)
    return framed(
        figure,
        title,
        ["<br>".join(notes)],
        dark,
        height=top + plot + 58,
        margin={"l": 62, "r": 20, "t": top + 6, "b": 52},
        xaxis={**axis, "title": _name("output rank (1 = top)"), "range": [0.5, n + 0.5]},
        yaxis={**axis, "title": _name("input position (1 = given first)"), "range": [n + 0.5, 0.5]},
    )


def _name(words: str) -> dict[str, object]:
    return {"text": words, "font": {"size": SIZE}, "standoff": 8}


def _words(shares: NDArray[np.float64], starts: NDArray[np.int_], size: int, bias: Bias) -> list[list[str]]:
    """What each cell says, in a sentence."""
    n, runs = len(bias.share), f"{bias.used} run{'' if bias.used == 1 else 's'}"
    spans = [(int(start) + 1, min(int(start) + size, n)) for start in starts]
    names = [f" {first}" if first == last else f"s {first} to {last}" for first, last in spans]
    return [
        [
            f"Given at position{given}, ended at rank{ended}<br>in "
            + (f"{share * bias.used:.3g} of {runs} ({share:.0%})" if size == 1 else f"{share:.0%} of the cases")
            for ended, share in zip(names, row, strict=True)
        ]
        for given, row in zip(names, shares, strict=True)
    ]
