"""What all charts share: words made safe and short for plotly, and the frame around a plot.

plotly renders a subset of HTML, entities and, where MathJax is loaded, TeX in every text it draws.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import plotly.graph_objects as go

from reranking.charts import palette

FONT = '"Source Sans", "Source Sans Pro", "Segoe UI", Helvetica, Arial, sans-serif'
SIZE = 13
TITLE_SIZE = 17
HEADING = 62
"""Height in pixels of a title with its subtitle."""

UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


def plain(text: str) -> str:
    """`text` on one line, without characters that cannot be seen or that turn the direction of others."""
    spaced = "".join(" " if char.isspace() else char for char in text)
    return " ".join("".join(char for char in spaced if unicodedata.category(char) not in UNSEEN).split())


def cut(text: str, length: int) -> str:
    """`text` on one line of at most `length` characters, with an ellipsis if it was longer."""
    line = plain(text)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def wrapped(text: str, width: int, lines: int) -> list[str]:
    """`text` in at most `lines` lines of `width` characters, with an ellipsis if there was more.

    Lines end at spaces, or within a long name such as `hf:org/model-name?key=value` after a delimiter.
    """
    line = plain(text)
    parts = line.split(" · ") if len(line) > width else [line]
    found = [row for part in parts for row in _rows(part, width)]
    if len(found) > lines:
        found = [*found[: lines - 1], cut(found[lines - 1] + "…", width)]
    return found


def _rows(text: str, width: int) -> list[str]:
    rows = [""]
    for piece in re.findall(rf"[^\s:/_?&-]{{1,{max(width - 1, 1)}}}[\s:/_?&-]?|[\s:/_?&-]", text):
        if len((rows[-1] + piece).rstrip()) > width:
            rows.append("")
        rows[-1] += piece
    return [row.strip() for row in rows]


def escape(text: str) -> str:
    """`text` so that plotly draws it as it is: no tags, entities or formulas."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("$", "&#36;")


def framed(figure: go.Figure, title: str, notes: list[str], dark: bool, height: int, **layout: Any) -> go.Figure:
    """Give `figure` its title, the `notes` below it in smaller type, and a transparent background.

    `height` is in pixels; `layout` goes to plotly as it is. Returns the same figure.
    """
    words = palette.text(dark)
    figure.update_layout(
        title={
            "text": title,
            "font": {"size": TITLE_SIZE, "color": words, "weight": 600},
            "subtitle": {"text": "  ".join(notes), "font": {"size": SIZE, "color": palette.muted(dark)}},
            "x": 0,
            "xref": "container",
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 6, "l": 2},
        },
        font={"family": FONT, "size": SIZE, "color": words},
        height=height,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        hoverlabel={
            "bgcolor": palette.background(dark),
            "bordercolor": palette.faint(dark),
            "font": {"family": FONT, "size": SIZE, "color": words},
            "align": "left",
        },
    )
    figure.update_layout(**layout)
    return figure


def empty(title: str, message: str, dark: bool) -> go.Figure:
    """A figure that holds only its title and `message`: for results that there are none of."""
    hidden = {"visible": False}
    return framed(
        go.Figure(), title, [message], dark, HEADING + 10, xaxis=hidden, yaxis=hidden, margin=dict.fromkeys("lrtb", 0)
    )
