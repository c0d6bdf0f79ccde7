"""The door for files that users bring: bytes and a name in, queries with documents out."""

from __future__ import annotations

import codecs
import re
from pathlib import PurePath

from reranking.documents import has_content
from reranking.formats.fields import Columns
from reranking.formats.json_files import read_json
from reranking.formats.loaded import FormatError, Input, Loaded, place_in
from reranking.formats.pasted import Mode, split_text
from reranking.formats.tables import is_table, read_table

ENDINGS = {
    ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".csv": "table", ".tsv": "table", ".tab": "table",
    ".txt": "text", ".text": "text", ".md": "text",
}  # fmt: skip
"""File endings and how they are read; any other file is read as what it looks like."""

_SIGNATURES = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP archive or an Office document",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"SQLite format 3\0": "a SQLite database",
}
_JSON_START = re.compile(r"\s*(\{\s*[\"}]|\[\s*[\"{\[\]])")


def read(data: bytes, name: str, *, columns: Columns | None = None, split: Mode = "auto") -> Loaded:
    """Read a file: JSON, JSON Lines, CSV or TSV, or plain text.

    `name` is the file's name; its ending decides, then the content. `columns` chooses the
    fields that hold text, id, title and query instead of guessing. `split` is the mode for
    plain text. Nothing is read in part. Raises FormatError, whose message starts with `name`.
    """
    try:
        text = decode(data)
        kind = ENDINGS.get(PurePath(name).suffix.lower()) or _likely(text)
        if kind == "text":
            return _read_text(text, split)
        if kind == "table":
            return read_table(text, columns)
        return read_json(text, lines=kind == "jsonl", columns=columns)
    except FormatError as error:
        error.name = name
        raise


def decode(data: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 with a byte order mark. Raises FormatError."""
    for signature, what in _SIGNATURES.items():
        if data.startswith(signature):
            raise FormatError(f"this is not text (it looks like {what})")
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16") if wide else data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        if wide:
            raise FormatError(f"this is not text (broken UTF-16 at byte {error.start + 1})") from error
        before = error.object[: error.start].decode("utf-8")
        line, column = place_in(before, len(before))
        byte = error.object[error.start]
        raise FormatError(
            f"this is not text (byte 0x{byte:02X} is not UTF-8). Save the file as UTF-8", line=line, column=column
        ) from error
    nul = text.find("\0")
    if nul >= 0:
        line, column = place_in(text, nul)
        raise FormatError("this is not text (it holds a NUL character)", line=line, column=column)
    if not has_content(text):
        raise FormatError("the file is empty")
    return text


def _likely(text: str) -> str:
    if _JSON_START.match(text):
        return "json"
    return "table" if is_table(text) else "text"


def _read_text(text: str, mode: Mode) -> Loaded:
    split = split_text(text, mode)
    if not split.documents:
        raise FormatError("there are no documents in it")
    ways = {"rule": "at lines of ---", "numbered": "by its numbers", "blank line": "at blank lines", "line": "by line"}
    return Loaded((Input(None, split.documents),), (f"Split {ways[split.mode]}.",))
