"""A causal language model that reads tokens, and keeps what it knows of beginnings that come back.

Prompts of one strategy begin alike (instructions, query, often a passage). A prompt is read in
pieces that end at its first blank lines, and the state after each piece is kept. Where a prompt
is cut depends on nothing but the prompt, and it is read alone: its reply is the same bits whatever
was asked before or is asked beside it.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

SHORTEST_PIECE = 48
"""Tokens: a pass has a fixed cost, so shorter pieces would cost more than they save."""

SHORTEST_REST = 64

MOST_CUTS = 3

ROOM = 256 * 2**20
"""Bytes of kept states; the least recently used go first."""

_WHOLE = -1
"""Begins the key of a state that was read in one piece: in its last digits it is not the one read in several."""


def cuts(pieces: Sequence[str]) -> tuple[int, ...]:
    """Where to cut a prompt, given the text of each of its tokens: positions after its first blank lines.

    Whether there is a cut depends on what comes before it, and on enough tokens coming after it,
    so prompts that begin alike are cut alike.
    """
    found: list[int] = []
    start, newlines = 0, 0
    for at, piece in enumerate(pieces, start=1):
        stripped = piece.rstrip("\n")
        trailing = len(piece) - len(stripped)
        newlines = newlines + trailing if not stripped else trailing
        if newlines >= 2 and at - start >= SHORTEST_PIECE and len(pieces) - at >= SHORTEST_REST:
            found.append(at)
            start = at
            if len(found) == MOST_CUTS:
                break
    return tuple(found)


class Reader:
    """Reads tokens with a causal model of transformers. For one thread."""

    def __init__(self, model: Any) -> None:
        from transformers import DynamicCache
        from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

        self.model = model
        self._kept: OrderedDict[tuple[int, ...], tuple[Any, int]] = OrderedDict()
        self._size = 0
        kinds = {type(layer) for layer in self._fresh(DynamicCache).layers}
        # States of sliding windows are used up by what is read next, those of recurrent layers cannot be continued.
        self._plain = kinds <= {DynamicLayer}
        self.continues = kinds <= {DynamicLayer, DynamicSlidingWindowLayer}

    def read(self, tokens: Sequence[int], cut: Sequence[int] = (), keep: int = 1) -> tuple[Tensor, Any]:
        """Log-probabilities (keep, vocabulary) of what follows each of the last `keep` tokens, and the state.

        They are float64. `cut` are the positions that `cuts` gives; those among the last `keep` tokens are not used.
        """
        ids = tuple(tokens)
        ends = [at for at in cut if at <= len(ids) - keep] if self._plain else []
        start, state = 0, None
        for at in reversed(ends):
            if ids[:at] in self._kept:
                self._kept.move_to_end(ids[:at])
                start, state = at, _copied(self._kept[ids[:at]][0])
                break
        for end in ends:
            if end > start:
                state = self._pass(self.model.base_model, ids[start:end], state).past_key_values
                self._keep(ids[:end], state)
                state, start = _copied(state), end
        result = self._pass(self.model, ids[start:], state, logits_to_keep=keep)
        return _log_probabilities(result.logits[0]), result.past_key_values

    def follow(self, before: Sequence[int], state: Any, tokens: Sequence[int]) -> Tensor:
        """Log-probabilities (tokens, vocabulary) of what follows each of `tokens`, read after `before`.

        `state` is the one after `before`; it stays as it is.
        """
        if not self._plain:
            return self.read([*before, *tokens], keep=len(tokens))[0]
        result = self._pass(self.model, tokens, _copied(state), logits_to_keep=len(tokens))
        return _log_probabilities(result.logits[0])

    def state(self, tokens: Sequence[int]) -> Any:
        """The state after `tokens`, read in one piece and kept for prompts that begin with them. It may be used up.

        Only for models that continue (`continues`).
        """
        ids = tuple(tokens)
        key = (_WHOLE, *ids)
        if key in self._kept:
            self._kept.move_to_end(key)
            return _copied(self._kept[key][0])
        state = self._pass(self.model.base_model, ids, None).past_key_values
        if not self._plain:
            return state
        self._keep(key, state)
        return _copied(state)

    def next(self, token: int, state: Any) -> tuple[Tensor, Any]:
        """Logits (vocabulary,) of what follows `token`, and the state after it; `state` is used up."""
        result = self._pass(self.model, [token], state, logits_to_keep=1)
        return result.logits[0, -1].float(), result.past_key_values

    def _pass(self, model: Any, tokens: Sequence[int], state: Any, **options: Any) -> Any:
        import torch

        with torch.inference_mode():
            ids = torch.tensor([list(tokens)], device=self.model.device)
            return model(input_ids=ids, past_key_values=state, use_cache=True, **options)

    def _fresh(self, kind: Any) -> Any:
        return kind(config=self.model.config)

    def _keep(self, tokens: tuple[int, ...], state: Any) -> None:
        size = sum(part.nbytes for layer in state.layers for part in (layer.keys, layer.values))
        self._kept[tokens] = (state, size)
        self._size += size
        while self._size > ROOM:
            _, (_, freed) = self._kept.popitem(last=False)
            self._size -= freed


def _copied(state: Any) -> Any:
    """The state with layers of its own. Their tensors are shared: a plain layer replaces them as it grows."""
    copied = copy.copy(state)
    copied.layers = [copy.copy(layer) for layer in state.layers]
    return copied


def _log_probabilities(logits: Tensor) -> Tensor:
    return logits.double().log_softmax(-1)
