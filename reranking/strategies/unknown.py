"""A strategy that was stored, and that this installation does not have (any more)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from typing_extensions import override

from reranking.documents import Candidates
from reranking.ranking import Diagnostic, failed
from reranking.strategies.base import Family, Steps, Strategy
from reranking.strategies.catalogue import UnknownStrategyError, make


class UnknownStrategy(Strategy):
    """A stored strategy that this installation does not have; its stored ranking can still be read."""

    title: ClassVar[str] = "Unknown strategy"
    family: ClassVar[Family] = "Baseline"

    stored: dict[str, Any]

    @property
    @override
    def name(self) -> str:
        return f"{self.stored.get('kind', 'unknown')} (not installed)"

    @override
    def spec(self) -> dict[str, Any]:
        return self.stored

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        yield from ()
        return failed(candidates, [Diagnostic("unknown-strategy", f"{self.name}: install what it comes from.")])


def made(spec: Mapping[str, Any]) -> Strategy:
    """The strategy that was stored as `spec`, or one in its place that says that it is not installed."""
    try:
        return make(spec)
    except UnknownStrategyError:
        return UnknownStrategy(stored=dict(spec))
