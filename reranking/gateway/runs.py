"""One strategy at work, and the account of what it asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from reranking.archive import Source
from reranking.documents import Document
from reranking.gateway.patience import Patience
from reranking.models import Model, ModelRef
from reranking.ranking import Usage
from reranking.replies import Failed, Reply

if TYPE_CHECKING:
    from reranking.gateway.budget import Budget

KEY_FAILURES = frozenset({"no-key", "bad-key", "no-credit"})
"""Codes that are about a user's key or account and say nothing about the request."""

UNPAID = frozenset(
    {*KEY_FAILURES, "unknown-model", "rate-limit", "connection", "server", "bad-request", "context-too-long", "refused"}
)
"""Codes with which a server turns a request down, or was not reached; without a receipt nothing is charged.

What other failures cost is unknown.
"""

PASSED_ON = frozenset({"cache", "shared"})
"""Where replies come from that no call was made for."""

Whose = Literal["own", "resumed", "others"]
"""Of a reply that came without a new call: this comparison asked for it with another request, or with
this one before it was cut short and resumed, or others did."""

Resolve = Callable[[ModelRef], Model]
"""Turns a model's name or object into a model, or raises ModelError."""


BUDGET = "budget"
"""The code of a request that was not sent because it might have cost more than was left."""


class Common:
    """What the strategies of one comparison share: its spending limit, what it has asked, and its patience.

    `asked` holds the keys of the requests, so that replies of this comparison can be told from
    those of earlier ones. `resumed` holds those of requests that strategies had sent before the
    comparison was cut short and are going to make again: it finds its own answers.
    """

    __slots__ = ("asked", "budget", "patience", "resumed")

    def __init__(self, budget: Budget | None = None, asked: Iterable[str] = (), resumed: Iterable[str] = ()) -> None:
        self.budget = budget
        self.asked = set(asked)
        self.resumed = set(resumed) - self.asked
        self.patience = Patience()

    def whose(self, source: Source, keys: Sequence[str]) -> Whose:
        """Who asked for a reply that came by these keys before the request that it answers now."""
        if self.resumed and not self.resumed.isdisjoint(keys):
            self.resumed.difference_update(keys)
            self.asked.update(keys)
            if source == "cache":
                return "resumed"
        return "own" if source in PASSED_ON and self.asked.issuperset(keys) else "others"


@dataclass(eq=False)
class Run:
    """One strategy at work: what its calls belong to, and a running account of them.

    `resolve` turns names into models for this run (default: the gateway's), so that each
    user's keys serve that user only. `nonce` keeps its requests apart from equal ones of other
    runs. `on_progress` is called with the run after each answered request, and when a try of a call
    that it waits for has failed; it must not raise. `troubles` is what the last try met with of each
    call under way of which one failed. `common` is what it shares with the other strategies of its comparison.
    """

    label: str = ""
    query: str = ""
    documents: Sequence[Document] = ()
    resolve: Resolve | None = None
    nonce: str | None = None
    on_progress: Callable[[Run], None] | None = None
    common: Common = field(default_factory=Common)
    requests: int = 0
    failed: int = 0
    cached: int = 0
    shared: int = 0
    resumed: int = 0
    turned_away: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    uncounted: int = 0
    cost_usd: float | None = 0.0
    spent_usd: float | None = 0.0
    model_seconds: float | None = 0.0
    hopeless: dict[str, Failed] = field(default_factory=dict)
    models: dict[Any, Model] = field(default_factory=dict)
    troubles: dict[object, str] = field(default_factory=dict)

    def count(
        self,
        reply: Reply | Failed,
        source: Source,
        seconds: float | None,
        whose: Whose = "others",
        *,
        free: bool = False,
    ) -> None:
        """Add one answered request to the account.

        `seconds` is what the model took for it, None if that is unknown. `free` says that it failed
        and that nothing is charged for that.
        """
        if source != "none":
            self.requests += 1
            self.failed += isinstance(reply, Failed)
            self.cached += source != "sent"
            self.shared += whose == "own"
            self.resumed += whose == "resumed"
            known = self.model_seconds is not None and seconds is not None
            self.model_seconds = (self.model_seconds or 0.0) + (seconds or 0.0) if known else None
        elif isinstance(reply, Failed) and reply.code == BUDGET:
            self.turned_away += 1
        receipt = reply.receipt
        if source != "none" and (receipt is None or receipt.input_tokens is None):
            self.uncounted += not (isinstance(reply, Failed) and reply.code in UNPAID)
        cost: float | None = 0.0
        if receipt is not None:
            self.input_tokens += receipt.input_tokens or 0
            self.output_tokens += receipt.output_tokens or 0
            cost = receipt.cost_usd
        elif source != "none" and isinstance(reply, Failed) and not free:
            cost = None
        self.cost_usd = _sum(self.cost_usd, cost)
        if whose == "resumed" or source not in PASSED_ON:
            self.spent_usd = _sum(self.spent_usd, cost)
        self._tell()

    def meet(self, call: object, trouble: str) -> None:
        """Take note of what a try of a call met with, or if that is nothing that it need not be told of any more."""
        if trouble:
            self.troubles[call] = trouble
        elif self.troubles.pop(call, None) is None:
            return
        self._tell()

    def pay(self, cost: float | None) -> None:
        """Add what a call cost that answered no request, None if that is unknown."""
        self.cost_usd, self.spent_usd = _sum(self.cost_usd, cost), _sum(self.spent_usd, cost)

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
            resumed=self.resumed,
            spent_usd=self.spent_usd,
            uncounted=self.uncounted,
        )

    def _tell(self) -> None:
        if self.on_progress is not None:
            self.on_progress(self)


def _sum(total: float | None, cost: float | None) -> float | None:
    return None if total is None or cost is None else total + cost
