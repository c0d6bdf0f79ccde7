"""Records with named fields, from JSON or a table, as documents and queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reranking.documents import Document, has_content
from reranking.formats.fields import Columns, accepted, guess
from reranking.formats.loaded import Input, listing

_KINDS = {dict: "an object", list: "a list", str: "a string", bool: "true or false", int: "a number", float: "a number"}


# Fields of a document that say nothing when they are null.
_OWN = {"text", "id", "title", "metadata"}


class Misfit(Exception):
    """A value that is not what it should be; `path` leads to it from the top of the file.

    `columns` are the fields of a record whose text could not be found.
    """

    def __init__(self, problem: str, *path: int | str, columns: tuple[str, ...] = ()) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path
        self.columns = columns


def kind_of(value: Any) -> str:
    """What a JSON value is, as a phrase: "a list", "null"."""
    return _KINDS.get(type(value), "null")


def as_document(value: Any, columns: Columns | None = None) -> Document:
    """A document from a string or a record of named fields. Raises Misfit.

    Fields without a role become metadata, and the fields of a `metadata` object stand beside
    them. A number as id or title becomes a string.
    """
    if isinstance(value, str):
        return Document(value)
    if not isinstance(value, Mapping):
        raise Misfit(f"is {kind_of(value)}, not a string or an object")
    roles = guess((name for name, item in value.items() if item is not None), columns)
    if "text" not in roles:
        fields = tuple(str(name) for name in value)
        raise Misfit(f"has no text: it needs a field named {accepted('text', columns)}", columns=fields)
    text = value[roles["text"]]
    if not isinstance(text, str):
        raise Misfit(f"has {kind_of(text)} as '{roles['text']}', not a string")
    used = {roles[role] for role in ("text", "id", "title") if role in roles}
    rest = {name: item for name, item in value.items() if name not in used and not (item is None and name in _OWN)}
    nested = rest.pop("metadata") if isinstance(rest.get("metadata"), Mapping) else {}
    return Document(
        text,
        id=_label(value, roles.get("id")),
        title=_label(value, roles.get("title")),
        metadata={**rest, **nested},
    )


def _label(value: Mapping[str, Any], name: str | None) -> str | None:
    item = None if name is None else value[name]
    if item is None or isinstance(item, str):
        return item
    if isinstance(item, bool) or not isinstance(item, int | float):
        raise Misfit(f"has {kind_of(item)} as '{name}', not a string or a number")
    return str(item)


def by_query(rows: Iterable[tuple[str | None, Document]]) -> tuple[Input, ...]:
    """One Input per query, in the order in which the queries first appear."""
    groups: dict[str | None, list[Document]] = {}
    for query, document in rows:
        groups.setdefault(query, []).append(document)
    return tuple(Input(query, tuple(documents)) for query, documents in groups.items())


def remarks(queries: Sequence[Input]) -> list[str]:
    """Notes on documents with an empty text and queries without documents."""
    many = len(queries) > 1
    empty = [
        f"query {number}, document {position}" if many else f"document {position}"
        for number, entry in enumerate(queries, start=1)
        for position, document in enumerate(entry.documents, start=1)
        if not has_content(document.text)
    ]
    alone = [f"query {number}" for number, entry in enumerate(queries, start=1) if not entry.documents]
    notes = [f"Empty text: {listing(empty)}."] if empty else []
    if alone:
        notes.append(f"No documents: {listing(alone)}." if many else "The query has no documents.")
    return notes
