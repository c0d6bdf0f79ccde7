"""The raw runs of a position-bias test as CSV: one row for each run and document.

Columns: `run` (from 1), `input position` (from 1), `document`, `output rank` (from 1, tied
documents sharing their mean rank; empty if the run failed), and optionally `query`, `strategy`,
`repeat` (`yes` for a run of the noise control) and `repaired` (`yes` where a repair placed the
document).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reranking.analysis.bias_runs import BiasRun
from reranking.formats.loaded import FormatError, listing
from reranking.formats.written import csv_text, guarded

REQUIRED = ("run", "input position", "document", "output rank")
OPTIONAL = ("query", "strategy", "repeat", "repaired")
MOST_DIGITS = 9
"""Of an input position."""


@dataclass(frozen=True, slots=True)
class BiasTable:
    """The runs of one strategy on one query. `names[number]` is the document that runs call by that number."""

    runs: tuple[BiasRun, ...]
    names: tuple[str, ...]
    query: str = ""
    strategy: str = ""
    repeats: tuple[BiasRun, ...] = ()


def write_bias_runs(tables: Iterable[BiasTable]) -> str:
    """The tables as CSV text; `read_bias_runs` gives them back, with its own numbers for the documents.

    A text that a spreadsheet would take for a formula stands behind an apostrophe. Repeats are
    numbered on from the runs, and so are strategies that occur again with the same query. Raises
    ValueError if two documents of a table have the same name.
    """
    rows: list[tuple[object, ...]] = []
    taken: set[tuple[str, str]] = set()
    for table in tables:
        if len(set(table.names)) < len(table.names):
            raise ValueError("documents need different names to be told apart")
        strategy, again = table.strategy, 1
        while (table.query, strategy) in taken:
            again += 1
            strategy = f"{table.strategy} ({again})"
        taken.add((table.query, strategy))
        about = (_marked(table.query), _marked(strategy))
        for number, run in enumerate((*table.runs, *table.repeats), start=1):
            repeat = "yes" if number > len(table.runs) else ""
            for place, document in enumerate(run.order, start=1):
                rank = "" if run.ranks is None else f"{run.ranks[document]:.12g}"
                repaired = "yes" if document in run.repaired else ""
                rows.append((number, place, _marked(table.names[document]), rank, *about, repeat, repaired))
    return csv_text((*REQUIRED, *OPTIONAL), rows)


def read_bias_runs(text: str) -> list[BiasTable]:
    """The tables in CSV text, one for each query and strategy, in the order in which they appear.

    Documents are numbered in the order of their names' first appearance. Raises FormatError
    with the line where something is wrong.
    """
    rows = _rows(text)
    tables: dict[tuple[str, str], _Reading] = {}
    for row in rows:
        tables.setdefault((row.query, row.strategy), _Reading()).add(row)
    if not tables:
        raise FormatError("the table has a header but no rows")
    return [reading.table(query, strategy) for (query, strategy), reading in tables.items()]


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    run: str
    place: int
    document: str
    rank: float | None
    query: str
    strategy: str
    repeat: bool
    repaired: bool


class _Reading:
    """The rows of one table on their way to runs."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.runs: dict[str, list[_Row]] = {}

    def add(self, row: _Row) -> None:
        """Take in a row, in any order of runs and places."""
        self.numbers.setdefault(row.document, len(self.numbers))
        members = self.runs.setdefault(row.run, [])
        for other in members:
            if other.place == row.place:
                raise FormatError(f"run {row.run} has two documents at input position {row.place}", line=row.line)
            if other.document == row.document:
                raise FormatError(f"run {row.run} holds document {row.document!r} twice", line=row.line)
            if other.repeat != row.repeat:
                raise FormatError(f"run {row.run} is a repeat in one row and none in another", line=row.line)
        members.append(row)

    def table(self, query: str, strategy: str) -> BiasTable:
        """The runs. Raises FormatError for one that does not fit the others."""
        runs: list[BiasRun] = []
        repeats: list[BiasRun] = []
        for members in self.runs.values():
            run = self._run(members)
            (repeats if members[0].repeat else runs).append(run)
        return BiasTable(tuple(runs), tuple(self.numbers), query, strategy, tuple(repeats))

    def _run(self, members: Sequence[_Row]) -> BiasRun:
        last, name = members[-1], members[0].run
        if len(members) != len(self.numbers):
            held = {row.document for row in members}
            missing = [repr(document) for document in self.numbers if document not in held]
            raise FormatError(f"run {name} does not hold {listing(missing)}, which other runs do", line=last.line)
        given = sorted(members, key=lambda row: row.place)
        wrong = next((row for at, row in enumerate(given, start=1) if row.place != at), None)
        if wrong is not None:
            raise FormatError(
                f"run {name} has {len(members)} documents, so its input positions are 1 to {len(members)}",
                line=wrong.line,
            )
        unranked = [row for row in members if row.rank is None]
        if unranked and len(unranked) < len(members):
            problem = f"run {name} has a rank for some documents only; leave all empty if it failed"
            raise FormatError(problem, line=unranked[0].line)
        ranks = {self.numbers[row.document]: row.rank for row in members if row.rank is not None}
        return BiasRun(
            tuple(self.numbers[row.document] for row in given),
            ranks or None,
            frozenset(self.numbers[row.document] for row in members if row.repaired),
        )


