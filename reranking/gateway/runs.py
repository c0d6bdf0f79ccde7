"""One strategy at work, and the account of what it asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reranking.archive import Source
from reranking.documents import Document
from reranking.models import Model, ModelRef
from reranking.ranking import Usage
from reranking.replies import Failed, Reply

if TYPE_CHECKING:
    from reranking.gateway.budget import Budget

KEY_FAILURES = frozenset({"no-key", "bad-key"})
"""Codes that are about a user's key and say nothing about the request."""

UNPAID = frozenset(
    {*KEY_FAILURES, "unknown-model", "rate-limit", "connection", "server", "bad-request", "context-too-long"}
)
"""Codes with which a server turns a request down, or was not reached; without a receipt nothing is charged.

What other failures cost is unknown.
"""

Resolve = Callable[[ModelRef], Model]
"""Turns a model's name or object into a model, or raises ModelError."""


BUDGET = "budget"
"""The code of a request that was not sent because it might have cost more than was left."""


class Common:
    """What the strategies of one comparison share: its spending limit, and what it has asked so far.

    `asked` holds the keys of the requests, so that replies of this comparison can be told from
    those of earlier ones.
    """

    __slots__ = ("asked", "budget")

    def __init__(self, budget: Budget | None = None) -> None:
        self.budget = budget
        self.asked: set[str] = set()


@dataclass(eq=False)
class Run:
    """One strategy at work: what its calls belong to, and a running account of them.

    `resolve` turns names into models for this run (default: the gateway's), so that each
    user's keys serve that user only. `nonce` keeps its requests apart from equal ones of other
    runs. `on_answer` is called with the run after each answered request. `common` is what it
    shares with the other strategies of its comparison.
    """

    label: str = ""
    query: str = ""
    documents: Sequence[Document] = ()
    resolve: Resolve | None = None
    nonce: str | None = None
    on_answer: Callable[[Run], None] | None = None
    common: Common = field(default_factory=Common)
    requests: int = 0
    cached: int = 0
    shared: int = 0
    turned_away: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    model_seconds: float | None = 0.0
    hopeless: dict[str, Failed] = field(default_factory=dict)
    models: dict[Any, Model] = field(default_factory=dict)

    def count(self, reply: Reply | Failed, source: Source, seconds: float | None, *, is_own: bool = False) -> None:
        """Add one answered request to the account.

        `seconds` is what the model took for it, None if that is unknown; `is_own` tells that this
        comparison asked for the reply itself, though not with this request.
        """
        if source != "none":
            self.requests += 1
            self.cached += source != "sent"
            self.shared += is_own
            known = self.model_seconds is not None and seconds is not None
            self.model_seconds = (self.model_seconds or 0.0) + (seconds or 0.0) if known else None
        elif isinstance(reply, Failed) and reply.code == BUDGET:
            self.turned_away += 1
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
        return Usage(
            self.requests,
            self.cached,
            self.input_tokens,
            self.output_tokens,
            self.cost_usd,
            seconds,
            shared=self.shared,
            model_seconds=self.model_seconds,
            turned_away=self.turned_away,
        )
