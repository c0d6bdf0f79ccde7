"""CSV and TSV: a header, then one document per row."""

from __future__ import annotations

import csv
import io
import math
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from reranking.documents import Document
from reranking.formats.fields import ROLES, Columns, Role, accepted, guess
from reranking.formats.loaded import FormatError, Loaded, listing
from reranking.formats.records import by_query, remarks

DELIMITERS = ",;\t|"

Row = tuple[int, list[str]]
"""The line on which a row starts, and its cells."""

_NUMERIC = {"grade", "score"}
_limit_lock = threading.Lock()


def read_table(text: str, columns: Columns | None = None) -> Loaded:
    """Read a table whose header names the columns; `columns` chooses them (see fields.py).

    Rows are grouped by the query column, if there is one. Columns without a role become
    metadata, where they are not empty; `grade` and `score` become numbers where they are.
    Raises FormatError with the line on which the row starts.
    """
    delimiter, names = _header(text, columns)
    if not any(name.strip() for name in names):
        raise FormatError("the table has no header")
    repeated = [name for name, count in Counter(names).items() if name and count > 1]
    if repeated:
        raise FormatError(f"the header names {listing([repr(name) for name in repeated])} more than once")
    roles = guess(filter(None, names), columns)
    for role, name in (columns or {}).items():
        if name is not None and role not in roles:
            raise FormatError(f"there is no column '{name}'; there are {_found(names)}", columns=tuple(names))
    if "text" not in roles:
        raise FormatError(
            f"no column holds the text: it must be named {accepted('text')}; there are {_found(names)}",
            columns=tuple(names),
        )
    rows, notes = _rows(text, delimiter, names)
    if not rows:
        raise FormatError("the table has a header but no rows")
    at = {role: names.index(name) for role, name in roles.items()}
    queries = by_query((_cell(cells, at.get("query")), _document(cells, names, at)) for _, cells in rows)
    read_as = ", ".join(f"{role} from '{roles[role]}'" for role in ROLES if role in roles)
    said = (f"Columns: {read_as}.", *notes, *remarks(queries))
    return Loaded(queries, said, tuple(name for name in names if name), roles)


def is_table(text: str) -> bool:
    """Tell whether the text starts with a header of two or more columns, one of them a text column."""
    try:
        _, names = _header(text, None)
    except FormatError:
        return False
    return len(names) > 1 and "text" in guess(names)


def _header(text: str, columns: Columns | None) -> tuple[str, list[str]]:
    """The delimiter and the column names: the delimiter that makes the text column appear, with most columns."""
    headers: dict[str, list[str]] = {}
    problem: FormatError | None = None
    for delimiter in DELIMITERS:
        try:
            first = next((cells for _, cells in _parsed(text, delimiter) if cells), [])
        except FormatError as error:
            problem = problem or error
        else:
            headers[delimiter] = [name.strip() for name in first]
    if not headers:
        raise problem or FormatError("the table has no header")
    delimiter = max(headers, key=lambda mark: ("text" in guess(headers[mark], columns), len(headers[mark])))
    return delimiter, headers[delimiter]


def _rows(text: str, delimiter: str, names: list[str]) -> tuple[list[Row], list[str]]:
    """The rows after the header, all as wide as it, and notes on what was left out."""
    try:
        return _checked(_parsed(text, delimiter), names, delimiter)
    except FormatError as error:
        if delimiter != "\t":
            raise
        quoted = error
    # Many TSV files know no quoting: a quote mark is part of the text.
    try:
        rows, notes = _checked(_parsed(text, delimiter, quotes=False), names, delimiter)
    except FormatError:
        raise quoted from None
    return rows, [*notes, "Quote marks around cells were read as part of the text."]


def _checked(parsed: Iterator[Row], names: list[str], delimiter: str) -> tuple[list[Row], list[str]]:
    header_seen = False
    rows, blank = [], []
    for line, cells in parsed:
        if not header_seen:
            header_seen = bool(cells)
        elif len(cells) == len(names) and (any(cell.strip() for cell in cells) or len(names) == 1):
            rows.append((line, cells))
        elif not any(cell.strip() for cell in cells):
            blank += [f"line {line}"] if cells else []
        else:
            hint = f" (cells that contain '{delimiter}' need quote marks)" if len(cells) > len(names) else ""
            raise FormatError(f"the row has {len(cells)} cells, the header has {len(names)}{hint}", line=line)
    return rows, [f"Rows without content were left out: {listing(blank)}."] if blank else []


def _parsed(text: str, delimiter: str, *, quotes: bool = True) -> Iterator[Row]:
    """The rows with the line on which each starts, 1-based. Raises FormatError."""
    lines = io.StringIO(text, newline="")
    if quotes:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
    else:
        reader = csv.reader(lines, delimiter=delimiter, strict=True, quoting=csv.QUOTE_NONE)
    while True:
        line = reader.line_num + 1
        try:
            with _cells_up_to(len(text)):
                cells = next(reader, None)
        except csv.Error as error:
            raise FormatError(_explained(error), line=line) from error
        if cells is None:
            return
        yield line, cells


@contextmanager
def _cells_up_to(size: int) -> Iterator[None]:
    """Allow cells of `size` characters; the limit belongs to the whole process and is put back."""
    with _limit_lock:
        before = csv.field_size_limit()
        csv.field_size_limit(max(before, size + 1))
        try:
            yield
        finally:
            csv.field_size_limit(before)


def _explained(error: csv.Error) -> str:
    if "unexpected end of data" in str(error):
        return "a quote mark opens a cell in this row and is never closed"
    if "expected after" in str(error):
        return "text follows a closing quote mark: inside a quoted cell, write quote marks twice"
    return str(error)


def _document(cells: list[str], names: list[str], at: dict[Role, int]) -> Document:
    taken = set(at.values())
    metadata = {
        name or f"column {position + 1}": _value(name, cell)
        for position, (name, cell) in enumerate(zip(names, cells, strict=True))
        if position not in taken and cell.strip()
    }
    return Document(cells[at["text"]], _cell(cells, at.get("id")), _cell(cells, at.get("title")), metadata)


def _cell(cells: list[str], position: int | None) -> str | None:
    """The cell without white space at its ends; None if there is none or it is blank."""
    return None if position is None else cells[position].strip() or None


def _value(name: str, cell: str) -> str | int | float:
    """The cell, as a number where its column is one of grades or scores and it reads as one."""
    if name.casefold() not in _NUMERIC:
        return cell
    try:
        number = float(cell)
    except ValueError:
        return cell
    if not math.isfinite(number):
        return cell
    return int(number) if number.is_integer() and "." not in cell else number


def _found(names: list[str]) -> str:
    return listing([repr(name if len(name) <= 40 else f"{name[:39]}…") for name in names], most=12)
