"""How rerank endpoints are asked, and how their replies are read (pure).

The protocol is Cohere's; servers differ in what they call the texts and the limit, and in where
they put the scores. Every text must come back with a score: all are asked for, none is made up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reranking.providers.prices import Tokens


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a request is worded: the name of the texts, that of their number, and what is always sent.

    `says_model` is False where a server has one model and takes no name.
    """

    texts: str
    limit: str | None
    says_model: bool = True
    always: Mapping[str, Any] = field(default_factory=dict)

    def parameters(self, model: str, count: int) -> dict[str, Any]:
        """What is sent besides the query and the `count` texts."""
        named = {"model": model} if self.says_model else {}
        asked = {self.limit: count} if self.limit is not None else {}
        return {**named, **asked, **self.always}


COHERE = Dialect("documents", "top_n")
"""Cohere v1 and v2, vLLM, infinity, the LiteLLM proxy and most others."""

JINA = Dialect("documents", "top_n", always={"return_documents": False})
"""As Cohere's, but the documents come back unless one says no."""

VOYAGE = Dialect("documents", "top_k")

TEI = Dialect("texts", None, says_model=False, always={"truncate": True, "raw_scores": False})
"""Text Embeddings Inference; it refuses texts that are too long unless it may truncate."""


class UnreadableReplyError(ValueError):
    """A reply does not hold one score for each text; the message says what is wrong with it."""


def read_scores(body: Any, count: int) -> tuple[float, ...]:
    """The scores of the `count` texts that were sent, in their order.

    Reads a list of results, or the list under `results` or `data`, each with an `index` and a
    `relevance_score` or `score`. Raises UnreadableReplyError unless each text has exactly one.
    """
    scores: dict[int, float] = {}
    for entry in _results(body):
        index = entry.get("index") if isinstance(entry, Mapping) else None
        if not isinstance(index, int) or isinstance(index, bool):
            raise UnreadableReplyError("a result without an index")
        if not 0 <= index < count:
            raise UnreadableReplyError(f"a score for the index {index}, which was not sent")
        if index in scores:
            raise UnreadableReplyError(f"more than one score for document {index + 1}")
        scores[index] = _score(entry, index)
    missing = [index + 1 for index in range(count) if index not in scores]
    if missing:
        named = ", ".join(map(str, missing[:5])) + (", …" if len(missing) > 5 else "")
        raise UnreadableReplyError(f"no score for {len(missing)} of {count} documents ({named})")
    return tuple(scores[index] for index in range(count))


def read_tokens(body: Any) -> Tokens:
    """The tokens that a reply states, in the usage of OpenAI's kind or the meta data of Cohere's.

    A reranker writes nothing, so its output is 0 tokens.
    """
    usage = _mapping(_mapping(body).get("usage"))
    counted = _mapping(_mapping(_mapping(body).get("meta")).get("tokens"))
    for value in (usage.get("prompt_tokens"), usage.get("total_tokens"), counted.get("input_tokens")):
        # Some servers state 0 prompt tokens beside a total.
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 and math.isfinite(value):
            return Tokens(input=int(value), output=0)
    return Tokens(output=0)


def read_model(body: Any) -> str | None:
    """The model that answered, if the reply says so."""
    name = _mapping(body).get("model")
    return name if isinstance(name, str) and name else None


def _results(body: Any) -> Sequence[Any]:
    if isinstance(body, list):
        return body
    for name in ("results", "data"):
        found = _mapping(body).get(name)
        if isinstance(found, list):
            return found
    raise UnreadableReplyError("no list of results")


def _score(entry: Mapping[str, Any], index: int) -> float:
    value = entry.get("relevance_score", entry.get("score"))
    try:
        score = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        score = math.nan
    if not math.isfinite(score):
        raise UnreadableReplyError(f"a score of document {index + 1} that is no number")
    return score


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
