"""The bump chart: where each strategy puts each document, followed from column to column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

from reranking.analysis.agreement import most_disputed
from reranking.charts import palette
from reranking.charts.frame import HEADING, SIZE, cut, empty, escape, framed, wrapped
from reranking.charts.labels import spread
from reranking.ranking import Ranking

TITLE = "Rank of each document (1 = top)"

LABEL_ALL = 30
"""Up to this many documents, each has its label; above, only those that stand out."""

LABEL_LENGTH = 26
CROWDED = 6  # from this many columns on, labels are shorter
CROWDED_LABEL_LENGTH = 20
LABEL_GAP = 17  # pixels from the middle of one label to that of the next
LABEL_OFFSET = 18  # pixels from a label to its point
HEAD_WIDTH = 92  # pixels from one column to the next that its head needs
PAD = 16  # pixels between the plot's edges and the first and last rank
TOP = 5

CLEAR = "rgba(0,0,0,0)"


@dataclass(frozen=True, slots=True)
class BumpColumn:
    """One strategy's ranking, under the name that heads its column."""

    name: str
    ranking: Ranking


@dataclass(frozen=True, slots=True)
class _Place:
    """A document's place in a column: the rank at which it is listed, and the ranks that it shares."""

    rank: int
    first: int
    last: int

    @property
    def tied(self) -> bool:
        return self.first != self.last


@dataclass(frozen=True, slots=True)
class _Look:
    """What every part of one chart needs to know. `colours` are of the documents that stand out."""

    n: int
    length: int
    colours: Mapping[int, str]
    dark: bool

    def labels(self, index: int) -> bool:
        """Whether a document has its label from the start."""
        return self.n <= LABEL_ALL or index in self.colours

    @property
    def row(self) -> float:
        """Pixels from one rank to the next: roomy for short lists, and never more than 800 in all."""
        return min(30 if self.n <= 15 else 24, 800 / self.n)


def bump_chart(columns: Sequence[BumpColumn], titles: Sequence[str], dark: bool) -> go.Figure:
    """Draw the rankings side by side, one line per document, in the order of `columns`.

    `titles` are the documents' by original position, and may hold any text. Documents that are
    first somewhere or move most are coloured, up to six. Failed rankings have no column and are
    named below the title. Each point's `customdata` is `[original position]`; a line's `meta` is
    true if it has labels.
    """
    shown = [column for column in columns if column.ranking.outcome != "failed"]
    if not shown or not len(shown[0].ranking):
        return empty(TITLE, "Every strategy failed." if columns and not shown else "There is nothing to rank.", dark)
    coloured = standing_out([column.ranking for column in shown])
    colours = {index: palette.colour(at, dark) for at, index in enumerate(sorted(coloured))}
    length = LABEL_LENGTH if len(shown) < CROWDED else CROWDED_LABEL_LENGTH
    look = _Look(len(shown[0].ranking), length, colours, dark)
    places = [_places(column.ranking) for column in shown]
    ordered = sorted(places[0], key=lambda index: (index in colours, -index))
    followed = {index: [place[index] for place in places] for index in ordered}
    lines = [_line(index, ranks, titles[index], shown, look) for index, ranks in followed.items()]
    labels = [*_labels(places[0], titles, "left", look), *_labels(places[-1], titles, "right", look)]
    for label in labels:
        label["x"] = 0 if label["xanchor"] == "right" else len(shown) - 1
    # All at once: plotly checks everything that is there again with each addition.
    figure = go.Figure(lines, {"annotations": labels})
    heads = [_head(column, len(shown), dark) for column in shown]
    top = HEADING + 10 + 17 * max(head.count("<br>") + 1 for head in heads)
    beside = _beside(len(shown))
    edge = 0.02 * len(shown) if len(shown) > 1 else 1
    return framed(
        figure,
        TITLE,
        _notes(columns, places, look),
        dark,
        height=top + round(look.row * (look.n - 1)) + 2 * PAD,
        margin={"l": beside, "r": beside, "t": top, "b": 0},
        xaxis={
            "side": "top",
            "tickvals": list(range(len(shown))),
            "ticktext": heads,
            "tickangle": 0,
            "tickfont": {"color": palette.text(dark), "size": SIZE},
            "ticks": "",
            "range": [-edge, len(shown) - 1 + edge],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        },
        yaxis={"range": [look.n + PAD / look.row, 1 - PAD / look.row], "visible": False, "fixedrange": True},
        hovermode="closest",
        hoverdistance=12,
    )


def least_width(columns: int) -> int:
    """The width in pixels below which the heads of so many columns would overlap."""
    return 2 * _beside(columns) + HEAD_WIDTH * max(columns - 1, 1)


def _beside(columns: int) -> int:
    """Pixels for a document's label and its rank, left and right of the columns."""
    return 7 * (LABEL_LENGTH if columns < CROWDED else CROWDED_LABEL_LENGTH) + 25


def standing_out(rankings: Sequence[Ranking]) -> list[int]:
    """The documents (original positions) worth following, at most six, the most telling first.

    The one that moves most; those that are first in a ranking, untied; then, of those among the
    first five of any, the ones that move most.
    """
    disputes = most_disputed(rankings)
    moved = [dispute.index for dispute in disputes if dispute.spread]
    first = [index for ranking in rankings for index, rank in ranking.mid_ranks().items() if rank == 1]
    near_top = [dispute.index for dispute in disputes if dispute.best <= TOP]
    return list(dict.fromkeys([*moved[:1], *first, *near_top]))[: palette.LINES]


