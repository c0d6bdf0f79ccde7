"""Candidate lists: a query and its documents, kept once however many jobs use them."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence

from reranking.documents import Document
from reranking.store.values import from_text, nfc, plain_text, storable, to_text


def keep_candidates(connection: sqlite3.Connection, query: str, documents: Sequence[Document]) -> str:
    """Keep a query and its documents, unless they are there, and return the id of the list.

    Raises StoreError for text that is not valid Unicode.
    """
    storable(query, "The query")
    rows = [_row(position, document) for position, document in enumerate(documents)]
    id = hashlib.sha256(plain_text([query, rows]).encode()).hexdigest()
    added = connection.execute("INSERT OR IGNORE INTO candidate_lists VALUES (?, ?, ?)", (id, query, nfc(query)))
    if added.rowcount:
        connection.executemany("INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)", [(id, *row) for row in rows])
    return id


def load_documents(connection: sqlite3.Connection, candidate_list: str) -> tuple[Document, ...]:
    """The documents of a candidate list, by original position."""
    rows = connection.execute(
        "SELECT text, id, title, metadata FROM documents WHERE candidate_list = ? ORDER BY position", (candidate_list,)
    )
    return tuple(Document(text, id, title, from_text(metadata)) for text, id, title, metadata in rows)


def _row(position: int, document: Document) -> tuple[int, str | None, str | None, str, str, str]:
    who = f"Document {position + 1}"
    return (
        position,
        None if document.id is None else storable(document.id, f"The id of document {position + 1}"),
        None if document.title is None else storable(document.title, f"The title of document {position + 1}"),
        storable(document.text, who),
        to_text(document.metadata),
        document.fingerprint,
    )
