"""Shapes of JSON that other tools write, told by their fields: where the documents are, and each as one record.

Elasticsearch and OpenSearch responses, LangChain and LlamaIndex documents, rank_llm requests
and Quepid books. What is not of these shapes passes unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reranking.formats.records import Misfit, kind_of

Path = tuple[int | str, ...]

_OF_PAIR = {"query_text", "doc_id", "position", "document_fields"}


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of documents in an object: the path to it, the path to its query, and the fields that are not used."""

    path: Path
    query: Path | None
    unused: tuple[str, ...] = ()


def listed(value: Any, query: str | None = "query") -> Listed | None:
    """Where an object keeps its documents, or None if it is no object that holds some.

    `query` names the field with the query, if there is one.
    """
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("hits"), Mapping) and "hits" in value["hits"]:
        return Listed(("hits", "hits"), None)
    for name in ("documents", "candidates", "query_doc_pairs"):
        if name in value and (name == "documents" or isinstance(value[name], list)):
            asked: Path | None = (query,) if query is not None and value.get(query) is not None else None
            if asked and isinstance(value[asked[0]], Mapping) and "text" in value[asked[0]]:
                asked = (asked[0], "text")
            return Listed((name,), asked, tuple(key for key in value if key not in {name, query}))
    return None


def flat(value: Any) -> Any:
    """A document of a known shape as one record of named fields; anything else as it is. Raises Misfit."""
    if not isinstance(value, Mapping):
        return value
    if isinstance(value.get("node"), Mapping):
        return _llama_index(value)
    if isinstance(value.get("kwargs"), Mapping) and "page_content" in value["kwargs"]:
        return value["kwargs"]
    if "_source" in value or ("_id" in value and isinstance(value.get("fields"), Mapping)):
        return _hit(value)
    if "document_fields" in value:
        return _pair(value)
    if isinstance(value.get("doc"), Mapping):
        return _with_id(_dotted(value["doc"]), value.get("docid"), value.get("score"))
    return value


def _hit(value: Mapping[str, Any]) -> dict[str, Any]:
    """A hit of a search response: its source, or the fields that were asked for."""
    source = value.get("_source")
    if not isinstance(source, Mapping):
        source = value.get("fields")
        if not isinstance(source, Mapping):
            raise Misfit("holds no '_source': have the search engine return the text")
        source = {name: item[0] if isinstance(item, list) and len(item) == 1 else item for name, item in source.items()}
    return _with_id(_dotted(source), value.get("_id"), value.get("_score"))


def _pair(value: Mapping[str, Any]) -> dict[str, Any]:
    """A query-document pair of a Quepid book, without its judgements."""
    fields = value["document_fields"]
    if isinstance(fields, str):
        try:
            fields = json.loads(fields)
        except ValueError as error:
            raise Misfit("has 'document_fields' that are not JSON") from error
    if not isinstance(fields, Mapping):
        raise Misfit(f"has {kind_of(fields)} as 'document_fields', not an object")
    return _with_id(_dotted(fields), value.get("doc_id"), None)


def _llama_index(value: Mapping[str, Any]) -> dict[str, Any]:
    """A LlamaIndex node with its score: text, id and metadata, without what the library keeps for itself."""
    node = value["node"]
    resource = node.get("text_resource")
    text = node.get("text", resource.get("text") if isinstance(resource, Mapping) else None)
    if text is None:
        raise Misfit("has no text: its 'node' needs a field named 'text'")
    about = node.get("metadata")
    record = {"text": text, "metadata": about if isinstance(about, Mapping) else {}}
    return _with_id(
        record, next((node[name] for name in ("id_", "node_id", "id") if node.get(name)), None), value.get("score")
    )


def _with_id(record: dict[str, Any], id: Any, score: Any) -> dict[str, Any]:
    """The record under the id and score that stand around it; its own fields of those names move aside."""
    if id is not None:
        own = record.pop("id", id)
        record = {"id": id, **record, **({} if own == id else {"document.id": own})}
    if score is not None:
        record["score" if "score" not in record else "retrieval score"] = score
    return record


def _dotted(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields, those of objects inside it under names such as `body.text`."""
    return dict(_pairs(value, ""))


def _pairs(value: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for name, item in value.items():
        if isinstance(item, Mapping) and item and name != "metadata":
            yield from _pairs(item, f"{before}{name}.")
        else:
            yield f"{before}{name}", item


def of_book(pairs: list[Any]) -> dict[str, list[int]] | None:
    """The places of a Quepid book's pairs by query, each query's by position where all have one; None if it is none.

    Raises Misfit if a pair has no query.
    """
    if not pairs or not all(isinstance(pair, Mapping) and _OF_PAIR & set(pair) for pair in pairs):
        return None
    groups: dict[str, list[int]] = {}
    for at, pair in enumerate(pairs):
        query = pair.get("query_text")
        if not isinstance(query, str):
            raise Misfit("has no 'query_text'", at)
        groups.setdefault(query, []).append(at)
    for places in groups.values():
        if all(isinstance(pairs[at].get("position"), int) for at in places):
            places.sort(key=lambda at: pairs[at]["position"])
    return groups
