"""How a reply becomes the log-probabilities of choices. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

# A word without the quotes, brackets and marks around it; the sign of a number belongs to it.
_BARE = re.compile(r"[\W_]*?((?:[+-](?=\d))?[^\W_](?:.*[^\W_])?)[\W_]*", re.DOTALL)


def by_logprobs(choices: Sequence[str], first: Mapping[str, float], raw: str = "") -> tuple[float | None, ...]:
    """Log-probability of each choice from those of the first token's alternatives (token -> log-probability).

    Spellings that differ in case or surrounding space are summed; one that was not returned
    counts 0, and a choice without any is None. All are None where a token may be the beginning
    of a longer choice, `1` of `10`: its probability belongs to both.
    """
    fold = _folding(choices)
    returned: dict[str, list[float]] = {}
    for token, logprob in first.items():
        if math.isfinite(logprob):
            returned.setdefault(fold(token.strip()), []).append(logprob)
    names = [fold(choice.strip()) for choice in choices]
    for short in returned.keys() & set(names):
        if any(long != short and long.startswith(short) and long not in returned for long in names):
            return (None,) * len(choices)
    return tuple(_log_of_sum(returned[name]) if name in returned else None for name in names)


def by_text(choices: Sequence[str], text: str) -> tuple[float | None, ...]:
    """0.0 for the choice that `text` is or begins with, None for the others; all None if there is none.

    Case and punctuation around words do not count, nor does what comes before `</think>`.
    """
    fold = _folding(choices)
    answer = fold(text.rpartition("</think>")[2].strip())
    first = answer.split(maxsplit=1)[:1]
    names = [fold(choice.strip()) for choice in choices]
    for wanted in (answer, _bare(answer), *first, *map(_bare, first)):
        chosen = next((at for at, name in enumerate(names) if wanted in {name, _bare(name)}), None)
        if chosen is not None:
            return tuple(0.0 if at == chosen else None for at in range(len(choices)))
    return (None,) * len(choices)


def _folding(choices: Sequence[str]) -> Callable[[str], str]:
    """Case folding, unless choices differ in nothing but case."""
    return str.casefold if len({choice.strip().casefold() for choice in choices}) == len(choices) else str


def _bare(text: str) -> str:
    match = _BARE.fullmatch(text)
    return match[1] if match else text


def _log_of_sum(logprobs: Sequence[float]) -> float:
    """The logarithm of the sum of the probabilities; rounding may not lift it above certainty."""
    top = max(logprobs)
    return min(0.0, top + math.log(sum(math.exp(value - top) for value in logprobs)))