def _rows(text: str) -> list[_Row]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    columns: dict[str, int] = {}
    found = []
    line = 1
    try:
        for cells in reader:
            if not columns:
                columns = _columns(cells, line) if any(cells) else {}
            elif any(cell.strip() for cell in cells):
                if len(cells) <= max(columns.values()):
                    raise FormatError(f"the row has {len(cells)} cells, fewer than the header", line=line)
                found.append(_row(cells, columns, line))
            line = reader.line_num + 1
    except csv.Error as error:
        raise FormatError(f"this is not CSV: {error}", line=line) from error
    if not columns:
        raise FormatError("the table has no header", line=1)
    return found


def _columns(header: Sequence[str], line: int) -> dict[str, int]:
    names = [cell.strip().casefold().replace("_", " ") for cell in header]
    missing = [repr(name) for name in REQUIRED if name not in names]
    if missing:
        raise FormatError(
            f"there is no column {listing(missing)}; needed are {', '.join(REQUIRED)}", line=line, columns=tuple(header)
        )
    twice = [name for name in (*REQUIRED, *OPTIONAL) if names.count(name) > 1]
    if twice:
        raise FormatError(f"the header names '{twice[0]}' more than once", line=line)
    return {name: names.index(name) for name in (*REQUIRED, *OPTIONAL) if name in names}


def _row(cells: Sequence[str], columns: dict[str, int], line: int) -> _Row:
    cell = {name: cells[at] for name, at in columns.items()}
    run, document = cell["run"].strip(), _unmarked(cell["document"])
    if not run:
        raise FormatError("the run has no number", line=line)
    return _Row(
        line=line,
        run=run,
        place=_place(cell["input position"], line),
        document=document,
        rank=_rank(cell["output rank"], line),
        query=_unmarked(cell.get("query", "")),
        strategy=_unmarked(cell.get("strategy", "")),
        repeat=_flag("repeat", cell.get("repeat", ""), line),
        repaired=_flag("repaired", cell.get("repaired", ""), line),
    )


def _place(text: str, line: int) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS and int(digits) > 0):
        raise FormatError(f"the input position must be a whole number from 1, not '{text[:40]}'", line=line)
    return int(digits)


def _rank(text: str, line: int) -> float | None:
    if not text.strip():
        return None
    try:
        rank = float(text)
    except ValueError:
        rank = -1.0
    if not 1 <= rank < float("inf"):
        raise FormatError(
            f"the output rank must be a number from 1, or empty if the run failed, not '{text}'", line=line
        )
    return rank


def _flag(name: str, text: str, line: int) -> bool:
    value = text.strip().casefold()
    if value not in {"", "yes", "no", "true", "false", "1", "0"}:
        raise FormatError(f"'{name}' must be yes or empty, not '{text}'", line=line)
    return value in {"yes", "true", "1"}


def _marked(text: str) -> str:
    """An apostrophe at the beginning is doubled, so that the one that guards can be taken off again."""
    return f"'{text}" if text.startswith("'") else text


def _unmarked(text: str) -> str:
    rest = text[1:]
    return rest if text.startswith("'") and (rest.startswith("'") or guarded(rest) == text) else text
