"""Replies that came and answer nothing: why that is, and how it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from reranking.ranking import Diagnostic
from reranking.replies import Choices, Text

Why = Literal["refusal", "cut-off", "empty", "other"]
"""The model declined; its length limit came first; it wrote nothing; what it wrote is no answer."""

Unread = tuple[tuple[int, ...], Choices]
"""The documents (original positions) that a prompt showed, and the reply that chose none of the answers."""

_PROBLEMS: dict[Why, str] = {
    "refusal": "the model declined to answer",
    "cut-off": "the reply was cut off at its length limit",
    "empty": "the reply is empty",
}
_CODES: dict[Why, str] = {"refusal": "refusal", "cut-off": "cut-off"}
_ANY_OTHER = "unusable-reply"


def why(reply: Text | Choices) -> Why:
    """Why a reply in which no answer was found has none."""
    if reply.finish == "refusal":
        return "refusal"
    if reply.finish == "length":
        return "cut-off"
    return "empty" if reply.text is not None and not reply.text.strip() else "other"


def problem(reply: Text | Choices, otherwise: str) -> str:
    """What is wrong with a reply, as a part of a sentence: `otherwise` if it was written to its end."""
    return _PROBLEMS.get(why(reply), otherwise)


def noted(reply: Text, otherwise: str) -> Diagnostic:
    """A note on one reply without an answer: `otherwise` if it was written to its end."""
    said = problem(reply, otherwise)
    return Diagnostic(_CODES.get(why(reply), _ANY_OTHER), f"{said[0].upper()}{said[1:]}.", raw=reply.text)


def counted(unread: Sequence[Unread], otherwise: str, effect: str = "") -> list[Diagnostic]:
    """One note per reason, with how often it came about and the documents concerned.

    `otherwise` is what answers did that were written to their end, `effect` what follows.
    """
    notes = []
    reasons: tuple[Why, ...] = ("refusal", "cut-off", "empty", "other")
    for reason in reasons:
        some = [entry for entry in unread if why(entry[1]) == reason]
        if some:
            indexes = tuple(sorted({index for shown, _ in some for index in shown}))
            raw = min((shown, reply.receipt.raw) for shown, reply in some)[1]
            message = f"{_how_often(reason, len(some), otherwise)}{effect and f'; {effect}'}."
            notes.append(Diagnostic(_CODES.get(reason, _ANY_OTHER), message, indexes, raw))
    return notes


def _how_often(reason: Why, count: int, otherwise: str) -> str:
    one = count == 1
    if reason == "refusal":
        return f"The model declined to answer {'once' if one else f'{count} times'}"
    if reason == "cut-off":
        return "1 reply was cut off at its length limit" if one else f"{count} replies were cut off at the length limit"
    if reason == "empty":
        return "1 reply is empty" if one else f"{count} replies are empty"
    return f"{count} answer{'' if one else 's'} {otherwise}"
