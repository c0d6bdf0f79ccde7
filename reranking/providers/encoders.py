"""Encoders of sentence-transformers in this process: vectors, token vectors and scores of pairs.

On a CPU every text is read alone: batches are not faster there, and a text's numbers are the same
bits whatever it is asked with. A GPU reads batches, which may change the last digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, Literal

import numpy as np

from reranking.models import ModelError
from reranking.providers.local import Handler, go_on, loading, spare_a_core
from reranking.replies import Receipt, Scores, TokenVectors, Vector, Vectors
from reranking.requests import Embed, EmbedTokens, Request, Score

GPU_BATCH = 32

Role = Literal["query", "document"]


class Encoder:
    """A loaded bi-encoder (`SentenceTransformer`) or late-interaction model (`MultiVectorEncoder`). For one thread.

    Vectors are float32 with length 1. The prompts that a model defines for queries and documents are used.
    """

    def __init__(self, model: Any, *, late: bool) -> None:
        self.model = model
        self.late = late

    def embed(self, request: Embed, unwanted: Event) -> Vectors:
        """One vector per text."""
        vectors = tuple(_unit(item["sentence_embedding"]) for item in self._read(request.texts, request.role, unwanted))
        sizes = self._sizes(request.texts, request.role)
        return Vectors(vectors=vectors, cut=_cut(sizes), receipt=_receipt(sizes))

    def embed_tokens(self, request: EmbedTokens, unwanted: Event) -> TokenVectors:
        """One vector per token of each text.

        Of a late-interaction model, those that it scores with. Of a bi-encoder, those of the text's
        own tokens: its control tokens ([CLS], [SEP]) stand for the whole text and match each
        other in every document, and so would the words of its prompt.
        """
        tokens, vectors = [], []
        for item in self._read(request.texts, request.role, unwanted):
            kept = item["attention_mask"].bool()
            if not self.late:
                kept &= self._own(item)
            tokens.append(self._names(item, kept))
            vectors.append(_unit(item["token_embeddings"][kept]))
        sizes = self._sizes(request.texts, request.role)
        return TokenVectors(
            tokens=tuple(tokens),
            vectors=tuple(vectors),
            cut=_cut(sizes),
            fallback=not self.late,
            receipt=_receipt(sizes),
        )

    def _read(self, texts: Sequence[str], role: Role, unwanted: Event) -> Iterator[dict[str, Any]]:
        """What the model gives for each text: `token_embeddings` and, of a bi-encoder, `sentence_embedding`."""
        encode = self.model.encode_query if role == "query" else self.model.encode_document
        for part in _batches(texts, self.model):
            go_on(unwanted)
            yield from encode(part, batch_size=len(part), output_value=None, show_progress_bar=False)

    def _own(self, item: Mapping[str, Any]) -> Any:
        """Which positions hold a token of the text itself."""
        special = set(self.model.tokenizer.all_special_ids)
        mask = item["attention_mask"]
        own = mask.new_tensor([int(token) not in special for token in item["input_ids"]]).bool()
        start = int(mask.int().argmax())
        own[start : start + int(item.get("prompt_length", 0))] = False
        return own

    def _names(self, item: Mapping[str, Any], kept: Any) -> tuple[str, ...]:
        """The tokens whose vectors are `kept`, as text."""
        if len(kept) != len(item["input_ids"]):
            # The model merges the vectors of similar tokens, and does not tell which.
            return tuple(f"merged {number}" for number in range(1, int(kept.sum()) + 1))
        ids = item["input_ids"][kept].tolist()
        return tuple(self.model.tokenizer.decode([token]).strip() for token in ids)

    def _sizes(self, texts: Sequence[str], role: Role) -> list[Size]:
        names = ("query",) if role == "query" else ("document", "passage", "corpus")
        prompt = next((self.model.prompts[name] for name in names if name in self.model.prompts), None)
        return [_size(self.model, text, prompt=prompt, task=role) for text in texts]


class PairScorer:
    """A loaded cross-encoder: a classifier, or a language model with a chat template for pairs. For one thread.

    Scores are the model's logits (of a language model, the log-odds of its "yes"), unless its own
    configuration names an activation to apply. Its own prompt, if it has one by default, is used.
    """

    def __init__(self, model: Any, activation: str | None) -> None:
        self.model = model
        self.score_kind = _score_kind(activation)

    def score(self, request: Score, unwanted: Event) -> Scores:
        """One score per text, in float32 or better."""
        from torch import nn

        raw = self.model.activation_fn if self.score_kind == "score" else nn.Identity()
        scores: list[float] = []
        for part in _batches(request.texts, self.model):
            go_on(unwanted)
            found = self.model.predict(
                [(request.query, text) for text in part],
                batch_size=len(part),
                activation_fn=raw,
                show_progress_bar=False,
            )
            scores += [float(value) for value in found]
        if self.score_kind == "probability":
            # In float32 all logits above 17 would be the same 1.0.
            scores = [_sigmoid(score) for score in scores]
        prompt = self.model.prompts.get(self.model.default_prompt_name)
        sizes = [_size(self.model, (request.query, text), prompt=prompt) for text in request.texts]
        return Scores(scores=tuple(scores), score_kind=self.score_kind, cut=_cut(sizes), receipt=_receipt(sizes))


@dataclass(frozen=True, slots=True)
class Size:
    """How many tokens a model reads of a text, and how many the text has, both with prompt. None: unknown."""

    read: int | None
    whole: int | None


def _size(model: Any, text: str | tuple[str, str], **options: Any) -> Size:
    """Prepared as the model prepares it, once as usual and once uncut."""
    uncut = {"text": {"truncation": False, "verbose": False}}
    return Size(
        _count(model.preprocess([text], **options)),
        _count(model.preprocess([text], **options, processing_kwargs=uncut)),
    )


def _count(features: Mapping[str, Any]) -> int | None:
    """The tokens of one prepared text: without padding, and without those that a query is filled up with."""
    mask = features.get("attention_mask")
    if mask is None:
        return features["input_ids"].numel() if "input_ids" in features else None
    added = features.get("query_expansion_positions")
    return int((mask.bool() if added is None else mask.bool() & ~added.bool()).sum())


def _cut(sizes: Sequence[Size]) -> tuple[bool, ...]:
    return tuple(size.read != size.whole for size in sizes)


def _receipt(sizes: Sequence[Size]) -> Receipt:
    read = [size.read for size in sizes if size.read is not None]
    return Receipt(input_tokens=sum(read) if len(read) == len(sizes) else None, output_tokens=0)


def encoder_handlers(*, late: bool = False, tokens: bool = True) -> dict[type[Request], Handler]:
    """How an Encoder answers each kind of request; `tokens` tells whether it has token vectors."""
    found: dict[type[Request], Handler] = {} if late else {Embed: Encoder.embed}
    return {**found, EmbedTokens: Encoder.embed_tokens} if tokens else found


def scorer_handlers() -> dict[type[Request], Handler]:
    """How a PairScorer answers."""
    return {Score: PairScorer.score}


def load_encoder(name: str, folder: str, device: str | None = None, *, late: bool = False) -> Encoder:
    """Load a model folder, in float32. `device` None means a GPU if there is one. Raises ModelError."""
    import torch
    from sentence_transformers import MultiVectorEncoder, SentenceTransformer

    spare_a_core()
    kind = MultiVectorEncoder if late else SentenceTransformer
    with loading(name):
        return Encoder(kind(folder, device=device, local_files_only=True, model_kwargs=_precise(torch)), late=late)


def load_scorer(name: str, folder: str, activation: str | None) -> PairScorer:
    """Load a cross-encoder's folder, in float32. `activation` is what its configuration names, or None.

    Raises ModelError, `cannot-answer` if it gives more than one number per pair.
    """
    import torch
    from sentence_transformers import CrossEncoder

    spare_a_core()
    with loading(name):
        model = CrossEncoder(folder, local_files_only=True, model_kwargs=_precise(torch))
        model.preprocess([("query", "text")])  # a chat template that has no place for a pair shows itself here
    check_labels(name, model.num_labels)
    return PairScorer(model, activation)


def check_labels(name: str, labels: int) -> None:
    """Raise `cannot-answer` unless the model gives one number per pair."""
    if labels != 1:
        raise ModelError(
            "cannot-answer", f"{name} sorts pairs into {labels} classes; a reranker gives one score. Choose another."
        )


def _precise(torch: Any) -> dict[str, Any]:
    return {"dtype": torch.float32}


def _batches(texts: Sequence[str], model: Any) -> Iterator[list[str]]:
    size = 1 if model.device.type == "cpu" else GPU_BATCH
    for start in range(0, len(texts), size):
        yield list(texts[start : start + size])


def _unit(rows: Any) -> Vector:
    """The rows (or the one row) as float32 with length 1; a row of zeros stays zero."""
    values = np.asarray(rows.cpu(), dtype=np.float64)
    lengths = np.linalg.norm(values, axis=-1, keepdims=True)
    found: Vector = np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0).astype(np.float32)
    return found


def _score_kind(activation: str | None) -> str:
    name = (activation or "").rpartition(".")[2]
    if not (activation or "").startswith("torch."):
        return "logit"
    return {"Identity": "logit", "Sigmoid": "probability"}.get(name, "score")


def _sigmoid(logit: float) -> float:
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    return math.exp(logit) / (1 + math.exp(logit))
