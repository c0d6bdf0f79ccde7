"""One strategy at work, and the account of what it asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from reranking.archive import Source
from reranking.documents import Document
from reranking.models import Model, ModelRef
from reranking.ranking import Usage
from reranking.replies import Failed, Reply

KEY_FAILURES = frozenset({"no-key", "bad-key"})
"""Codes that are about a user's key and say nothing about the request."""

UNPAID = frozenset(
    {*KEY_FAILURES, "unknown-model", "rate-limit", "connection", "server", "bad-request", "context-too-long"}
)
"""Codes with which a server turns a request down; it charges nothing. What other failures cost is unknown."""

Resolve = Callable[[ModelRef], Model]
"""Turns a model's name or object into a model, or raises ModelError."""


@dataclass(eq=False)
class Run:
    """One strategy at work: what its calls belong to, and a running account of them.

    `resolve` turns names into models for this run (default: the gateway's), so that each
    user's keys serve that user only. `nonce` keeps its requests apart from equal ones of other
    runs. `on_answer` is called with the run after each answered request.
    """

    label: str = ""
    query: str = ""
    documents: Sequence[Document] = ()
    resolve: Resolve | None = None
    nonce: str | None = None
    on_answer: Callable[[Run], None] | None = None
    requests: int = 0
    cached: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    hopeless: dict[str, Failed] = field(default_factory=dict)
    models: dict[Any, Model] = field(default_factory=dict)

    def count(self, reply: Reply | Failed, source: Source) -> None:
        """Add one answered request to the account."""
        if source != "none":
            self.requests += 1
            self.cached += source != "sent"
        receipt = reply.receipt
        if receipt is not None:
            self.input_tokens += receipt.input_tokens or 0
            self.output_tokens += receipt.output_tokens or 0
            known = self.cost_usd is not None and receipt.cost_usd is not None
            self.cost_usd = (self.cost_usd or 0.0) + (receipt.cost_usd or 0.0) if known else None
        elif source != "none" and isinstance(reply, Failed) and reply.code not in UNPAID:
            self.cost_usd = None
        if self.on_answer is not None:
            self.on_answer(self)

    def usage(self, seconds: float) -> Usage:
        """The account so far."""
        return Usage(self.requests, self.cached, self.input_tokens, self.output_tokens, self.cost_usd, seconds)
