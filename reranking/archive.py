"""Calls to models, and where they and their replies are kept: a protocol that the store implements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, cast

from reranking.replies import Failed, PartedReply, Receipt, Reply
from reranking.requests import Request

Source = Literal["sent", "cache", "shared", "none"]
"""How a request was answered: by a new call, from the archive, by another's call, or not at all."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request and how it was answered. `key` is None where nothing can be cached."""

    run: str
    request: Request
    model: str
    key: str | None
    parts: tuple[str, ...]  # keys of the single texts, for requests that are cached per text
    reply: Reply | Failed
    source: Source
    started: float  # seconds since the epoch
    seconds: float
    counted_usd: float | None = None  # what a spending limit counts it with; None if that is what its reply cost
    free: bool = False  # whether it is known to have cost nothing, though no reply says so
    sent: Mapping[str, Any] = field(default_factory=dict)  # the parameters sent, of a call that failed
    retries: int = 0  # how often a call that failed was sent again


class Archive(Protocol):
    """Where replies and calls are kept; the store implements it."""

    async def find(self, keys: Sequence[str]) -> dict[str, Reply]:
        """The replies that are there, by key."""
        ...

    async def keep(self, call: Call) -> None:
        """Keep the call, and its reply under its key if it was sent; return when both are safe."""
        ...


class MemoryArchive:
    """Keeps replies and calls for as long as the object lives."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.calls: list[Call] = []

    async def find(self, keys: Sequence[str]) -> dict[str, Reply]:
        """The replies that are there, by key."""
        return {key: self.replies[key] for key in keys if key in self.replies}

    async def keep(self, call: Call) -> None:
        """Keep the call and its reply."""
        self.calls.append(call)
        self.replies.update(replies_to_keep(call))


def replies_to_keep(call: Call) -> dict[str, Reply]:
    """What a call adds to an archive: its reply by key, or one part per text."""
    reply = call.reply
    if call.source != "sent" or isinstance(reply, Failed):
        return {}
    if call.parts:
        parted = cast(PartedReply, reply)
        receipt = _share(reply.receipt, len(call.parts))
        return {key: replace(parted.part(at), receipt=receipt) for at, key in enumerate(call.parts)}
    return {} if call.key is None else {call.key: reply}


def _share(receipt: Receipt, texts: int) -> Receipt:
    """The receipt of one of the `texts` of a call. What one text of a paid call cost is unknown."""
    free = 0.0 if receipt.cost_usd == 0 else None
    seconds = None if receipt.seconds is None else receipt.seconds / texts
    tokens: dict[str, Any] = {"input_tokens": None, "output_tokens": None, "reasoning_tokens": None}
    return replace(receipt, raw="", cost_usd=free, seconds=seconds, **tokens)
