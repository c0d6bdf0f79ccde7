"""The query's documents and their identity.

A document is what the user gave. A candidate is a document together with its original
position in the input, which is its only identity: texts and ids may repeat, positions cannot.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

LABEL_LENGTH = 60
"""Characters of its text that stand for a document without a title."""


@dataclass(frozen=True)
class Document:
    """One candidate text, as the user gave it.

    `id` is a label for people and exports; it may repeat. `metadata` is carried along and
    never shown to a model.
    """

    text: str
    id: str | None = None
    title: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the NFC-normalised title and text: the key of judgments and vectors."""
        parts = (unicodedata.normalize("NFC", part) for part in (self.title or "", self.text))
        return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A document at its original position (`index`, 0-based), which it keeps everywhere."""

    index: int
    document: Document

    @property
    def id(self) -> str:
        """The document's id, or `d<position>` (1-based) if it has none."""
        return self.document.id if self.document.id is not None else f"d{self.index + 1}"

    @property
    def label(self) -> str:
        """What lists and charts call it, on one line: its title, else how its text begins, else its id."""
        title = " ".join((self.document.title or "").split())
        if has_content(title):
            return title
        start = self.document.text[: 4 * LABEL_LENGTH]
        line = " ".join(start.split())
        if not has_content(line):
            return self.id
        whole = len(line) <= LABEL_LENGTH and len(start) == len(self.document.text)
        return line if whole else f"{line[:LABEL_LENGTH].rstrip()}…"

    @property
    def text(self) -> str:
        """The document's text, unchanged."""
        return self.document.text

    @property
    def title(self) -> str | None:
        """The document's title, if it has one."""
        return self.document.title


Candidates = Sequence[Candidate]


def as_document(value: Document | str | Mapping[str, Any]) -> Document:
    """Return `value` as a Document: a Document itself, a plain string, or a mapping with `text`.

    Raises TypeError for anything else and ValueError for a mapping without a text.
    """
    if isinstance(value, Document):
        return value
    if isinstance(value, str):
        return Document(value)
    if isinstance(value, Mapping):
        known = {"text", "id", "title", "metadata"}
        if not isinstance(value.get("text"), str):
            raise ValueError("a document needs a 'text' that is a string")
        extra = {key: item for key, item in value.items() if key not in known}
        return Document(
            value["text"],
            id=None if value.get("id") is None else str(value["id"]),
            title=value.get("title"),
            metadata={**extra, **(value.get("metadata") or {})},
        )
    raise TypeError(f"a document is a string, a mapping or a Document, not {type(value).__name__}")


def as_candidates(documents: Iterable[Document | str | Mapping[str, Any]]) -> tuple[Candidate, ...]:
    """Number `documents` by their position and return them as candidates."""
    return tuple(Candidate(index, as_document(item)) for index, item in enumerate(documents))


def has_content(text: str) -> bool:
    """Tell whether `text` holds anything besides white space and invisible characters."""
    return any(not char.isspace() and unicodedata.category(char) not in {"Cf", "Cc"} for char in text)
