"""Encoders of sentence-transformers in this process: vectors, token vectors and scores of pairs.

On a CPU every text is read alone: batches are not faster there, and a text's numbers are the same
bits whatever it is asked with. A GPU reads batches, which may change the last digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
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
        return Vectors(vectors=vectors, cut=self._cut(sizes, request.role), receipt=self._receipt(sizes, request.role))

    def embed_tokens(self, request: EmbedTokens, unwanted: Event) -> TokenVectors:
        """One vector per token of each text.

        Of a late-interaction model, those that it scores with. Of a bi-encoder, those of the text's
        own tokens: its control tokens ([CLS], [SEP]) stand for the whole text and match each
        other in every document.
        """
        tokens, vectors = [], []
        for item in self._read(request.texts, request.role, unwanted):
            kept = item["attention_mask"].bool()
            if not self.late:
                special = set(self.model.tokenizer.all_special_ids)
                kept &= kept.new_tensor([int(token) not in special for token in item["input_ids"]])
            ids = item["input_ids"][kept].tolist()
            tokens.append(tuple(self.model.tokenizer.decode([token]).strip() for token in ids))
            vectors.append(_unit(item["token_embeddings"][kept]))
        sizes = self._sizes(request.texts, request.role)
        return TokenVectors(
            tokens=tuple(tokens),
            vectors=tuple(vectors),
            cut=self._cut(sizes, request.role),
            fallback=not self.late,
            receipt=self._receipt(sizes, request.role),
        )

    def _read(self, texts: Sequence[str], role: Role, unwanted: Event) -> Iterator[dict[str, Any]]:
        """What the model gives for each text: `token_embeddings` and, of a bi-encoder, `sentence_embedding`."""
        encode = self.model.encode_query if role == "query" else self.model.encode_document
        for part in _batches(texts, self.model):
            go_on(unwanted)
            yield from encode(part, batch_size=len(part), output_value=None, show_progress_bar=False)

    def _sizes(self, texts: Sequence[str], role: Role) -> list[int]:
        """Tokens of each text with its prompt, before any are cut off."""
        names = ("query",) if role == "query" else ("document", "passage", "corpus")
        prompt = next((self.model.prompts[name] for name in names if self.model.prompts.get(name)), "")
        return [_count(self.model.tokenizer, prompt + text) for text in texts]

    def _limit(self, role: Role) -> float:
        """Tokens that the model reads of a text."""
        first = self.model[0]
        own = getattr(first, f"{role}_length", None)
        expansion = getattr(first, "query_expansion", None) if role == "query" else None
        if expansion is not None:
            own = max(own or 0, expansion["length"])
        return own or self.model.max_seq_length or math.inf

    def _cut(self, sizes: Sequence[int], role: Role) -> tuple[bool, ...]:
        return tuple(size > self._limit(role) for size in sizes)

    def _receipt(self, sizes: Sequence[int], role: Role) -> Receipt:
        return Receipt(input_tokens=int(sum(min(size, self._limit(role)) for size in sizes)), output_tokens=0)


class PairScorer:
    """A loaded cross-encoder. For one thread.

    Scores are the model's logits, unless its own configuration names an activation to apply.
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
        sizes = [self._size(request.query, text) for text in request.texts]
        limit = self.model.max_seq_length or math.inf
        return Scores(
            scores=tuple(scores),
            score_kind=self.score_kind,
            cut=tuple(size > limit for size in sizes),
            receipt=Receipt(input_tokens=int(sum(min(size, limit) for size in sizes)), output_tokens=0),
        )

    def _size(self, query: str, text: str) -> int:
        """Tokens of the pair, before any are cut off."""
        uncut = {"text": {"truncation": False}}
        features = self.model.preprocess([(query, text)], processing_kwargs=uncut)
        return int(features["attention_mask"].sum())


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


def _count(tokenizer: Any, text: str) -> int:
    if callable(tokenizer):
        return len(tokenizer(text, verbose=False)["input_ids"])
    return len(tokenizer.encode(text).ids)


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
