"""LLM strategies that compare two documents at a time (PRP, Qin et al. 2023)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from itertools import combinations
from typing import Any, ClassVar, Literal

from typing_extensions import override

from reranking.documents import Candidates
from reranking.ranking import by_score
from reranking.requests import Request
from reranking.strategies.base import Answer, Guarantee, Steps, Until, together, until
from reranking.strategies.comparing import Comparing, Comparisons, TopK
from reranking.strategies.heap import Heap


class PairwiseAll(Comparing):
    """Compare every two documents, in both orders; the score is the number of wins.

    Requests: n (n - 1), all at once. Scores: wins, a tie counting half; with `mode` log-odds
    the expected wins. Ties: equal scores. A comparison whose answers disagree, or of which
    one is lost, is a tie; a document of which no comparison came back has no score.
    Source: Qin et al. 2023, https://arxiv.org/abs/2306.17563
    """

    title: ClassVar[str] = "Pairwise, all pairs"
    requests: ClassVar[str] = "n (n - 1)"
    promises: ClassVar[Guarantee] = "exact order"

    kind: Literal["pairwise-all"] = "pairwise-all"

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        asked = Comparisons(self, query, candidates)
        verdicts = yield from asked.ask(list(combinations(range(len(candidates)), 2)))
        wins: list[float | None] = [
            0.0 if place in asked.heard or len(candidates) == 1 else None for place in range(len(candidates))
        ]
        for pair, verdict in verdicts.items():
            share = verdict.share(self.mode)
            for place, won in zip(pair, (share, 1 - share), strict=True):
                known = wins[place]
                wins[place] = None if known is None else known + won
        kind = "wins" if self.mode == "agreement" else "expected wins"
        return asked.finished(by_score(candidates, wins, kind, diagnostics=asked.notes(), details=asked.details()))


class PairwiseSort(TopK):
    """Heap sort for the top k, asking a model which of two documents is better.

    Requests: about 2 x 280 for n = 100 and k = 10; both orders of a comparison together,
    independent subtrees at once, pops one behind the other. Scores: none (rank only). Ties:
    neighbours that no chain of decided comparisons tells apart, and all documents below the
    top k, in input order. A document that is known to be better than one of the top k is put
    in above it.
    Source: Qin et al. 2023, https://arxiv.org/abs/2306.17563
    """

    title: ClassVar[str] = "Pairwise, sorting"
    requests: ClassVar[str] = "about 560 for n = 100, k = 10"

    kind: Literal["pairwise-sort"] = "pairwise-sort"

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        asked = Comparisons(self, query, candidates)

        def best(parent: int, children: Sequence[int]) -> Generator[list[Request], list[Answer], int]:
            winner = parent
            for child in children:
                verdict = yield from asked.compare(winner, child)
                # Of equals the earlier one rises: the last item of the heap starts at its top, and would stay there.
                if verdict.beats(child, self.mode) or (child < winner and not verdict.beats(winner, self.mode)):
                    winner = child
            return winner

        top = yield from Heap(range(len(candidates)), 2, best).best(self.k)
        return asked.in_groups(asked.above_the_rest(asked.told_apart(top)))


class PairwiseSliding(TopK):
    """Bubble the best up from the bottom, k passes (PRP-Sliding-K).

    Requests: 2 (k (n - 1) - k (k - 1) / 2) at most; each pass follows the one before two
    places behind it, so that n + k - 2 steps suffice. Two documents change places
    only on an agreed win; a pass without a change is the last. Scores: none (rank only).
    Below the top k the order is as the passes left it. Ties: neighbours that no chain of decided
    comparisons tells apart.
    Source: Qin et al. 2023, https://arxiv.org/abs/2306.17563
    """

    title: ClassVar[str] = "Pairwise, sliding"
    requests: ClassVar[str] = "at most 2 (k (n - 1) - k (k - 1) / 2)"

    kind: Literal["pairwise-sliding"] = "pairwise-sliding"

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        asked = Comparisons(self, query, candidates)
        order = list(range(len(candidates)))
        passes = _Passes(asked, order, min(self.k, max(len(order) - 1, 0)))
        yield together(*passes.all())
        return asked.in_groups(asked.told_apart(order))


_Pass = Generator[list[Request] | Until, Any, None]


class _Passes:
    """The passes over one list, each two places behind the one before."""

    def __init__(self, asked: Comparisons, order: list[int], count: int) -> None:
        self.asked = asked
        self.order = order
        self.mode = asked.strategy.mode
        self.at = [len(order)] * count  # the upper place of the last pair that a pass has decided
        self.over = [False] * count
        self.idle = False  # a pass ended without a change: those after it need not begin

    def all(self) -> list[_Pass]:
        """Each pass, to be driven together."""
        return [self._pass(number) for number in range(len(self.at))]

    def _pass(self, number: int) -> _Pass:
        changed = False
        for lower in range(len(self.order) - 1, number, -1):
            upper = lower - 1
            yield until(partial(self._is_free, number, upper))
            if self.idle and not changed and lower == len(self.order) - 1:
                break
            verdict = yield from self.asked.compare(self.order[upper], self.order[lower])
            if verdict.beats(self.order[lower], self.mode):
                self.order[upper], self.order[lower] = self.order[lower], self.order[upper]
                changed = True
            self.at[number] = upper
        self.over[number] = True
        self.idle |= not changed

    def _is_free(self, number: int, upper: int) -> bool:
        """Whether the pass before has left the two places at `upper`."""
        return number == 0 or self.over[number - 1] or self.at[number - 1] < upper
