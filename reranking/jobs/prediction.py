"""What a strategy is going to ask and to cost, before anything is sent."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Sequence

from reranking.documents import Candidate
from reranking.engine import Estimate, Predict, estimate, unknown
from reranking.gateway import Resolve, Run
from reranking.models import ModelError, ModelRef, Predicted, model_name
from reranking.providers.simulated import Rehearsal
from reranking.replies import Failed, Reply
from reranking.requests import Request
from reranking.strategies.base import Strategy

logger = logging.getLogger(__name__)


def predict(
    strategy: Strategy, query: str, candidates: Sequence[Candidate], resolve: Resolve | None = None
) -> Estimate:
    """What a strategy will ask, from a rehearsal that sends nothing. Not to be called on the loop.

    `resolve` finds the models that say what a request costs; without it that is unknown.
    """
    count = 1 + max((item.index for item in candidates), default=-1)
    costs: Predict = Costs(resolve) if resolve is not None else unknown
    return asyncio.run(estimate(strategy, query, candidates, _Rehearsed(Rehearsal.of(count)), costs))


def together(estimates: Sequence[Estimate]) -> Estimate:
    """All strategies of a run as one estimate; its costs are those of the models whose price is known."""
    return Estimate(
        sum(one.requests for one in estimates),
        sum(one.input_tokens for one in estimates),
        all(one.exact for one in estimates),
        sum(one.output_tokens for one in estimates),
        math.fsum(one.input_usd or 0.0 for one in estimates),
        math.fsum(one.output_usd or 0.0 for one in estimates),
        tuple(sorted({name for one in estimates for name in one.unpriced})),
    )


class Costs:
    """What requests are going to cost, as their models say; None where one does not say, cannot be opened or fails."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._predicts: dict[ModelRef, Predict] = {}

    def __call__(self, request: Request) -> Predicted | None:
        """What `request` is going to cost."""
        if request.model not in self._predicts:
            self._predicts[request.model] = self._of(request.model)
        try:
            return self._predicts[request.model](request)
        except Exception:  # a provider's bug: the price is not known, and the run can do without it
            logger.exception("%s raised when it was to say what a request costs", model_name(request.model))
            self._predicts[request.model] = unknown
            return None

    def _of(self, ref: ModelRef) -> Predict:
        try:
            found: Predict = getattr(self._resolve(ref), "predicted", unknown)
        except ModelError:
            return unknown
        return found


class _Rehearsed:
    """Answers at once from a rehearsal, without the gateway's bookkeeping."""

    def __init__(self, model: Rehearsal) -> None:
        self.model = model

    async def ask(self, requests: Sequence[Request], run: Run) -> list[Reply | Failed]:
        return [await self.model.answer(request) for request in requests]
