"""What a causal model of transformers attends to: from the tokens of a query to those of passages, per head.

Only the rows of the query's tokens are wanted. The passages above it are read as always, and
kept for the next query; the rest is read with plain (eager) attention, and each layer's weights
are reduced to a mean over the query before the next layer is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np

from reranking.models import ModelError
from reranking.providers.local import go_on
from reranking.replies import Vector

if TYPE_CHECKING:
    from reranking.providers.reading import Reader
    from reranking.requests import Piece

Heads = tuple[tuple[int, int], ...]

_Watched = tuple[Any, int, int]
"""A module that computes attention, its layer, and where its output holds the weights."""


@dataclass(frozen=True)
class Marked:
    """The tokens of a prompt, and the positions of those that belong to each passage and to the query."""

    tokens: tuple[int, ...]
    passages: tuple[tuple[int, ...], ...]
    query: tuple[int, ...]

    @property
    def read(self) -> int:
        """How many tokens must be read: up to the last one of the query."""
        return self.query[-1] + 1

    @property
    def above(self) -> int:
        """How many tokens other queries have in common: up to the last one of a passage above the query."""
        return max((own[-1] + 1 for own in self.passages if own and own[-1] < self.query[0]), default=0)


def mark(name: str, tokenizer: Any, before: Sequence[int], pieces: Sequence[Piece]) -> Marked:
    """The prompt of the tokens `before` and of all `pieces`, read as one text without control tokens.

    A token that reaches into two pieces belongs to that of its first character that is no space.
    Raises ModelError: `bad-request` without a query, `cannot-answer` if tokens cannot be located.
    """
    if not tokenizer.is_fast:
        raise ModelError("cannot-answer", f"{name} does not tell where its tokens stand in a text. Choose another.")
    text = "".join(piece.text for piece in pieces)
    found = tokenizer(
        text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True, verbose=False
    )
    ends = np.cumsum([len(piece.text) for piece in pieces])
    members: list[list[int]] = [[] for _ in pieces]
    for at, (start, end) in enumerate(found["offset_mapping"], start=len(before)):
        if start < end:
            blank = len(text[start:end]) - len(text[start:end].lstrip())
            first = start + blank if start + blank < end else start
            members[int(np.searchsorted(ends, first, side="right"))].append(at)
    query = [at for piece, own in zip(pieces, members, strict=True) if piece.label == "query" for at in own]
    if not query:
        raise ModelError("bad-request", "The query has no words that could attend to a document. Write a query.")
    passages = tuple(tuple(own) for piece, own in zip(pieces, members, strict=True) if piece.label == "passage")
    return Marked((*before, *(int(token) for token in found["input_ids"])), passages, tuple(query))


def attention(name: str, reader: Reader, prompt: Marked, unwanted: Event) -> tuple[tuple[Vector, ...], Heads]:
    """Mean attention of the query's tokens to each passage token (heads, tokens), and what the heads are.

    What stands behind the query gets none. Raises ModelError (`cannot-answer`) for a model that
    does not show its attention.
    """
    import torch

    model = reader.model.base_model
    watched = _watched(name, model)
    wanted = [at for own in prompt.passages for at in own]
    start = prompt.above if reader.continues else 0
    rows = [at - start for at in prompt.query]
    found: list[Vector] = []
    heads: list[tuple[int, int]] = []

    def reduce(layer: int, weights: Any) -> None:
        if weights is None:
            raise _hidden(name)
        # A layer with a sliding window holds only the last tokens: the others get no attention.
        seen = weights[0][:, rows].float().mean(1).cpu().numpy()
        whole = np.zeros((len(seen), len(prompt.tokens)), np.float32)
        whole[:, prompt.read - seen.shape[1] : prompt.read] = seen
        found.append(whole[:, wanted])
        heads.extend((layer, head) for head in range(len(seen)))

    with _hooks(watched, lambda: go_on(unwanted), None):
        state = reader.state(prompt.tokens[:start]) if start else None
    with torch.inference_mode(), _eager(reader.model), _hooks(watched, lambda: go_on(unwanted), reduce):
        ids = torch.tensor([prompt.tokens[start : prompt.read]], device=reader.model.device)
        model(input_ids=ids, past_key_values=state, use_cache=state is not None)
    ends = np.cumsum([len(own) for own in prompt.passages])
    table = np.concatenate(found)
    return tuple(part.copy() for part in np.split(table, ends[:-1], axis=1)) if len(ends) else (), tuple(heads)


def _watched(name: str, model: Any) -> list[_Watched]:
    """The modules of `model` that its class names as giving attention, in reading order."""
    named = (getattr(model, "_can_record_outputs", None) or {}).get("attentions") or ()
    found: list[_Watched] = []
    for entry in named if isinstance(named, list | tuple) else (named,):
        cls, place, part = getattr(entry, "target_class", entry), getattr(entry, "index", 1), _path(entry)
        for path, module in model.named_modules():
            if isinstance(cls, type) and isinstance(module, cls) and part in f".{path}.":
                layer = getattr(module, "layer_idx", None)
                found.append((module, len(found) if layer is None else int(layer), place))
    if not found:
        raise _hidden(name)
    return found


def _path(entry: Any) -> str:
    """The part of a module's path that a class asks for, between dots; empty if it asks for none."""
    part = getattr(entry, "layer_name", None)
    return f".{part.strip('.')}." if part else ""


@contextmanager
def _hooks(
    watched: Sequence[_Watched], before: Callable[[], None], after: Callable[[int, Any], None] | None
) -> Iterator[None]:
    """Call `before` as each module is reached, and `after` with its layer and weights when it is done."""

    def hook(layer: int, place: int) -> Callable[..., None]:
        def done(module: Any, args: Any, output: Any) -> None:
            if after is not None:
                after(layer, output[place] if isinstance(output, tuple) and len(output) > place else None)

        return done

    handles = [module.register_forward_pre_hook(lambda *_: before()) for module, _, _ in watched]
    handles += [module.register_forward_hook(hook(layer, place)) for module, layer, place in watched]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _eager(model: Any) -> Iterator[None]:
    """Let `model` compute attention in the way that shows it, as long as the block lasts."""
    usual = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(usual)


def _hidden(name: str) -> ModelError:
    return ModelError("cannot-answer", f"{name} does not show its attention. Choose another model.")
