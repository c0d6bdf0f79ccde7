"""Drives strategies: sends what they ask through the gateway and hands the replies back.

One engine for every strategy. A strategy that raises, or returns something that is not a
permutation of its candidates, ends as a failed ranking and takes nobody down with it.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from reranking.documents import Candidate, Candidates
from reranking.gateway import Common, Resolve, Run
from reranking.models import Predicted, model_name
from reranking.ranking import Diagnostic, Ranking, failed, is_permutation
from reranking.replies import Failed, Reply
from reranking.requests import Choose, Generate, Likelihood, PerText, Request
from reranking.strategies.base import Aside, NeedsModelError, Strategy, Together, Until
from reranking.strategies.catalogue import each

logger = logging.getLogger(__name__)

CHARACTERS_PER_TOKEN = 4


class Asks(Protocol):
    """What answers a batch of requests: the gateway, or a stub for estimates."""

    async def ask(self, requests: Sequence[Request], run: Run) -> list[Reply | Failed]:
        """Answer `requests` in their order."""
        ...


Predict = Callable[[Request], Predicted | None]
"""What a request is going to cost, None if that is not known."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a strategy will ask. `exact` is False where the number of requests depends on the answers.

    `input_tokens` is approximate: characters / 4 of what would be sent. `output_tokens` is what the
    requests allow for texts that are written; most replies are shorter. `input_usd` and
    `output_usd` are what these cost at the list price; None if the price of a model is not known,
    which `unpriced` then names. Nothing is taken off for replies that are in the cache.
    """

    requests: int
    input_tokens: int
    exact: bool
    output_tokens: int = 0
    input_usd: float | None = 0.0
    output_usd: float | None = 0.0
    unpriced: tuple[str, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether it costs nothing at all."""
        return self.input_usd == self.output_usd == 0


async def run_strategy(
    strategy: Strategy,
    query: str,
    candidates: Candidates,
    gateway: Asks,
    *,
    label: str = "",
    resolve: Resolve | None = None,
    nonce: str | None = None,
    on_progress: Callable[[Run], None] | None = None,
    common: Common | None = None,
) -> Ranking:
    """Run one strategy to its end and return its ranking, with what it took.

    `resolve` finds this run's models (default: the gateway's way). `nonce` keeps its requests
    apart from equal ones, so that repetitions are asked again. `on_progress` is called with the
    run after every answered request, and when a try of a call has failed. `common` is what it shares
    with other strategies of the same comparison, such as the spending limit. Raises only CancelledError.
    """
    documents = _documents(candidates)
    run = Run(label, query, documents, resolve, nonce, on_progress, common if common is not None else Common())
    clock = time.perf_counter()
    try:
        ranking: Ranking = await drive(strategy.steps(query, candidates), gateway, run)
        if not is_permutation(ranking, candidates):
            raise AssertionError("the ranking is not a permutation of its candidates")
    except NeedsModelError as error:
        ranking = failed(candidates, [Diagnostic("no-model", str(error))])
    except Exception as error:  # one strategy's fault must not end the comparison
        logger.exception("strategy %s failed", strategy.name)
        message = f"The strategy failed with {type(error).__name__}: {error}"
        ranking = failed(candidates, [Diagnostic("strategy-error", message)])
    seconds = time.perf_counter() - clock
    diagnostics = (*ranking.diagnostics, *_not_covered(run))
    return replace(ranking, strategy=strategy.spec(), usage=run.usage(seconds), diagnostics=diagnostics)


def unknown(request: Request) -> Predicted | None:
    """Nothing is known about what a request is going to cost."""
    return None


