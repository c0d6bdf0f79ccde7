"""Several dependent lines of questions, asked in rounds.

A task is a generator that yields a question and receives its answer, or yields a condition
(a function without arguments) and goes on once it holds. In every round each task that can
go on does, and all their questions are asked together: the number of rounds is the number
of dependent steps.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeVar

Question = TypeVar("Question")

Task = Generator[Any, Any, None]
"""Yields questions and conditions; conditions are functions without arguments."""


def lockstep(tasks: Sequence[Task]) -> Generator[list[Any], list[Any], None]:
    """Drive `tasks`; yields the questions of each round and is sent their answers, in order.

    A round goes through the tasks in their order, again and again until none can go on, so
    that a task that waits for an earlier one sees what that one did in the same round. Raises
    RuntimeError if all that are left wait for each other.
    """
    waiting: dict[int, Callable[[], bool]] = {}
    asking: dict[int, Any] = {}
    alive = dict(enumerate(tasks))

    def advance(number: int, answer: Any = None) -> None:
        try:
            wanted = alive[number].send(answer)
        except StopIteration:
            del alive[number]
            return
        if callable(wanted):
            waiting[number] = wanted
        else:
            asking[number] = wanted

    for number in list(alive):
        advance(number)
    while alive:
        moved = True
        while moved:
            moved = False
            for number in sorted(waiting):
                if waiting[number]():
                    del waiting[number]
                    advance(number)
                    moved = True
        if not asking:
            if alive:
                raise RuntimeError("tasks wait for each other")
            return
        round_of = sorted(asking)
        answers = yield [asking.pop(number) for number in round_of]
        for number, answer in zip(round_of, answers, strict=True):
            advance(number, answer)
