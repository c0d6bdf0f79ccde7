"""How a ranking came about: what a strategy keeps beside its list, told by the shape of each value.

A square table of shares becomes a heat map, a list of records a table, a record and everything
single a line. Field names tell original positions from other numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

from reranking.charts.frame import cut
from reranking.charts.wins import share_matrix
from reranking.strategies.catalogue import UnknownStrategyError, make
from reranking.views.compared import Compared

ROWS_SHOWN = 30
NAMED = 6
TITLE = 32

DOCUMENTS = frozenset(
    {"index", "indexes", "first", "second", "winner", "order", "shuffle", "documents", "inconsistent_pairs", "cyclic"}
)
"""Fields whose numbers are original positions of documents."""

RANKED = frozenset({"order", "shuffle"})
"""Those of them that are orders."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """A square table of numbers from 0 to 1, and the documents (original positions) of its rows."""

    name: str
    values: Sequence[Sequence[float | None]]
    documents: tuple[int, ...]


def matrices(details: Mapping[str, Any]) -> list[Matrix]:
    """The square tables of shares whose rows are the documents named beside them."""
    documents = details.get("documents")
    if not isinstance(documents, list | tuple):
        return []
    return [
        Matrix(name, value, tuple(documents))
        for name, value in details.items()
        if isinstance(value, list | tuple)
        and len(value) == len(documents) > 0
        and all(isinstance(row, list | tuple) and len(row) == len(documents) for row in value)
    ]


@lru_cache(maxsize=16)
def figure(found: Compared, at: int, name: str, dark: bool) -> Any:
    """The square table of that name as a heat map, in the order of the ranking."""
    matrix = next(one for one in matrices(found.rankings[at].details) if one.name == name)
    place = {index: row for row, index in enumerate(matrix.documents)}
    order = [index for index in found.rankings[at].order if index in place]
    values = [[matrix.values[place[row]][place[column]] for column in order] for row in order]
    notes = ["Share of the row's document against the column's, in the order of the ranking.", "Blank: not compared."]
    titles = [found.titles[index] for index in order]
    return share_matrix(values, titles, f"{_title(name)}: {found.names[at]}", notes, dark)


@lru_cache(maxsize=32)
def tables(found: Compared, at: int) -> str:
    """Everything else that the strategy keeps, as tables of HTML built from escaped text."""
    details = found.rankings[at].details
    drawn = {matrix.name for matrix in matrices(details)}
    single: dict[str, Any] = {}
    blocks = []
    for name, value in details.items():
        if name in drawn or (name == "documents" and drawn):
            continue
        if isinstance(value, Mapping):
            blocks.append(_section(name, _record(value, found)))
        elif isinstance(value, list | tuple) and value and all(isinstance(row, Mapping) for row in value):
            blocks.append(_section(name, _records(value, found)))
        elif isinstance(value, list | tuple) and value and all(isinstance(row, list | tuple) for row in value):
            blocks.append(_section(name, _groups(name, value, found)))
        else:
            single[name] = value
    first = _record(single, found) if single else ""
    return first + "".join(blocks)


def _section(name: str, body: str) -> str:
    return f"<h3 class='rl-section'>{escape(_title(name))}</h3>{body}"


MEANINGS = {
    "inconsistent": "pairs whose two orders of showing gave different winners",
    "inconsistent_pairs": "pairs whose two orders of showing gave different winners",
    "compared": "pairs compared",
    "cyclic_triads": "circles A over B, B over C, C over A",
    "cyclic": "documents in such circles",
    "log_odds": "log-odds for the first",
    "agree": "both orders of showing agree",
    "tau": "mean agreement of the runs (tau, 1 = same order)",
    "q1": "lower quartile",
    "q3": "upper quartile",
    "lower_bound": "fewest disagreements that any order could have",
    "disagreements": "disagreements of this order with the rankings",
}
"""What fields that several strategies keep are called on the screen."""


def _record(value: Mapping[str, Any], found: Compared) -> str:
    rows = "".join(
        f"<tr><td>{escape(words(name))}</td><td>{escape(_text(name, entry, found))}</td></tr>"
        for name, entry in value.items()
    )
    return f"<table class='rl-table rl-pairs'><tbody>{rows}</tbody></table>"


def _records(rows: Sequence[Mapping[str, Any]], found: Compared) -> str:
    fields = list(dict.fromkeys(name for row in rows for name in row))
    heads = "".join(f"<th{_aligned(rows, name)}>{escape(words(name))}</th>" for name in fields)
    body = "".join(f"<tr>{_cells(rows, fields, row, found)}</tr>" for row in rows[:ROWS_SHOWN])
    return (
        f"<div class='rl-scroll'><table class='rl-table'><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
        f"</div>{_more(len(rows))}"
    )


def _cells(rows: Sequence[Mapping[str, Any]], fields: Sequence[str], row: Mapping[str, Any], found: Compared) -> str:
    return "".join(f"<td{_aligned(rows, name)}>{escape(_text(name, row.get(name), found))}</td>" for name in fields)


def _groups(name: str, rows: Sequence[Sequence[Any]], found: Compared) -> str:
    body = "".join(f"<li>{escape(_text(name, row, found))}</li>" for row in rows[:ROWS_SHOWN])
    return f"<ul class='rl-why'>{body}</ul>{_more(len(rows))}"


def _more(count: int) -> str:
    return f"<div class='rl-more'>and {count - ROWS_SHOWN:,} more</div>" if count > ROWS_SHOWN else ""


def _aligned(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """Numbers stand to the right."""
    numbers = name not in DOCUMENTS and all(isinstance(row.get(name), int | float | None) for row in rows)
    return " class='rl-num'" if numbers else ""


def _text(name: str, value: Any, found: Compared) -> str:
    """A value in words: documents by their titles, a strategy by its name."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in DOCUMENTS and isinstance(value, int):
        return cut(found.titles[value], TITLE) if 0 <= value < len(found.titles) else str(value)
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
    if isinstance(value, Mapping):
        return _strategy(value, found) if "kind" in value else "; ".join(
            f"{words(key)} {_text(key, entry, found)}" for key, entry in value.items()
        )  # fmt: skip
    if isinstance(value, list | tuple):
        shown = [_text(name, entry, found) for entry in value[:NAMED]]
        left = f" and {len(value) - NAMED} more" if len(value) > NAMED else ""
        return ("  >  " if name in RANKED else ", ").join(shown) + left if shown else "none"
    return str(value)


def _strategy(spec: Mapping[str, Any], found: Compared) -> str:
    try:
        return found.naming.full_name(make(dict(spec)))
    except UnknownStrategyError:
        return str(spec["kind"])


def _title(name: str) -> str:
    said = words(name)
    return said[:1].upper() + said[1:]


def words(name: str) -> str:
    """A field's name as it is shown."""
    return MEANINGS.get(name, name.replace("_", " "))