async def estimate(
    strategy: Strategy, query: str, candidates: Candidates, stub: Asks, predict: Predict = unknown
) -> Estimate:
    """What `strategy` would ask, found by running it against `stub`, which sends nothing.

    `predict` says what each request would cost.
    """
    asked: list[Request] = []

    class Counting:
        async def ask(self, requests: Sequence[Request], run: Run) -> list[Reply | Failed]:
            asked.extend(requests)
            return await stub.ask(requests, run)

    await run_strategy(strategy, query, candidates, Counting())
    exact = not any(part.adaptive for part in each(strategy))
    costs = [predict(item) for item in asked]
    known = [cost for cost in costs if cost is not None]
    unpriced = {model_name(item.model) for item, cost in zip(asked, costs, strict=True) if cost is None}
    return Estimate(
        len(asked),
        sum(_characters(item) for item in asked) // CHARACTERS_PER_TOKEN,
        exact,
        sum(item.max_output_tokens for item in asked if isinstance(item, Generate)),
        None if unpriced else math.fsum(cost.input for cost in known),
        None if unpriced else math.fsum(cost.output for cost in known),
        tuple(sorted(unpriced)),
    )


def _not_covered(run: Run) -> list[Diagnostic]:
    """A note on the models that a spending limit could not cover, if any."""
    budget = run.common.budget
    named = sorted({model.name for model in run.models.values()} & budget.uncovered) if budget is not None else []
    if not named:
        return []
    message = f"The spending limit does not cover {' and '.join(named)}: what a call costs there is not known."
    return [Diagnostic("not-covered", message)]


async def drive(steps: Generator[Any, Any, Any], gateway: Asks, run: Run) -> Any:
    """Send what `steps` asks through the gateway and hand the replies back, to its end; returns its result."""
    return await _drive(steps, gateway, run, _Siblings(1))


class _Siblings:
    """Generators that are driven side by side; some of them wait for what others do."""

    def __init__(self, count: int) -> None:
        self._going = count  # those that do not wait
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def went_on(self, *, is_over: bool = False) -> None:
        """Wake those whose condition has come about. Fails the others if nobody is left to bring theirs about."""
        for entry in self._waiting.copy():
            if entry[0]():
                self._go_on(entry)
        self._going -= is_over
        if not self._going:
            for _, waits in self._waiting:
                if not waits.done():
                    waits.set_exception(RuntimeError("generators wait for each other"))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until the condition holds."""
        if holds():
            return
        entry = (holds, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        self._going -= 1
        self.went_on()
        await entry[1]

    def _go_on(self, entry: tuple[Callable[[], bool], asyncio.Future[None]]) -> None:
        self._waiting.remove(entry)
        self._going += 1
        if not entry[1].done():
            entry[1].set_result(None)


async def _drive(steps: Generator[Any, Any, Any], gateway: Asks, run: Run, siblings: _Siblings) -> Any:
    answer: Any = None
    try:
        while True:
            asked = steps.send(answer)
            siblings.went_on()
            answer = None
            if isinstance(asked, Together):
                among = _Siblings(len(asked.parts))
                answer = await all_of([_drive(part, gateway, run, among) for part in asked.parts])
            elif isinstance(asked, Until):
                await siblings.until(asked.holds)
            elif isinstance(asked, Aside):
                answer = await asyncio.to_thread(asked.function, *asked.arguments)
            else:
                answer = await gateway.ask(asked, run)
    except StopIteration as stop:
        siblings.went_on(is_over=True)
        return stop.value
    finally:
        steps.close()


async def all_of(parts: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Do all parts at once; when one raises, cancel the others and wait for them before raising.

    Between their beginnings the loop has a turn, so that the requests of the first are on their way
    while the next draws up its own.
    """
    tasks: list[asyncio.Future[Any]] = []
    try:
        for part in parts:
            tasks.append(asyncio.ensure_future(part))
            await asyncio.sleep(0)
        return list(await asyncio.gather(*tasks))
    finally:
        for part in parts[len(tasks) :]:
            part.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _documents(candidates: Sequence[Candidate]) -> list[Any]:
    """Documents by original position, so that `shown` can be looked up in any shuffle."""
    if not candidates:
        return []
    documents: list[Any] = [None] * (max(item.index for item in candidates) + 1)
    for item in candidates:
        documents[item.index] = item.document
    return documents


def _characters(request: Request) -> int:
    if isinstance(request, Generate | Choose | Likelihood):
        return sum(len(message.text) for message in request.messages)
    if isinstance(request, PerText):
        return sum(len(text) for text in request.texts)
    return len(str(request.content()))
