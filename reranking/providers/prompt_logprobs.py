"""The likelihood of a given answer, from servers that tell log-probabilities of the prompt (vLLM). Pure.

The answer goes into the prompt as the beginning of the model's own message, and its tokens are
the prompt's last.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from reranking.models import ModelError
from reranking.replies import LogLikelihood, Receipt

PARAMETERS: dict[str, Any] = {"prompt_logprobs": 1, "continue_final_message": True, "add_generation_prompt": False}
"""What is sent besides the messages, the last of which is the answer."""


def read_likelihood(body: Mapping[str, Any], continuation: str, receipt: Receipt) -> LogLikelihood:
    """The likelihood of `continuation`, which ends the prompt, from a reply's JSON `body`.

    Each token of the prompt comes as a mapping whose first entry is the token that stands there.
    Raises ModelError `bad-reply` if there are none, or if they do not spell the answer.
    """
    tokens = body.get("prompt_logprobs")
    if not isinstance(tokens, list) or not tokens:
        raise ModelError("bad-reply", "The server tells no log-probabilities of the prompt.", receipt.raw, receipt)
    wanted, spelt = _bare(continuation), ""
    total, count = 0.0, 0
    for entry in reversed(tokens):
        if wanted and spelt == wanted:
            return LogLikelihood(logprob=total, tokens=count, receipt=receipt)
        text, logprob = _first(entry)
        spelt = _bare(text) + spelt
        if logprob is None or not wanted.endswith(spelt):
            break
        total, count = total + logprob, count + 1
    raise ModelError(
        "bad-reply", "The log-probabilities of the prompt are not those of the answer's words.", receipt.raw, receipt
    )


def _first(entry: Any) -> tuple[str, float | None]:
    """Text and log-probability of the token that stands in the prompt; None where it has none."""
    token = next(iter(entry.values()), None) if isinstance(entry, Mapping) else None
    if not isinstance(token, Mapping):
        return "", None
    text, logprob = token.get("decoded_token"), token.get("logprob")
    text = text if isinstance(text, str) else ""
    if isinstance(logprob, int | float) and not isinstance(logprob, bool) and math.isfinite(logprob):
        return text, float(logprob)
    return text, None


def _bare(text: str) -> str:
    """`text` without space: tokenizers that mark words by a space drop it where a token is shown alone."""
    return "".join(text.split())
