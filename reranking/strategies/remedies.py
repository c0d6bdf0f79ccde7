"""What could make a strategy depend less on the order of its input: variants made from what its parts declare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from reranking.strategies.base import Remedy, Strategy
from reranking.strategies.catalogue import each, mapped
from reranking.strategies.consistency import REMEDIES, SelfConsistency


@dataclass(frozen=True, slots=True)
class Variant:
    """The strategy with one remedy in all of its parts that know it; `title` and `is_dear` are the remedy's."""

    title: str
    strategy: Strategy
    is_dear: bool


def variants(strategy: Strategy) -> list[Variant]:
    """The remedies that change `strategy`; none if it ignores the order anyway.

    Self-consistency is one for every strategy that is not made of it already.
    """
    if strategy.ignores_order:
        return []
    known = {remedy.title: remedy.is_dear for part in each(strategy) for remedy in part.remedies}
    found = [Variant(title, _with(strategy, title), is_dear) for title, is_dear in known.items()]
    if not any(isinstance(part, SelfConsistency) for part in each(strategy)):
        found += [
            Variant(remedy.title, SelfConsistency(base=strategy, **remedy.values), remedy.is_dear)
            for remedy in REMEDIES
        ]
    return [variant for variant in found if variant.strategy != strategy]


def at_work(strategy: Strategy) -> list[str]:
    """The titles of the remedies that `strategy` has already in all parts that know them."""
    titles = dict.fromkeys(remedy.title for part in each(strategy) for remedy in part.remedies)
    return [title for title in titles if _with(strategy, title) == strategy]


def _with(strategy: Strategy, title: str) -> Strategy:
    def change(part: Strategy) -> Strategy:
        remedy = _of(part, title)
        return part if remedy is None else part.model_copy(update=dict(remedy.values))

    return cast(Strategy, mapped(strategy, change))


def _of(part: Strategy, title: str) -> Remedy | None:
    return next((remedy for remedy in part.remedies if remedy.title == title), None)
