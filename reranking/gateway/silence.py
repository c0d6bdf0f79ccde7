"""When the strategies of a comparison stop asking where nothing comes back from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from reranking.replies import Failed, Reply

SILENCE = frozenset({"connection", "timeout"})
"""Codes with which nothing came back from where a model is asked."""

LONGEST_SILENCE = 3
"""Calls in a row that nothing came back from, after which a model is given up."""


class Silence:
    """The calls of one comparison that nothing came back from, in a row.

    Each strategy finds out for itself when to give a model up: that a server takes too long for the
    prompts of one says nothing about those of another, let alone of another user. Only where nothing
    has come back to any of them yet, all give up together: a dead server is not waited for by each in
    turn.
    """

    def __init__(self) -> None:
        self._in_a_row: Counter[tuple[Hashable, Hashable]] = Counter()
        self._before_all: Counter[Hashable] = Counter()  # before anything came back
        self._heard: set[Hashable] = set()
        self._last: dict[str, Failed] = {}

    def note(self, where: Hashable, who: Hashable, model: str, reply: Reply | Failed) -> bool:
        """Note how a call of a strategy to a connection ended; whether the strategy is to give the model up."""
        if not (isinstance(reply, Failed) and reply.code in SILENCE):
            self._in_a_row[where, who] = 0
            self._heard.add(where)
            return False
        self._in_a_row[where, who] += 1
        self._before_all[where] += where not in self._heard
        self._last[model] = reply
        return self._in_a_row[where, who] >= LONGEST_SILENCE

    def told(self, where: Hashable, model: str) -> Failed | None:
        """The failure with which all strategies give the model up, if they are to and it was tried at all."""
        is_dead = where not in self._heard and self._before_all[where] >= LONGEST_SILENCE
        return self._last.get(model) if is_dead else None
