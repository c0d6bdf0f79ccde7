"""An event loop whose clock jumps: what a schedule takes if nothing but the model takes time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from typing_extensions import override

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
