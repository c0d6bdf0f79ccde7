"""The examples that come with the program: a query, judged documents, and what they show."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from reranking.documents import Document
from reranking.formats.json_files import read_json


@dataclass(frozen=True, slots=True)
class Example:
    """A query with its documents. `grades` says what the `grade` in their metadata means."""

    name: str
    title: str
    description: str
    query: str
    information_need: str
    grades: str
    documents: tuple[Document, ...]


def examples() -> list[Example]:
    """All examples, by name. Raises FileNotFoundError if the folder is missing."""
    return [_example(path) for path in sorted(_folder().glob("*.json"))]


def _folder() -> Path:
    package = Path(__file__).resolve().parent.parent
    places = (package / "_app" / "data" / "examples", package.parent / "data" / "examples")
    for place in places:
        if place.is_dir():
            return place
    raise FileNotFoundError(f"the examples are missing from {places[0]}: install rerank-lens again")


def _example(path: Path) -> Example:
    text = path.read_text(encoding="utf-8")
    about = json.loads(text)
    return Example(
        path.stem,
        about["title"],
        about["description"],
        about["query"],
        about["information_need"],
        about["grades"],
        read_json(text).queries[0].documents,
    )
