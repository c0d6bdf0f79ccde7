"""What pairwise strategies share: how two documents are compared, and what is told of it.

A comparison asks both orders, (A, B) and (B, A): answers that name the same document decide
it; answers that disagree, or of which one is lost, are a tie. Strategies may ask one order
alone, whose answer then decides.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, TypeVar

import numpy as np
from pydantic import Field

from reranking.documents import Candidates
from reranking.prompts.passages import fence
from reranking.ranking import Diagnostic, Ranking, by_groups, failed
from reranking.replies import Choices, Failed
from reranking.requests import Choose, Request
from reranking.strategies.base import Answer, Family, Guarantee, Remedy
from reranking.strategies.llm import ShowsSeveral, lost
from reranking.strategies.unread import Unread, counted
from reranking.strategies.verdicts import Mode, Pair, PartialOrder, Verdict, circles

Result = TypeVar("Result")


class Comparing(ShowsSeveral):
    """A strategy that asks which of two documents is more relevant."""

    family: ClassVar[Family] = "LLM pairwise"
    asks: ClassVar[tuple[type[Request], ...]] = (Choose,)
    source: ClassVar[str] = "Qin et al. 2023, https://arxiv.org/abs/2306.17563"
    prompt_file: ClassVar[str] = "pairwise"
    remedies: ClassVar[tuple[Remedy, ...]] = (
        *ShowsSeveral.remedies,
        Remedy("Both orders must agree", {"mode": "agreement"}),
        Remedy("Probability mode", {"mode": "log-odds"}),
    )

    mode: Mode = Field(
        "agreement", description="Both orders must name the same document; or their mean log-odds decide"
    )


class TopK(Comparing):
    """A pairwise strategy that settles the best k."""

    adaptive: ClassVar[bool] = True
    promises: ClassVar[Guarantee] = "exact top k"

    k: int = Field(10, ge=1, title="Best documents to order (k)", description="How many of the best are put in order")


class Comparisons:
    """The comparisons of one ranking: asks them, and keeps what came for details and diagnostics.

    Without `both_orders` a pair is shown in its own order only, its first place as A.
    """

    def __init__(self, strategy: Comparing, query: str, candidates: Candidates, *, both_orders: bool = True) -> None:
        self.strategy = strategy
        self.both_orders = both_orders
        self.query = query
        self.candidates = candidates
        self.verdicts: dict[Pair, Verdict] = {}
        self.heard: set[int] = set()  # places of which at least one comparison came back
        self._shown = strategy.shown(candidates)
        self._fence = fence(self._shown.whole.texts)
        self._lost: list[tuple[Pair, Failed]] = []
        self._unread: list[Unread] = []
        self._written = False
        self._requests = 0

    def ask(self, pairs: Sequence[Pair]) -> Generator[list[Request], list[Answer], dict[Pair, Verdict]]:
        """Ask all `pairs` together; returns the verdict of each pair."""
        if not pairs:
            return {}
        ways = 2 if self.both_orders else 1
        builds = [partial(self._request, *way) for pair in pairs for way in (pair, pair[::-1])[:ways]]
        replies = yield from self._shown.ask(builds)
        self._requests += len(builds)
        found = {pair: self._verdict(pair, replies[ways * at : ways * (at + 1)]) for at, pair in enumerate(pairs)}
        for pair, verdict in found.items():
            if verdict.log_odds is not None:
                self.heard.update(pair)
            ascending = (min(pair), max(pair))
            if pair == ascending or ascending not in self.verdicts:  # whichever of two ways was answered first
                self.verdicts[ascending] = verdict
        return found

    def compare(self, one: int, two: int) -> Generator[list[Request], list[Answer], Verdict]:
        """Ask one pair; returns its verdict."""
        return (yield from self.ask([(one, two)]))[one, two]

    def rounds(
        self, asking: Generator[list[Pair], list[Verdict], Result]
    ) -> Generator[list[Request], list[Answer], Result]:
        """Drive something that yields rounds of pairs and is sent their verdicts; returns its result."""
        verdicts: list[Verdict] | None = None
        while True:
            try:
                pairs = next(asking) if verdicts is None else asking.send(verdicts)
            except StopIteration as stop:
                result: Result = stop.value
                return result
            found = yield from self.ask(list(dict.fromkeys(pairs)))
            verdicts = [found[pair] for pair in pairs]

    @property
    def nothing_came(self) -> bool:
        """Whether something was asked and not one comparison came back."""
        return self._requests > 0 and not self.heard

    def in_groups(self, groups: Sequence[Sequence[int]], notes: Sequence[Diagnostic] = (), **details: Any) -> Ranking:
        """The ranking in groups of tied places, best first, or a failed one if nothing came."""
        told = [*self.notes(), *notes]
        details = {**self.details(), **details}
        if self.nothing_came:
            return failed(self.candidates, told, details=details)
        return self.finished(by_groups(self.candidates, groups, diagnostics=told, details=details))

    def finished(self, ranking: Ranking) -> Ranking:
        """The ranking as it is, or partial if answers are missing."""
        missing = self._lost or self._unread
        return replace(ranking, outcome="partial") if missing and ranking.outcome == "complete" else ranking

    def above_the_rest(self, top: Sequence[Sequence[int]]) -> list[list[int]]:
        """The groups of `top`, and all other places as one tie below them."""
        named = {place for group in top for place in group}
        return [*map(list, top), [place for place in range(len(self.candidates)) if place not in named]]

    def told_apart(self, order: Sequence[int]) -> list[list[int]]:
        """`order` in groups of tied places: tied is what no chain of decided comparisons tells apart.

        Where decided comparisons say otherwise than `order`, they count, unless they go in a
        circle: they can also put in a place that is not in `order`, above one that is.
        """
        known = PartialOrder(len(self.candidates))
        known.learn(self._by_pair(), self.strategy.mode)
        missed = set(np.flatnonzero(known.above[:, list(order)].any(axis=1)).tolist()) - set(order)
        return known.groups([*order, *sorted(missed)])

    def notes(self) -> list[Diagnostic]:
        """What happened on the way, however it was interleaved."""
        failed_pairs = sorted(self._lost, key=lambda entry: (entry[0], entry[1].code, entry[1].message, entry[1].raw))
        told = [(self.candidates[place].index, failure) for pair, failure in failed_pairs for place in pair]
        missing = [replace(note, indexes=tuple(sorted(set(note.indexes)))) for note in lost(told)]
        notes = [*self._shown.notes(), *missing]
        effect = "such comparisons count as ties" if self.both_orders else "such comparisons do not count"
        notes += counted(self._unread, "said neither A nor B", effect)
        if self._written and self.strategy.mode == "log-odds":
            message = "The model gives no log-probabilities; its written answers count as certain."
            notes.append(Diagnostic("no-logprobs", message))
        return notes

    def details(self) -> dict[str, Any]:
        """Every comparison by original positions, which of them disagreed, and which triads are cyclic.

        The counts are of all; at most MOST_LISTED pairs and triads are listed. `wins` has a row
        for each of `documents` (original positions): its share of the win over each of them, None
        where they were not compared. More than MOST_IN_MATRIX documents have no `wins` (None).
        Nothing is known of disagreement (None) where one order alone was asked.
        """
        mode = self.strategy.mode
        verdicts = self._by_pair()
        disagreed = [verdict.pair for verdict in verdicts if verdict.agree is False]
        found = circles(verdicts, mode, MOST_LISTED)
        return {
            "comparisons": [self._told(verdict) for verdict in verdicts],
            "inconsistent": len(disagreed) if self.both_orders else None,
            "inconsistent_pairs": self._named(disagreed[:MOST_LISTED]) if self.both_orders else None,
            "compared": len(self.verdicts),
            "cyclic_triads": found.count,
            "cyclic": self._named(found.triads),
            **self._wins(),
        }

    def _by_pair(self) -> list[Verdict]:
        """All verdicts, in an order that does not depend on which answer came first."""
        return [self.verdicts[pair] for pair in sorted(self.verdicts)]

    def _named(self, groups: Sequence[Sequence[int]]) -> list[list[int]]:
        """Original positions instead of places."""
        return [[self.candidates[place].index for place in group] for group in groups]

    def _wins(self) -> dict[str, Any]:
        """The win matrix and the documents of its rows. A comparison of which an answer is lost was not made."""
        documents = sorted(item.index for item in self.candidates)
        if len(documents) > MOST_IN_MATRIX:
            return {"documents": documents, "wins": None}
        row = {index: at for at, index in enumerate(documents)}
        wins: list[list[float | None]] = [[None] * len(documents) for _ in documents]
        for verdict in self.verdicts.values():
            if verdict.log_odds is not None:
                first, second = (row[self.candidates[place].index] for place in verdict.pair)
                wins[first][second] = share = verdict.share(self.strategy.mode)
                wins[second][first] = 1 - share
        return {"documents": documents, "wins": wins}

    def _told(self, verdict: Verdict) -> dict[str, Any]:
        first, second = (self.candidates[place].index for place in verdict.pair)
        winner = None if verdict.winner is None else self.candidates[verdict.winner].index
        return {
            "first": first,
            "second": second,
            "winner": winner,
            "log_odds": verdict.log_odds,
            "agree": verdict.agree,
        }

    def _request(self, first: int, second: int, words: int) -> Choose:
        passages = self._shown.texts((first, second), words)
        texts = [f"{self._fence}\n{text.strip()}\n{self._fence}" for text in passages]
        messages = self.strategy.messages(
            query=self.query, first=texts[0], second=texts[1], order_note=self.strategy.order_note
        )
        shown = (self.candidates[first].index, self.candidates[second].index)
        return Choose(model=self.strategy.asked, task="pick", shown=shown, messages=messages, choices=("A", "B"))

    def _verdict(self, pair: Pair, replies: Sequence[Answer]) -> Verdict:
        heard = [self._odds(pair, reply) for reply in replies]
        # The second request shows the pair's first place as B.
        odds = [value if at == 0 else -value for at, value in enumerate(heard) if value is not None]
        if len(odds) < len(replies):
            return Verdict(pair, None, None, None)
        first, second = pair
        winner = first if min(odds) > 0 else second if max(odds) < 0 else None
        agree = winner is not None if self.both_orders else None
        return Verdict(pair, winner, sum(odds) / len(odds), agree)

    def _odds(self, pair: Pair, reply: Answer) -> float | None:
        """Log-odds of A in one reply; an answer that was not returned counts as certain not to be meant."""
        if isinstance(reply, Failed):
            self._lost.append((pair, reply))
            return None
        assert isinstance(reply, Choices)
        self._written |= reply.by == "generated"
        a, b = reply.known
        if a is None and b is None:
            self._unread.append((tuple(self.candidates[place].index for place in pair), reply))
            return None
        return CERTAIN if b is None else -CERTAIN if a is None else a - b


CERTAIN = 20.0
"""Log-odds that stand for an answer of which only one side was returned (2 in a billion)."""

MOST_LISTED = 100
"""How many inconsistent pairs and cyclic triads the details list."""

MOST_IN_MATRIX = 50
"""How many documents the win matrix shows at most."""
