"""JSON and JSON Lines: lists of documents, a query with its documents, or many of these, in our shape or others'."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reranking.documents import Document
from reranking.formats.fields import Columns, Role, guess
from reranking.formats.loaded import FormatError, Input, Loaded, listing, place_in
from reranking.formats.records import Misfit, as_document, by_query, kind_of, remarks
from reranking.formats.shapes import Listed, flat, listed, of_book

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
    and perhaps a `query`, or of a shape in shapes.py. Documents that all name their query are
    grouped by it. `lines` says that JSON Lines are expected; the text decides. `columns` chooses
    fields (see fields.py).
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
    reading = _Reading(columns)
    try:
        if any(listed(record) is not None for record in records):
            queries = tuple(one for at in range(len(records)) for one in reading.queries(records, at))
        else:
            queries = _grouped(*reading.documents(records, ()), columns)
    except Misfit as misfit:
        line, column = place(misfit.path)
        raise FormatError(misfit.problem, line=line, column=column, columns=misfit.columns) from misfit
    if not any(entry.query is not None or entry.documents for entry in queries):
        raise FormatError("there are no documents in it")
    notes = parser.notes() + remarks(queries)
    if reading.ignored:
        notes.append(f"Not used: {listing([repr(name) for name in reading.ignored], most=10)}.")
    return Loaded(queries, tuple(notes), tuple(reading.fields), reading.roles)


class _Reading:
    """Makes documents of records, and notes their fields, which were read as what, and which were not used."""

    def __init__(self, columns: Columns | None) -> None:
        self.columns = columns
        self.fields: dict[str, None] = {}
        self.roles: dict[Role, str] = {}
        self.ignored: dict[str, None] = {}

    def queries(self, records: list[Any], at: int) -> list[Input]:
        """What the object at that place holds; its fields that are not used are added to `ignored`."""
        record, many = records[at], len(records) > 1
        who = f"query {at + 1}" if many else "the query"
        found = listed(record, guess(record, self.columns).get("query") if isinstance(record, Mapping) else None)
        if found is None:
            raise Misfit(f"entry {at + 1} has no 'documents', although other entries have", at)
        values = _at(record, found.path)
        if not isinstance(values, list):
            raise Misfit(f"'{found.path[-1]}' is {kind_of(values)}, not a list", at, *found.path)
        self.ignored.update(dict.fromkeys(found.unused))
        prefix = f"{who}, " if many else ""
        book = self._book(values, at, found)
        documents, _ = self.documents(values, (at, *found.path), prefix)
        if book is not None:
            return [Input(query, tuple(documents[place] for place in places)) for query, places in book.items()]
        query = None if found.query is None else _at(record, found.query)
        if query is not None and not isinstance(query, str):
            raise Misfit(f"{who} is {kind_of(query)}, not a string", at, *(found.query or ()))
        return [Input(query, tuple(documents))]

    def documents(self, values: Sequence[Any], path: Path, prefix: str = "") -> tuple[list[Document], list[Any]]:
        """The documents, and the records that they were made of. Raises Misfit."""
        documents, records = [], []
        for at, value in enumerate(values):
            try:
                record = flat(value)
                documents.append(as_document(record, self.columns))
            except Misfit as misfit:
                problem = f"{prefix}document {at + 1} {misfit.problem}"
                raise Misfit(problem, *path, at, columns=misfit.columns) from misfit
            records.append(record)
            if isinstance(record, Mapping):
                self.fields.update(dict.fromkeys(record))
                self.roles = {**guess(record, self.columns), **self.roles}
        return documents, records

    def _book(self, values: list[Any], at: int, found: Listed) -> dict[str, list[int]] | None:
        if found.path != ("query_doc_pairs",):
            return None
        try:
            book = of_book(values)
        except Misfit as misfit:
            place = misfit.path[0]
            raise Misfit(f"pair {int(place) + 1} {misfit.problem}", at, *found.path, place) from misfit
        if book is not None and any(pair.get("judgements") for pair in values):
            self.ignored["judgements"] = None
        return book


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _grouped(documents: list[Document], records: list[Any], columns: Columns | None) -> tuple[Input, ...]:
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
