"""What a reader returns: queries with their documents and notes, or an error with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reranking.documents import Document
from reranking.formats.fields import Role


class FormatError(ValueError):
    """A file that cannot be read; the message names the file, line and column where known.

    `line` and `column` are 1-based. `columns` lists the columns of a table, or the fields of a
    record, when the reader could not tell which one holds the text, so that the user can be asked.
    """

    def __init__(
        self, problem: str, *, line: int | None = None, column: int | None = None, columns: tuple[str, ...] = ()
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line
        self.column = column
        self.columns = columns
        self.name = ""

    def __str__(self) -> str:
        place = [self.name] if self.name else []
        if self.line is not None:
            place.append(f"line {self.line}")
        if self.column is not None:
            place.append(f"column {self.column}")
        return f"{', '.join(place)}: {self.problem}" if place else self.problem


@dataclass(frozen=True, slots=True)
class Input:
    """One query, or None where the file names none, and its documents in the file's order."""

    query: str | None
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """All of a file. `notes` are sentences for the user: how it was read, what was left out.

    `columns` are the fields that its records have, and `roles` which of them was read as what
    (see fields.py); both are empty where there was nothing to choose.
    """

    queries: tuple[Input, ...]
    notes: tuple[str, ...] = ()
    columns: tuple[str, ...] = field(default=(), compare=False)
    roles: Mapping[Role, str] = field(default_factory=dict, compare=False)


def place_in(text: str, offset: int) -> tuple[int, int]:
    """The line and column, both 1-based, of a code point offset; lines end with a line feed."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def listing(names: list[str], most: int = 5) -> str:
    """The names as one phrase, cut after `most`: "a, b and 3 more"."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
