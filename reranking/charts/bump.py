"""The bump chart: where each strategy puts each document, followed from column to column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

from reranking.analysis.agreement import most_disputed
from reranking.charts import palette
from reranking.charts.frame import HEADING, SIZE, cut, empty, escape, framed, wrapped
from reranking.charts.labels import fitted, in_rows, spread
from reranking.ranking import Ranking

TITLE = "Rank of each document (1 = top)"

LABEL_ALL = 30
"""Up to this many documents, each has its label; above, only those that stand out."""

LABEL_LENGTH = 26  # characters, for a document that has its label only while it is chosen
LABEL_WIDTH = (125, 260)  # pixels, shorter where there are many columns
WIDTH = 1040  # pixels that labels and columns together take where there is room
RANK_WIDTH = 40  # pixels from a label's text to its point, with the rank between them
HOVER_NAME = 300  # pixels of a strategy's name under the pointer
LABEL_GAP = 17  # pixels from the middle of one label to that of the next
LABEL_OFFSET = 18  # pixels from a label to its point
HEAD_WIDTH = 92  # pixels from one column to the next that its head needs
PAD = 16  # pixels between the plot's edges and the first and last rank
TOP = 5
FOLLOWED = 6
HEAD_LINES = 5

CLEAR = "rgba(0,0,0,0)"


@dataclass(frozen=True, slots=True)
class BumpColumn:
    """One strategy's ranking, under the name that heads its column.

    `position` is its place in the comparison, which gives its mark; None for what is no strategy of it.
    """

    name: str
    ranking: Ranking
    position: int | None = None


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
    """What every part of one chart needs to know.

    `titles` are the documents' in full and `names` as they fit beside the columns, by original
    position; `following` are the documents that stand out, the one that moves most first.
    """

    n: int
    titles: Sequence[str]
    names: Mapping[int, str]
    following: Sequence[int]
    dark: bool

    def labels(self, index: int) -> bool:
        """Whether a document has its label from the start."""
        return index in self.names

    def colour(self, index: int) -> str:
        """The colour of a document's line: one of those of words, since the others belong to strategies."""
        if index not in self.following:
            return palette.faint(self.dark)
        return palette.text(self.dark) if index == self.following[0] else palette.muted(self.dark)

    def width(self, index: int) -> float:
        """The width of a document's line in pixels."""
        if index not in self.following:
            return 1 if self.n > LABEL_ALL else 1.5
        return 3.5 if index == self.following[0] else 2.5

    @property
    def row(self) -> float:
        """Pixels from one rank to the next: roomy for short lists, and never more than 800 in all."""
        return min(30 if self.n <= 15 else 24, 800 / self.n)


def bump_chart(columns: Sequence[BumpColumn], titles: Sequence[str], dark: bool) -> go.Figure:
    """Draw the rankings side by side, one line per document, in the order of `columns`.

    `titles` are the documents' by original position, and may hold any text. Lines of documents that
    are first somewhere or move most are thicker and darker, up to six, that of the one that moves
    most before all. Failed rankings have no column and are named below the title. Each point's
    `customdata` is `[original position]`; a trace's `meta` is true if its documents have labels.

    All documents that do not stand out are one trace, with a gap between one and the next: what
    plotly does for each trace takes longer than all of its points.
    """
    shown = [column for column in columns if column.ranking.outcome != "failed"]
    if not shown or not len(shown[0].ranking):
        return empty(TITLE, "Every strategy failed." if columns and not shown else "There is nothing to rank.", dark)
    n = len(shown[0].ranking)
    following = standing_out([column.ranking for column in shown])
    labelled = list(range(n)) if n <= LABEL_ALL else sorted(following)
    names = fitted([titles[index] for index in labelled], _label_width(len(shown)))
    look = _Look(n, titles, dict(zip(labelled, names, strict=True)), following, dark)
    places = [_places(column.ranking) for column in shown]
    ordered = sorted(places[0], key=lambda index: (index in following, index in following[:1], -index))
    called = fitted([column.name for column in shown], HOVER_NAME)
    plain = [index for index in ordered if index not in following]
    alike = [plain, *([index] for index in ordered if index in following)]
    lines = [
        _lines({index: [place[index] for place in places] for index in group}, called, look) for group in alike if group
    ]
    labels = [*_labels(places[0], "left", look), *_labels(places[-1], "right", look)]
    for label in labels:
        label["x"] = 0 if label["xanchor"] == "right" else len(shown) - 1
    # All at once: plotly checks everything that is there again with each addition.
    figure = go.Figure(lines, {"annotations": labels})
    heads = _heads(shown, dark)
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
    return _label_width(columns) + RANK_WIDTH


