"""How rerank endpoints are asked, and how their replies are read (pure).

The protocol is Cohere's; servers differ in what they call the texts and the limit, and in where
they put the scores. All scores are asked for, and none is made up.
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


DIALECTS = {"cohere": COHERE, "jina": JINA, "voyage": VOYAGE, "tei": TEI}
"""What the dialects are called."""


class UnreadableReplyError(ValueError):
    """A reply does not tell which score is whose, or holds none; the message says what is wrong with it."""


def read_scores(body: Any, count: int) -> tuple[float, ...]:
    """The scores of the `count` texts that were sent, in their order; NaN where a text has none.

    Reads a list of results, or the list under `results` or `data`, each with an `index` and a
    `relevance_score` or `score`. Raises UnreadableReplyError where an index is repeated or was not
    sent, and if no text has a score.
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
        scores[index] = _score(entry)
    if all(math.isnan(score) for score in scores.values()):
        raise UnreadableReplyError(f"no score for any of {count} documents")
    return tuple(scores.get(index, math.nan) for index in range(count))


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


def _score(entry: Mapping[str, Any]) -> float:
    """The score of a result; NaN for anything that is no finite number."""
    value = entry.get("relevance_score", entry.get("score"))
    try:
        score = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        score = math.nan
    return score if math.isfinite(score) else math.nan


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
