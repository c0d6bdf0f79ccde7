"""A clock that jumps: what a schedule takes if nothing but the model takes time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from typing_extensions import override

from reranking.documents import as_candidates
from reranking.engine import run_strategy
from reranking.gateway import Gateway
from reranking.strategies.catalogue import fill_model
from tests.oracles import PerfectOracle

Result = TypeVar("Result")


class _Jumping(selectors.SelectSelector):
    """A selector that moves the clock on where it would have to wait for it."""

    now = 0.0

    @override
    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0 if timeout is not None else None)
        if not found and timeout:
            self.now += timeout
        return found


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    @override
    def time(self) -> float:
        return self._jumping.now


def virtually(work: Coroutine[Any, Any, Result]) -> tuple[Result, float]:
    """The result of `work`, and the seconds that it would take if computing took no time."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        loop = runner.get_loop()
        return runner.run(work), loop.time()


class Slow(PerfectOracle):
    """Always right, one second after it was asked."""

    def __init__(self, grades, concurrency):
        super().__init__(grades, fingerprint="slow")
        self.concurrency = concurrency

    async def answer(self, request):
        await asyncio.sleep(1)
        return await super().answer(request)


def steps_of(strategy, grades, at_once=1_000_000):
    """Requests that a strategy sends for documents of these grades (0 to 1), and its dependent steps.

    With fewer `at_once` the second is what its schedule takes then.
    """
    model = Slow(grades, at_once)
    ready = fill_model(strategy, model, model.answers)
    candidates = as_candidates([f"text number {at}" for at in range(len(grades))])
    ranking, steps = virtually(run_strategy(ready, "harbour lantern", candidates, Gateway(lambda ref: ref)))
    assert ranking.outcome == "complete", ranking.diagnostics
    return len(model.asked), round(steps, 6)
