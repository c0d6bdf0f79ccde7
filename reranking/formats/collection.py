"""Collections in several files, as BEIR lays them out: a corpus, queries, and perhaps what belongs to which query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from reranking.documents import Document
from reranking.formats.loaded import FormatError, Input, Loaded
from reranking.formats.read import decode, read

MOST_PAIRS = 20_000
"""Documents over all queries; each is a candidate that a strategy would rank."""

_FILES = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv", "qrels/dev.tsv", "qrels/train.tsv", "qrels.tsv")

Listing = dict[str, list[tuple[str, float]]]
"""Query id -> (document id, grade or score), in the file's order."""


def read_collection(files: Sequence[tuple[str, bytes]]) -> Loaded:
    """Read a corpus and queries (JSON Lines with `_id` and `text`), and perhaps qrels or a run, by name and content.

    The candidates of a query are the documents that qrels (`query-id corpus-id score` under that
    header, or TREC's four columns) or a TREC run (six columns) name for it: those of qrels in the
    order of the corpus with their grade in the metadata, those of a run by score. Without either
    they are the whole corpus. Raises FormatError, whose message starts with the file's name.
    """
    lists = [item for item in files if _is_list(item[0])]
    texts = [item for item in files if item not in lists]
    queries = [item for item in texts if "quer" in PurePath(item[0]).name.lower()]
    corpora = [item for item in texts if item not in queries]
    if len(queries) != 1 or len(corpora) != 1 or len(lists) > 1:
        raise FormatError(
            "several files at once are read as one collection: a corpus, one file with 'queries' in its name, "
            "and perhaps one with qrels or a run (.tsv, .qrels, .trec, .run). Otherwise keep one of them"
        )
    corpus = {_id(document, at, corpora[0][0]): document for at, document in enumerate(_documents(*corpora[0]), 1)}
    asked = {_id(document, at, queries[0][0]): document.text for at, document in enumerate(_documents(*queries[0]), 1)}
    notes = [f"{len(corpus):,} documents in the corpus, {len(asked):,} queries."]
    if not lists:
        if len(corpus) * len(asked) > MOST_PAIRS:
            raise FormatError(
                f"{len(asked):,} queries over {len(corpus):,} documents are more than {MOST_PAIRS:,} candidates: add "
                "qrels or a run that names the documents of each query, or take fewer queries"
            )
        whole = tuple(corpus.values())
        return Loaded(
            tuple(Input(text, whole) for text in asked.values()), (*notes, "Each query has the whole corpus.")
        )
    name, data = lists[0]
    try:
        listing, graded = _listing(decode(data), asked, corpus)
    except FormatError as error:
        error.name = name
        raise
    return Loaded(
        _inputs(listing, graded, asked, corpus), (*notes, f"The documents of each query are those in {name}.")
    )


def read_folder(folder: Path) -> Loaded:
    """Read a folder in BEIR's layout: corpus.jsonl, queries.jsonl and qrels. Raises FormatError, OSError."""
    found = [folder / name for name in _FILES if (folder / name).is_file()]
    missing = [name for name in _FILES[:2] if folder / name not in found]
    if missing:
        error = FormatError(f"there is no {' and no '.join(missing)} in this folder")
        error.name = folder.name
        raise error
    return read_collection([(path.name, path.read_bytes()) for path in found[:3]])


def _is_list(name: str) -> bool:
    return PurePath(name).suffix.lower() in {".tsv", ".qrels", ".trec", ".run", ".txt"}


def _documents(name: str, data: bytes) -> tuple[Document, ...]:
    return tuple(document for one in read(data, name).queries for document in one.documents)


def _id(document: Document, number: int, name: str) -> str:
    if document.id is None:
        error = FormatError(f"entry {number} has no '_id'")
        error.name = name
        raise error
    return document.id


def _listing(text: str, queries: Mapping[str, str], corpus: Mapping[str, Document]) -> tuple[Listing, bool]:
    """The documents per query, and whether their numbers are grades (else scores). Raises FormatError."""
    found: Listing = {}
    graded = True
    for number, line in enumerate(text.split("\n"), start=1):
        cells = line.split()
        if not cells or (number == 1 and cells[0].casefold() == "query-id"):
            continue
        if len(cells) not in {3, 4, 6}:
            raise FormatError(f"the line has {len(cells)} columns; qrels have 3 or 4, a run has 6", line=number)
        graded = len(cells) != 6
        query, document = cells[0], cells[1] if len(cells) == 3 else cells[2]
        value = cells[{3: 2, 4: 3, 6: 4}[len(cells)]]
        try:
            grade = float(value)
        except ValueError as error:
            what = "rating" if graded else "score"
            raise FormatError(f"{what} '{value}' is not a number", line=number, column=line.rfind(value) + 1) from error
        for id, known, what in ((query, queries, "query"), (document, corpus, "document")):
            if id not in known:
                raise FormatError(f"there is no {what} '{id}'", line=number, column=line.find(id) + 1)
        found.setdefault(query, []).append((document, grade))
    if not found:
        raise FormatError("it names no documents")
    return found, graded


def _inputs(
    listing: Listing, graded: bool, queries: Mapping[str, str], corpus: Mapping[str, Document]
) -> tuple[Input, ...]:
    place = {id: at for at, id in enumerate(corpus)}
    inputs = []
    for query, text in queries.items():
        pairs = sorted(listing.get(query, ()), key=lambda pair: place[pair[0]] if graded else -pair[1])
        documents = [
            replace(corpus[id], metadata={**corpus[id].metadata, ("grade" if graded else "score"): _number(value)})
            for id, value in pairs
        ]
        if documents:
            inputs.append(Input(text, tuple(documents)))
    return tuple(inputs)


def _number(value: float) -> int | float:
    return int(value) if value.is_integer() else value