def _label_width(columns: int) -> int:
    least, most = LABEL_WIDTH
    return min(max((WIDTH - HEAD_WIDTH * (columns - 1)) // 2 - RANK_WIDTH, least), most)


def standing_out(rankings: Sequence[Ranking]) -> list[int]:
    """The documents (original positions) worth following, at most six, the most telling first.

    The one that moves most; those that are first in a ranking, untied; then, of those among the
    first five of any, the ones that move most.
    """
    disputes = most_disputed(rankings)
    moved = [dispute.index for dispute in disputes if dispute.spread]
    first = [index for ranking in rankings for index, rank in ranking.mid_ranks().items() if rank == 1]
    near_top = [dispute.index for dispute in disputes if dispute.best <= TOP]
    return list(dict.fromkeys([*moved[:1], *first, *near_top]))[:FOLLOWED]


def _places(ranking: Ranking) -> dict[int, _Place]:
    groups: dict[int | None, list[int]] = {}
    for rank, item in enumerate(ranking, start=1):
        groups.setdefault(item.tie, []).append(rank)
    return {
        item.index: _Place(rank, groups[item.tie][0], groups[item.tie][-1])
        for rank, item in enumerate(ranking, start=1)
    }


def _lines(followed: Mapping[int, Sequence[_Place]], names: Sequence[str], look: _Look) -> dict[str, Any]:
    """The lines of documents that look the same, with a gap after each but the last."""
    one = next(iter(followed))
    colour, chosen, dense = look.colour(one), one in look.following, look.n > LABEL_ALL
    points = [
        (at, place.rank, palette.background(look.dark) if place.tied else colour, [index], hover)
        for index, places in followed.items()
        for at, (place, hover) in enumerate(zip(places, _hovers(look.titles[index], names, places), strict=True))
    ]
    x, y, fills, data, hovers = (_with_gaps(each, len(names)) for each in zip(*points, strict=True))
    return {
        "type": "scatter",
        "x": x,
        "y": y,
        "mode": "lines+markers",
        "meta": look.labels(one),
        "line": {"color": colour, "width": look.width(one)},
        "marker": {
            "size": 9 if chosen else 4 if dense else 7,
            "color": [fill or CLEAR for fill in fills],
            "line": {"color": colour, "width": 2 if chosen else 1.2},
            "opacity": 1,
        },
        "selected": {"marker": {"opacity": 1}},
        "unselected": {"marker": {"opacity": 1}},
        "customdata": data,
        "hovertext": hovers,
        "hoverinfo": "text",
        "cliponaxis": False,
    }


def _with_gaps(values: Sequence[Any], length: int) -> list[Any]:
    """`values` with None after every `length` of them but the last."""
    groups = [values[start : start + length] for start in range(0, len(values), length)]
    return [value for group in groups for value in (*group, None)][:-1]


def _hovers(title: str, names: Sequence[str], places: Sequence[_Place]) -> list[str]:
    """For each column: the document's title and its ranks in all columns, that column's in bold."""
    head = [f"<b>{line}</b>" for line in _full(title)]
    ranks = [
        f"{escape(name)}: {f'tied, {place.first} to {place.last}' if place.tied else place.rank}"
        for name, place in zip(names, places, strict=True)
    ]
    return [
        "<br>".join(head + [f"<b>{line}</b>" if at == current else line for at, line in enumerate(ranks)])
        for current in range(len(names))
    ]


def _full(title: str) -> list[str]:
    """A title as it is under the pointer."""
    return [escape(line) for line in wrapped(title, 60, 6)]


def _labels(places: Mapping[int, _Place], side: Literal["left", "right"], look: _Look) -> list[dict[str, Any]]:
    """Annotations beside the first or last column: rank and title; in long lists also bare ranks, as a scale."""
    ranked = sorted(places, key=lambda index: places[index].rank)
    labelled = [index for index in ranked if look.labels(index)]
    wanted = [places[index].rank * look.row for index in labelled]
    placed = spread(wanted, LABEL_GAP, look.row, look.n * look.row)
    sign = -1 if side == "left" else 1
    common = {"xanchor": "right" if side == "left" else "left"}
    found: list[dict[str, Any]] = []
    for index, want, place in zip(labelled, wanted, placed, strict=True):
        rank, words = str(places[index].rank), escape(look.names[index])
        stands_out = index in look.following
        parts = [f"<b>{rank}</b>" if stands_out else rank, words]
        leader = look.colour(index) if abs(place - want) > 3 else CLEAR
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
                "hovertext": "<br>".join(_full(look.titles[index])),
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


def _heads(columns: Sequence[BumpColumn], dark: bool) -> list[str]:
    """Each column's mark and name in a few short lines; the outcome below it, if it is not complete."""
    width = min(max(76 // max(len(columns) - 1, 1), 13), 28)
    heads = []
    for column, rows in zip(columns, in_rows([column.name for column in columns], width, HEAD_LINES), strict=True):
        lines = [escape(row) for row in rows]
        if column.position is not None:
            lines[0] = f"{palette.sign(column.position, dark)} {lines[0]}"
        if column.ranking.outcome != "complete":
            lines.append(f'<span style="color:{palette.muted(dark)}">{column.ranking.outcome}</span>')
        heads.append("<br>".join(lines))
    return heads


def _notes(columns: Sequence[BumpColumn], places: Sequence[Mapping[int, _Place]], look: _Look) -> list[str]:
    """What the reader has to know, below the title."""
    notes = []
    if len(places) > 1 and 0 < len(look.following) < look.n:
        notes.append("Thickest: moves most. Thick: first somewhere, or near the top and moving far.")
    if any(place.tied for column in places for place in column.values()):
        notes.append("Hollow: tied.")
    missing = [column.name for column in columns if column.ranking.outcome == "failed"]
    if missing:
        notes.append(f"Failed, so not shown: {escape(cut(', '.join(missing), 80))}.")
    return notes
