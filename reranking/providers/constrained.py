"""Which tokens may come next so that a text keeps to a JSON schema."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reranking.models import ModelError

if TYPE_CHECKING:
    from torch import Tensor


class Schemas:
    """JSON schemas for the tokens of one model; `stops` are the tokens that end a text."""

    def __init__(self, name: str, tokenizer: Any, vocabulary: int, stops: Iterable[int]) -> None:
        self.name = name
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._stops = sorted(stops)

    def begin(self, schema: str) -> Constraint:
        """What may be written under `schema`. Raises ModelError: `not-installed` or `bad-request`."""
        try:
            import xgrammar
        except ImportError as error:
            raise ModelError(
                "not-installed", f"{self.name} needs xgrammar to write JSON. Run: pip install xgrammar"
            ) from error
        try:
            # Free white space would let a weak model write nothing else.
            grammar = self._compiler.compile_json_schema(schema, any_whitespace=False)
        except (RuntimeError, ValueError) as error:
            raise ModelError("bad-request", f"{self.name} cannot follow this JSON schema: {error}") from error
        return Constraint(xgrammar.GrammarMatcher(grammar), self._controls)

    @cached_property
    def _tokens(self) -> Any:
        from xgrammar import TokenizerInfo

        return TokenizerInfo.from_huggingface(self._tokenizer, vocab_size=self._vocabulary, stop_token_ids=self._stops)

    @cached_property
    def _compiler(self) -> Any:
        from xgrammar import GrammarCompiler

        return GrammarCompiler(self._tokens)

    @cached_property
    def _controls(self) -> Tensor:
        """Tokens with control characters. JSON has none, but xgrammar lets them into strings with a length."""
        import torch

        found = [at for at, token in enumerate(self._tokens.decoded_vocab) if any(byte < 32 for byte in token)]
        return torch.tensor(found, dtype=torch.long)


class Constraint:
    """A text under way that must keep to a schema."""

    def __init__(self, matcher: Any, forbidden: Tensor) -> None:
        self._matcher = matcher
        self._forbidden = forbidden

    def restrict(self, logits: Tensor) -> Tensor:
        """A copy of `logits` (vocabulary,) with minus infinity for all tokens that may not come next."""
        import torch
        import xgrammar

        allowed = xgrammar.allocate_token_bitmask(1, logits.shape[-1])
        self._matcher.fill_next_token_bitmask(allowed)
        with torch.inference_mode():
            result = logits.float().cpu().clone().unsqueeze(0)
            xgrammar.apply_token_bitmask_inplace(result, allowed)
            result[:, self._forbidden] = -torch.inf
        return result[0]

    def accept(self, token: int) -> None:
        """Note that `token` was written."""
        self._matcher.accept_token(token)
