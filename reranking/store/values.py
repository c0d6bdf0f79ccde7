"""Values as JSON text and back, equal to what they were.

JSON has no tuples, no keys but strings and no dataclasses. Where a value has one, an object
with a `$type` stands in its place; everything else is plain JSON, for other tools to read.
Candidates are written as their position: the document itself is in the candidate list.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from reranking.documents import Candidate, Document
from reranking.ranking import Choice, Contribution, Diagnostic, Explanation, Item, Quote, Ranking, Usage
from reranking.replies import Reply, reply_from_json, reply_to_json
from reranking.store.database import StoreError

TYPE = "$type"

CLASSES: dict[str, type[Any]] = {
    cls.__name__: cls for cls in (Ranking, Item, Explanation, Quote, Contribution, Choice, Diagnostic, Usage, Document)
}

# The fields that are declared as tuples; in JSON they are plain arrays.
_TUPLES = {
    name: frozenset(field.name for field in fields(cls) if str(field.type).startswith("tuple"))
    for name, cls in CLASSES.items()
}


def to_text(value: Any, documents: Sequence[Document] = ()) -> str:
    """`value` as JSON text; `from_text` gives an equal value back.

    Takes None, numbers, strings, lists, tuples, mappings, rankings and their parts. Candidates
    of `documents` are written as their position. A lone surrogate is kept, but one that
    follows another becomes one character with it. Raises StoreError for any other type.
    """
    return _dumps(_pack(value, documents))


def from_text(text: str, documents: Sequence[Document] = ()) -> Any:
    """The value that `to_text` wrote, given the same documents."""
    if TYPE not in text:
        return json.loads(text)
    return json.loads(text, object_hook=lambda value: _unpack(value, documents))


def plain_text(value: Any) -> str:
    """What is JSON already, as text: faster than `to_text`, but a tuple comes back as a list.

    Takes no NaN or infinity (ValueError). Anything that JSON cannot say becomes its `str`.
    """
    return _dumps(value)


def reply_to_text(reply: Reply) -> str:
    """A reply as JSON text; `reply_from_text` gives an equal reply back."""
    value = reply_to_json(reply)
    try:
        text = plain_text(value)
    except ValueError:  # a log-probability of minus infinity
        return to_text(value)
    return to_text(value) if f'"{TYPE}"' in text else text


def reply_from_text(text: str) -> Reply:
    """The reply that `reply_to_text` wrote."""
    return reply_from_json(from_text(text))


def storable(text: str, what: str) -> str:
    """`text`, if a text column can hold it. Raises StoreError, naming `what`, for a lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise StoreError(
            f"{what} is not valid text: character {error.start + 1} is half of a surrogate pair. "
            "Remove or replace it and try again."
        ) from error
    return text


def nfc(query: str) -> str:
    """The query as judgments name it."""
    return unicodedata.normalize("NFC", query)


def legible(text: str) -> str:
    r"""`text` with lone surrogates written as `\udXXX`: for records that must never be refused."""
    return text.encode("utf-8", "backslashreplace").decode()


def _dumps(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, allow_nan=False, separators=(",", ":"), default=str)
    return text


def _pack(value: Any, documents: Sequence[Document]) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.generic):
        return _pack(value.item(), documents)
    if isinstance(value, float):
        return value if math.isfinite(value) else {TYPE: "float", "value": str(value)}
    if isinstance(value, Candidate):
        return _pack_candidate(value, documents)
    name = type(value).__name__
    if CLASSES.get(name) is type(value):
        tuples = _TUPLES[name]
        packed = {TYPE: name}
        for field in fields(value):
            item = getattr(value, field.name)
            plain = field.name in tuples and isinstance(item, tuple)
            packed[field.name] = _pack(list(item) if plain else item, documents)
        return packed
    if isinstance(value, list):
        return [_pack(item, documents) for item in value]
    if isinstance(value, tuple):
        return {TYPE: "tuple", "items": [_pack(item, documents) for item in value]}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and key != TYPE for key in value):
            return {key: _pack(item, documents) for key, item in value.items()}
        return {TYPE: "map", "items": [[_pack(part, documents) for part in item] for item in value.items()]}
    raise StoreError(f"Cannot store a value of the type '{name}'. Use text, numbers, lists or mappings.")


def _pack_candidate(candidate: Candidate, documents: Sequence[Document]) -> dict[str, Any]:
    packed: dict[str, Any] = {TYPE: "Candidate", "index": candidate.index}
    if not (candidate.index < len(documents) and documents[candidate.index] == candidate.document):
        packed["document"] = _pack(candidate.document, documents)
    return packed


def _unpack(value: dict[str, Any], documents: Sequence[Document]) -> Any:
    name = value.pop(TYPE, None)
    if name is None:
        return value
    if name == "tuple":
        return tuple(value["items"])
    if name == "map":
        return dict(value["items"])
    if name == "float":
        return float(value["value"])
    if name == "Candidate":
        index = value["index"]
        return Candidate(index, value["document"] if "document" in value else documents[index])
    cls = CLASSES[name]
    for field in _TUPLES[name]:
        if isinstance(value.get(field), list):
            value[field] = tuple(value[field])
    return cls(**value)
