"""When the strategies of a comparison stop asking a server that gives nothing but failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping
from types import MappingProxyType

from reranking.replies import Failed, Reply

IN_VAIN: Mapping[str, int] = MappingProxyType({"connection": 3, "timeout": 3, "server": 5, "rate-limit": 8})
"""Codes that are about the server and not about the request, and how often in a row one ends the asking.

It must not happen by chance. A call that ends with `server` has failed in each of its five tries: at
a server that fails half of all tries, five calls in a row do so once in 30 million times. One that
ends with `rate-limit` may have had one try, if the pause that was asked for is too long: where a
fifth of all calls ends so, eight in a row do once in 400,000 times. `connection` and `timeout` are
rarer, and each takes a while.
"""


class Patience:
    """The calls of one comparison that a server failed to answer, in a row and by code; an answer begins anew.

    Each strategy finds out for itself when to give a model up: that a server fails at the prompts of
    one says nothing about those of another, let alone of another user. Only where no call of any of
    them has been answered yet, all give up together: a dead server is not waited for by each in turn.
    An answer is also one that is about the request, such as that it is too long.
    """

    def __init__(self) -> None:
        self._in_a_row: dict[tuple[Hashable, Hashable], Counter[str]] = {}
        self._before_all: dict[Hashable, Counter[str]] = {}  # before anything was answered
        self._answered: set[Hashable] = set()
        self._last: dict[str, Failed] = {}

    def note(self, where: Hashable, who: Hashable, model: str, reply: Reply | Failed) -> bool:
        """Note how a call of a strategy to a connection ended; whether the strategy is to give the model up."""
        if not (isinstance(reply, Failed) and reply.code in IN_VAIN):
            self._in_a_row.pop((where, who), None)
            self._answered.add(where)
            return False
        in_a_row = self._in_a_row.setdefault((where, who), Counter())
        in_a_row[reply.code] += 1
        if where not in self._answered:
            self._before_all.setdefault(where, Counter())[reply.code] += 1
        self._last[model] = reply
        return _is_used_up(in_a_row)

    def told(self, where: Hashable, model: str) -> Failed | None:
        """The failure with which all strategies give the model up, if they are to and it was tried at all."""
        is_dead = where not in self._answered and _is_used_up(self._before_all.get(where, Counter()))
        return self._last.get(model) if is_dead else None


def _is_used_up(failures: Counter[str]) -> bool:
    return any(count >= IN_VAIN[code] for code, count in failures.items())
