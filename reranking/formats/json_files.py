"""JSON and JSON Lines: lists of documents, a query with its documents, or many of these."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reranking.documents import Document
from reranking.formats.fields import Columns, guess
from reranking.formats.loaded import FormatError, Input, Loaded, listing, place_in
from reranking.formats.records import Misfit, as_document, by_query, kind_of, remarks

MOST_NESTED = 64
"""Levels of lists and objects in a file; deeper ones break what copies or stores metadata."""

Path = tuple[int | str, ...]

_TOO_DEEP = f"the JSON is nested more than {MOST_NESTED} levels deep"

_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACE = re.compile(r"[ \t\n\r]*")


def read_json(text: str, *, lines: bool = False, columns: Columns | None = None) -> Loaded:
    """Read a JSON text, or JSON Lines: one value per line.

    A value is a document (a string or an object with a text) or an object with `documents`
    and perhaps a `query`. Documents that all name their query are grouped by it. `lines` says
    that JSON Lines are expected; the text decides. `columns` chooses fields (see fields.py).
    Raises FormatError with line and column.
    """
    parser = _Parser()
    try:
        value = parser.value(text)
    except json.JSONDecodeError as error:
        if not lines and not (error.msg == "Extra data" and _is_json(text.lstrip().partition("\n")[0])):
            raise _malformed(error, error.lineno) from error
        return _read_lines(text, parser, columns)
    records = value if isinstance(value, list) else [value]
    top: Path = () if isinstance(value, list) else (0,)

    def place(path: Path) -> tuple[int, int]:
        return place_in(text, _offset(text, path[len(top) :]))

    return _loaded(records, place, parser, columns)


def _read_lines(text: str, parser: _Parser, columns: Columns | None) -> Loaded:
    values, sources = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values.append(parser.value(line))
        except json.JSONDecodeError as error:
            raise _malformed(error, number) from error
        except FormatError as error:
            error.line = number
            raise
        sources.append((number, line))

    def place(path: Path) -> tuple[int, int]:
        number, line = sources[int(path[0])]
        return number, _offset(line, path[1:]) + 1

    return _loaded(values, place, parser, columns)


class _Parser:
    """Python's JSON parser, with notes on what it had to replace."""

    def __init__(self) -> None:
        self.numbers = 0
        self.broken = 0

    def value(self, text: str) -> Any:
        """The value; raises JSONDecodeError, or FormatError for what is JSON but cannot be handled."""
        try:
            value = json.loads(text, parse_constant=self._number, parse_float=self._number)
        except RecursionError as error:
            raise FormatError(_TOO_DEEP) from error
        except json.JSONDecodeError:
            raise
        except ValueError as error:  # Python refuses integers of thousands of digits
            raise FormatError("the JSON holds a number with too many digits") from error
        _check_depth(value)
        return self._mended(value) if _ESCAPED_SURROGATE.search(text) else value

    def notes(self) -> list[str]:
        """Sentences on what was replaced so far."""
        notes = []
        if self.numbers:
            notes.append("Numbers that are NaN, infinite or too large were read as null.")
        if self.broken:
            notes.append(f"{self.broken} broken characters (halves of surrogate pairs) were replaced by '\ufffd'.")
        return notes

    def _number(self, literal: str) -> float | None:
        number = float(literal)
        if math.isfinite(number):
            return number
        self.numbers += 1
        return None

    def _mended(self, value: Any) -> Any:
        """The value without lone surrogates, which can be neither stored nor sent."""
        if isinstance(value, str):
            mended, count = _SURROGATE.subn("\ufffd", value)
            self.broken += count
            return mended
        if isinstance(value, list):
            return [self._mended(item) for item in value]
        if isinstance(value, dict):
            return {self._mended(name): self._mended(item) for name, item in value.items()}
        return value


def _loaded(
    records: list[Any], place: Callable[[Path], tuple[int, int]], parser: _Parser, columns: Columns | None
) -> Loaded:
    ignored: dict[str, None] = {}
    try:
        if any(isinstance(record, Mapping) and "documents" in record for record in records):
            queries = tuple(_query(record, at, columns, ignored, len(records)) for at, record in enumerate(records))
        else:
            queries = _grouped(records, _documents(records, (), columns), columns)
    except Misfit as misfit:
        line, column = place(misfit.path)
        raise FormatError(misfit.problem, line=line, column=column) from misfit
    if not any(entry.query is not None or entry.documents for entry in queries):
        raise FormatError("there are no documents in it")
    notes = parser.notes() + remarks(queries)
    if ignored:
        notes.append(f"Not used: {listing([repr(name) for name in ignored], most=10)}.")
    return Loaded(queries, tuple(notes))


def _query(record: Any, at: int, columns: Columns | None, ignored: dict[str, None], total: int) -> Input:
    """One object with `documents`; its fields that are not used are added to `ignored`."""
    who = f"query {at + 1}" if total > 1 else "the query"
    if not isinstance(record, Mapping) or "documents" not in record:
        raise Misfit(f"entry {at + 1} has no 'documents', although other entries have", at)
    listed = record["documents"]
    if not isinstance(listed, list):
        raise Misfit(f"'documents' is {kind_of(listed)}, not a list", at, "documents")
    name = guess(record, columns).get("query")
    query = None if name is None else record[name]
    if name is not None and query is not None and not isinstance(query, str):
        raise Misfit(f"{who} is {kind_of(query)}, not a string", at, name)
    ignored.update(dict.fromkeys(key for key in record if key not in {"documents", name}))
    prefix = f"{who}, " if total > 1 else ""
    return Input(query, tuple(_documents(listed, (at, "documents"), columns, prefix)))


def _documents(values: Sequence[Any], path: Path, columns: Columns | None, prefix: str = "") -> list[Document]:
    documents = []
    for at, value in enumerate(values):
        try:
            documents.append(as_document(value, columns))
        except Misfit as misfit:
            raise Misfit(f"{prefix}document {at + 1} {misfit.problem}", *path, at) from misfit
    return documents


def _grouped(records: list[Any], documents: list[Document], columns: Columns | None) -> tuple[Input, ...]:
    """The documents under their queries if every record names one, else under none."""
    rows = []
    for record, document in zip(records, documents, strict=True):
        name = guess(record, columns).get("query") if isinstance(record, Mapping) else None
        if name is None or not isinstance(record[name], str):
            return (Input(None, tuple(documents)),)
        rest = {key: item for key, item in document.metadata.items() if key != name}
        rows.append((record[name], Document(document.text, document.id, document.title, rest)))
    return by_query(rows)


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MOST_NESTED):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return
    raise FormatError(_TOO_DEEP)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _malformed(error: json.JSONDecodeError, line: int) -> FormatError:
    reason = error.msg[:1].lower() + error.msg[1:]
    return FormatError(f"not valid JSON ({reason})", line=line, column=error.colno)


def _offset(text: str, path: Path) -> int:
    """Where the value at `path` (list positions and object keys) starts in a valid JSON text."""
    decoder = json.JSONDecoder()

    def skip(at: int) -> int:
        match = _SPACE.match(text, at)
        return match.end() if match else at

    def past(at: int) -> int:
        return skip(decoder.raw_decode(text, at)[1])

    at = skip(0)
    for step in path:
        at = skip(at + 1)
        if isinstance(step, int):
            for _ in range(step):
                at = skip(past(at) + 1)
            continue
        found = at
        while text[at] != "}":  # of equal keys the last one counts
            key, end = decoder.raw_decode(text, at)
            at = skip(skip(end) + 1)
            found = at if key == step else found
            at = past(at)
            at = skip(at + 1) if text[at] == "," else at
        at = found
    return at
