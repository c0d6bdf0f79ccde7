"""What a run may spend: one limit that all its strategies share.

A call counts with the most that it may cost while it is under way, and with what it did cost once
its reply is there. A try that nothing came back from stays counted with the most, and is followed by
another only if that fits too. So the limit holds, whatever is in flight when it comes near. Answers from the
cache cost nothing and are never turned away.
"""

from __future__ import annotations

import logging
import math
from weakref import WeakSet

from reranking.gateway.runs import BUDGET, UNPAID, Run
from reranking.models import Model
from reranking.replies import Failed, Reply
from reranking.requests import Request
from reranking.wording import RAISE_THE_LIMIT

logger = logging.getLogger(__name__)


class Budget:
    """At most `limit` US dollars; `spent` of them were spent before. Belongs to one event loop once it is used.

    A request is sent only if what is known to be spent, the most that the calls under way may
    cost and the most that it may cost itself stay within the limit. It waits while calls under
    way may still turn out cheaper than that, and else is turned away, with all that its strategy
    asks after it: a ranking with a hole is not worth more money, and when the limit is raised the
    run goes on from the cache.

    A model whose price is not known cannot be held to a limit. Where its provider charges for
    calls (`Model.paid`) it is not asked at all; a server of the user's own is asked, and `uncovered`
    names it. What a call without a stated price cost, such as one that timed out, is taken to be
    the most that it may have cost.

    Raises ValueError if `limit` is negative or no number.
    """

    def __init__(self, limit: float, spent: float = 0.0) -> None:
        if not (math.isfinite(limit) and limit >= 0):
            raise ValueError("a spending limit is a number of US dollars, 0 or more")
        self.limit = limit
        self.spent = spent
        self.uncovered: set[str] = set()
        self._unpriced: dict[str, None] = {}
        self._least_refused = math.inf
        self._held = 0.0
        self._ended: WeakSet[Run] = WeakSet()

    def most(self, request: Request, model: Model) -> float:
        """The most that the call may cost, in US dollars: infinite if it is paid and has no known price."""
        most = most_of(request, model)
        if most is not None:
            return most
        if getattr(model, "paid", False):
            return math.inf
        self.uncovered.add(model.name)
        return 0.0

    @property
    def at_most(self) -> float:
        """US dollars that may be spent by now: what is known to be, and the most that calls under way may cost."""
        return self.spent + self._held

    def must_wait(self, most: float, run: Run) -> bool:
        """Whether a call may have to be turned away now, but not once those under way are over."""
        fits = self._fits(self.spent + self._held + most)
        return not fits and run not in self._ended and self._fits(self.spent + most)

    def take(self, most: float, run: Run, model: str) -> Failed | None:
        """Count a call with the most that it may cost, or say why it must not be made."""
        if math.isinf(most):
            message = (
                f"The price of '{model}' is not known, so that no spending limit can hold. Remove the limit, or take "
                "another model."
            )
            self._unpriced[message] = None
            return Failed(BUDGET, message)
        if most > 0 and (run in self._ended or not self._fits(self.spent + self._held + most)):
            self._ended.add(run)
            self._least_refused = min(most, self._least_refused)
            return Failed(BUDGET, f"{self._reached}. {RAISE_THE_LIMIT}")
        self._held += most
        return None

    def take_again(self, most: float, run: Run, model: str) -> bool:
        """Count another try of a call whose last one may have cost the most; False if it must not be made."""
        if self.take(most, run, model) is not None:
            return False
        self._held -= most
        self.spent += most
        return True

    @property
    def reasons(self) -> list[str]:
        """Why requests were turned away, as sentences with what was spent; empty if none was."""
        if math.isinf(self._least_refused):
            return list(self._unpriced)
        spent = f"about {dollars(_rounded(self.spent))} is spent" if self.spent else "nothing is spent"
        next_one = f"the next request may cost up to {dollars(_rounded(self._least_refused))}"
        return [f"{self._reached}: {spent}, and {next_one}. {RAISE_THE_LIMIT}", *self._unpriced]

    @property
    def _reached(self) -> str:
        return f"The run reached its spending limit of {dollars(self.limit)}"

    def settle(self, most: float, reply: Reply | Failed | None) -> float:
        """Count a call with what it cost, and return that; `reply` is None if it was never sent."""
        self._held -= most
        if reply is None:
            return 0.0
        cost = charged(most, reply)
        self.spent += cost
        return cost

    def _fits(self, dollars: float) -> bool:
        return dollars <= self.limit * (1 + 1e-9)  # sums of many small amounts


def most_of(request: Request, model: Model) -> float | None:
    """The most that one call may cost, in US dollars, if that is known."""
    predict = getattr(model, "predicted", None)
    try:
        predicted = predict(request) if predict is not None else None
    except Exception:  # a provider's bug: the price is not known, and the call is recorded all the same
        logger.exception("%s raised when it was to say what a request costs", model.name)
        return None
    return None if predicted is None else float(predicted.most)


def charged(most: float, reply: Reply | Failed) -> float:
    """What a call is taken to cost, in US dollars: where the reply does not say it, the most that it may."""
    if reply.receipt is not None:
        return most if reply.receipt.cost_usd is None else reply.receipt.cost_usd
    return 0.0 if isinstance(reply, Failed) and reply.code in UNPAID else most


def dollars(amount: float) -> str:
    """An amount for people, with as many digits after the point as it has, and at least two."""
    whole, _, part = f"{amount:,.6f}".rstrip("0").partition(".")
    return f"${whole}.{part:<02}"


def _rounded(amount: float) -> float:
    return float(f"{amount:.2g}")
