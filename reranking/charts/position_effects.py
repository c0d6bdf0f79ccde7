"""What the place of a document does to its rank: in the list that is given, and in a prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from reranking.analysis.bias import Bias
from reranking.analysis.slots import SlotBias
from reranking.charts import palette
from reranking.charts.frame import HEADING, SIZE, empty, framed

Array = NDArray[np.float64]

PLOT = 260
NOTE = 18
"""Pixels of each further line below a title."""


def position_effects(bias: Bias, dark: bool) -> go.Figure:
    """Draw how many places a document gains or loses for being given at each place, with intervals.

    Above zero is a gain. The noise floor, how far noise alone moves such an estimate, is a band
    around zero.
    """
    title = "What each place gains or loses"
    model = bias.model
    if model.effects is None:
        return empty(title, "Too few runs to tell: take more shuffles.", dark)
    band = None if bias.noise is None else bias.noise.band
    notes = ["Places that a document gains by being given there."]
    if model.low is not None and model.high is not None and (model.low < model.high).any():
        notes.append("Lines: 95 % intervals.")
    if band:
        notes.append("Grey: how far noise alone reaches.")
    if not np.abs(model.effects).max():
        notes = ["Every place has an effect of 0."]
    elif band == 0:
        notes.append("Repeating one order moved nothing.")
    figure = _drawn(
        -model.effects,
        None if model.high is None else -model.high,
        None if model.low is None else -model.low,
        dark,
        unit="place",
        place="input position",
        band=band,
    )
    return _framed(
        figure, title, notes, dark, bias.n, "input position (1 = given first)", "places gained", _reach(bias, band)
    )


def slot_effects(slots: SlotBias, dark: bool) -> go.Figure:
    """Draw each slot's advantage within the prompt: chance to win minus chance to lose, with intervals."""
    title = f"Slots in prompts of {slots.size} documents"
    if slots.effects is None:
        return empty(title, "Too few prompts to tell: take more shuffles.", dark)
    notes = [f"{slots.prompts:,} prompts. 0: no advantage.", "1: always above an equally good document."]
    figure = _drawn(slots.effects, slots.low, slots.high, dark, unit="", place="slot", band=None)
    seen = [value for row in (slots.effects, slots.low, slots.high) if row is not None for value in np.abs(row)]
    reach = min(1.0, max([0.1, *(value for value in seen if np.isfinite(value))]))
    return _framed(figure, title, notes, dark, slots.size, "slot in the prompt (1 = shown first)", "advantage", reach)


def _drawn(
    gains: Array, low: Array | None, high: Array | None, dark: bool, *, unit: str, place: str, band: float | None
) -> go.Figure:
    figure = go.Figure()
    x = np.arange(1, len(gains) + 1)
    if band:
        figure.add_hrect(-band, band, fillcolor=palette.faint(dark), opacity=0.5, line_width=0, layer="below")
    figure.add_hline(0, line={"color": palette.muted(dark), "width": 1})
    for is_up in (True, False):
        mine = (gains >= 0) == is_up
        figure.add_trace(
            go.Scatter(
                x=x[mine],
                y=gains[mine],
                mode="markers",
                marker={"color": _colour(is_up, dark), "size": 9, "symbol": _symbol(is_up)},
                error_y=_bars(gains, low, high, mine, _colour(is_up, dark)),
                hovertext=[_words(int(at), gains[at - 1], low, high, unit, place) for at in x[mine]],
                hoverinfo="text",
            )
        )
    return figure


def _colour(is_up: bool, dark: bool) -> str:
    """Blue for better than average, orange for worse: the ends of the scale of effects."""
    return palette.at(palette.diverging(dark), 1.0 if is_up else 0.0)


def _symbol(is_up: bool) -> str:
    return "triangle-up" if is_up else "triangle-down"


def _bars(
    gains: Array, low: Array | None, high: Array | None, mine: NDArray[np.bool_], colour: str
) -> dict[str, object]:
    if low is None or high is None or not np.isfinite(low).all():
        return {"visible": False}
    return {
        "type": "data",
        "symmetric": False,
        "array": (high - gains)[mine],
        "arrayminus": (gains - low)[mine],
        "color": colour,
        "thickness": 2,
        "width": 0,
    }


def _words(at: int, gain: float, low: Array | None, high: Array | None, unit: str, place: str) -> str:
    """What a point says."""
    interval = ""
    if low is not None and high is not None and np.isfinite(low[at - 1]):
        interval = f" (95 % {_number(low[at - 1])} to {_number(high[at - 1])})"
    return f"{place} {at}: {_number(gain)}{f' {unit}s' if unit else ''}{interval}".capitalize()


def _number(value: float) -> str:
    return "0" if abs(value) < 0.005 else f"{value:+.2f}".replace("-", "−")


def _reach(bias: Bias, band: float | None) -> float:
    model = bias.model
    seen: Sequence[Array | None] = (model.effects, model.low, model.high)
    values = [float(np.nanmax(np.abs(row))) for row in seen if row is not None and np.isfinite(row).any()]
    return min(max([*values, band or 0.0, 0.5]), float(max(bias.n, 1)))


def _framed(
    figure: go.Figure, title: str, notes: list[str], dark: bool, count: int, x: str, y: str, reach: float
) -> go.Figure:
    axis = {
        "zeroline": False,
        "fixedrange": True,
        "tickfont": {"color": palette.muted(dark), "size": SIZE},
        "ticks": "",
    }
    return framed(
        figure,
        title,
        ["<br>".join(notes)],
        dark,
        height=heading(notes) + PLOT + 58,
        margin={"l": 62, "r": 12, "t": heading(notes) + 6, "b": 52},
        xaxis={
            **axis,
            "title": {"text": x, "font": {"size": SIZE}, "standoff": 8},
            "range": [0.4, count + 0.6],
            "tickvals": ticks(count),
            "showgrid": False,
        },
        yaxis={
            **axis,
            "title": {"text": y, "font": {"size": SIZE}, "standoff": 4},
            "range": [-1.1 * reach, 1.1 * reach],
            "gridcolor": palette.faint(dark),
        },
    )


def heading(notes: Sequence[str]) -> int:
    """Height in pixels of a title with its notes, each on a line of its own so that narrow screens hold them."""
    return HEADING + NOTE * max(len(notes) - 1, 0)


def ticks(n: int) -> list[int]:
    """Which of the places 1 to `n` are named on an axis."""
    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, n) if n / step <= 12)
    return list(range(1, n + 1, step)) if step <= 2 else [1, *range(step, n + 1, step)]
