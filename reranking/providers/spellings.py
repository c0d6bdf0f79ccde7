"""How a choice may be written, and the probability that an answer begins with it. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

Tokens = tuple[int, ...]

NEGLIGIBLE = math.log(1e-6)
"""A spelling whose first tokens have less than this share of its choice's probability counts 0."""

LogProbabilities = Callable[[Tokens], Sequence[float]]
"""Log-probability of every token after the prompt and the given tokens; costs a pass of the model."""


def spellings(choices: Sequence[str]) -> list[tuple[str, ...]]:
    """The spellings of each choice: itself, capitalised, in lower and in upper case.

    A spelling that would stand for two choices stands for none, unless it is one of them.
    """
    variants = [
        dict.fromkeys((choice, choice[:1].upper() + choice[1:], choice.lower(), choice.upper())) for choice in choices
    ]
    return [
        tuple(
            spelling
            for spelling in own
            if spelling == choice
            or not any(spelling in other for at, other in enumerate(variants) if choices[at] != choice)
        )
        for choice, own in zip(choices, variants, strict=True)
    ]


def log_probabilities(written: Sequence[Sequence[Tokens]], after: LogProbabilities) -> tuple[float, ...]:
    """Log-probability of each choice: that the answer begins with one of its spellings and with no longer choice.

    `written` holds the tokens of each choice's spellings. What begins with `10` does not count for
    `1`, so that both get what is theirs; where no choice begins another, this is the plain
    probability of the spelling's tokens. The end of the answer is not asked for: weak models
    often go on after the word.
    """
    known: dict[Tokens, Sequence[float]] = {}

    def logprob(tokens: Tokens, least: float = -math.inf) -> float:
        """Log-probability of `tokens`; minus infinity as soon as it is known to be below `least`."""
        total = 0.0
        for at, token in enumerate(tokens):
            before = tokens[:at]
            if before not in known:
                if total < least:
                    return -math.inf
                known[before] = after(before)
            total += known[before][token]
        return total

    result = []
    for choice, own in enumerate(written):
        total = -math.inf
        for tokens in sorted(_shortest(own), key=len):
            begun = logprob(tokens, total + NEGLIGIBLE)
            longer = _shortest(
                other
                for at, others in enumerate(written)
                if at != choice
                for other in others
                if len(other) > len(tokens) and other[: len(tokens)] == tokens
            )
            elsewhere = sum(math.exp(logprob(other) - begun) for other in longer) if begun > -math.inf else 0.0
            total = _log_sum(total, begun + math.log1p(-elsewhere) if elsewhere < 1 else -math.inf)
        result.append(total)
    return tuple(result)


def _shortest(spelled: Iterable[Tokens]) -> list[Tokens]:
    """The token sequences that do not begin with another one of them."""
    unique = dict.fromkeys(spelled)
    return [one for one in unique if not any(one != other and one[: len(other)] == other for other in unique)]


def _log_sum(first: float, second: float) -> float:
    high, low = max(first, second), min(first, second)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))