def _places(ranking: Ranking) -> dict[int, _Place]:
    groups: dict[int | None, list[int]] = {}
    for rank, item in enumerate(ranking, start=1):
        groups.setdefault(item.tie, []).append(rank)
    return {
        item.index: _Place(rank, groups[item.tie][0], groups[item.tie][-1])
        for rank, item in enumerate(ranking, start=1)
    }


def _line(
    index: int, places: Sequence[_Place], title: str, columns: Sequence[BumpColumn], look: _Look
) -> dict[str, Any]:
    chosen = look.colours.get(index)
    colour = chosen or palette.faint(look.dark)
    dense = look.n > LABEL_ALL
    return {
        "type": "scatter",
        "x": list(range(len(places))),
        "y": [place.rank for place in places],
        "mode": "lines+markers",
        "meta": look.labels(index),
        "line": {"color": colour, "width": 2.5 if chosen else 1 if dense else 1.5},
        "marker": {
            "size": 9 if chosen else 4 if dense else 7,
            "color": [palette.background(look.dark) if place.tied else colour for place in places],
            "line": {"color": colour, "width": 2 if chosen else 1.2},
            "opacity": 1,
        },
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": [[index]] * len(places),
        "hovertext": _hovers(title, columns, places),
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def _hovers(title: str, columns: Sequence[BumpColumn], places: Sequence[_Place]) -> list[str]:
    """For each column: the document's title and its ranks in all columns, that column's in bold."""
    head = [f"<b>{escape(line)}</b>" for line in wrapped(title, 60, 3)]
    ranks = [
        f"{escape(cut(column.name, 40))}: {f'tied, {place.first} to {place.last}' if place.tied else place.rank}"
        for column, place in zip(columns, places, strict=True)
    ]
    return [
        "<br>".join(head + [f"<b>{line}</b>" if at == current else line for at, line in enumerate(ranks)])
        for current in range(len(columns))
    ]


def _labels(
    places: Mapping[int, _Place], titles: Sequence[str], side: Literal["left", "right"], look: _Look
) -> list[dict[str, Any]]:
    """Annotations beside the first or last column: rank and title; in long lists also bare ranks, as a scale."""
    ranked = sorted(places, key=lambda index: places[index].rank)
    labelled = [index for index in ranked if look.labels(index)]
    wanted = [places[index].rank * look.row for index in labelled]
    placed = spread(wanted, LABEL_GAP, look.row, look.n * look.row)
    sign = -1 if side == "left" else 1
    common = {"xanchor": "right" if side == "left" else "left"}
    found: list[dict[str, Any]] = []
    for index, want, place in zip(labelled, wanted, placed, strict=True):
        rank, words = str(places[index].rank), escape(cut(titles[index], look.length))
        stands_out = index in look.colours
        parts = [f"<b>{rank}</b>" if stands_out else rank, words]
        leader = look.colours.get(index, palette.faint(look.dark)) if abs(place - want) > 3 else CLEAR
        found.append(
            common
            | {
                "y": places[index].rank,
                "text": "  ".join(parts[::sign]),
                "font": {"color": palette.text(look.dark) if stands_out else palette.muted(look.dark), "size": SIZE},
                "showarrow": True,
                "arrowhead": 0,
                "arrowwidth": 1,
                "arrowcolor": leader,
                "ax": sign * LABEL_OFFSET,
                "ay": place - want,
                "standoff": 6,
            }
        )
    scale = (1, *range(10, look.n + 1, 10)) if look.n > LABEL_ALL else ()
    for rank_alone in scale:
        if all(abs(rank_alone * look.row - place) > LABEL_GAP for place in placed):
            found.append(
                common
                | {
                    "y": rank_alone,
                    "text": str(rank_alone),
                    "font": {"color": palette.muted(look.dark), "size": SIZE},
                    "xshift": sign * LABEL_OFFSET,
                    "showarrow": False,
                }
            )
    return found


def _head(column: BumpColumn, count: int, dark: bool) -> str:
    """The column's name in up to four short lines; the outcome below it, if it is not complete."""
    width = min(max(76 // max(count - 1, 1), 11), 28)
    lines = [escape(line) for line in wrapped(column.name, width, 4)]
    if column.ranking.outcome != "complete":
        lines.append(f'<span style="color:{palette.muted(dark)}">{column.ranking.outcome}</span>')
    return "<br>".join(lines)


def _notes(columns: Sequence[BumpColumn], places: Sequence[Mapping[int, _Place]], look: _Look) -> list[str]:
    """What the reader has to know, below the title."""
    notes = ["Coloured: first somewhere, or moved most."] if len(places) > 1 and len(look.colours) < look.n else []
    if any(place.tied for column in places for place in column.values()):
        notes.append("Hollow: tied.")
    missing = [column.name for column in columns if column.ranking.outcome == "failed"]
    if missing:
        notes.append(f"Failed, so not shown: {escape(cut(', '.join(missing), 80))}.")
    return notes
