"""Asking for the order of several lists of documents at once, and what is told of it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from typing import ClassVar

from pydantic import Field

from reranking.documents import Candidates
from reranking.parsing import parse_order
from reranking.prompts.passages import fence
from reranking.ranking import Diagnostic, Outcome
from reranking.replies import Failed, Text
from reranking.requests import Generate, Request
from reranking.strategies.base import Answer, Family
from reranking.strategies.listwise import TOKENS_PER_PLACE, TOKENS_TO_SPARE, mending, order_schema
from reranking.strategies.llm import ShowsSeveral, lost
from reranking.strategies.unread import noted


class Ordering(ShowsSeveral):
    """A strategy that shows several documents at once and asks for their order."""

    family: ClassVar[Family] = "LLM listwise"
    asks: ClassVar[tuple[type[Request], ...]] = (Generate,)
    prompt_file: ClassVar[str] = "listwise"

    window: int = Field(20, ge=2, le=200, title="Documents in a window", description="Documents the model sees at once")


class Windows:
    """Asks for orders, and keeps what came for the outcome and the diagnostics."""

    def __init__(self, strategy: Ordering, query: str, candidates: Candidates) -> None:
        self.strategy = strategy
        self.query = query
        self.candidates = candidates
        self.asked = 0
        self.kept = 0  # windows whose reply gave no order
        self._shown = strategy.shown(candidates)
        self._fence = fence(self._shown.whole.texts)
        self._notes: list[Diagnostic] = []
        self._lost: list[tuple[int, Failed]] = []
        self._kept_places: set[int] = set()
        self._mended = False

    def order(self, lists: Sequence[Sequence[int]]) -> Generator[list[Request], list[Answer], list[list[int] | None]]:
        """Ask for the order of each list of places, all at once.

        A list of fewer than two is in order already. One whose reply gave no order is None.
        """
        waiting = [at for at, places in enumerate(lists) if len(places) > 1]
        found: list[list[int] | None] = [list(places) for places in lists]
        if waiting:
            replies = yield from self._shown.ask([partial(self._request, lists[at]) for at in waiting])
            self.asked += len(waiting)
            for at, reply in zip(waiting, replies, strict=True):
                found[at] = self._read(lists[at], reply)
        return found

    @property
    def nothing_came(self) -> bool:
        """Whether something was asked and no reply gave an order."""
        return self.asked > 0 and self.kept == self.asked

    @property
    def outcome(self) -> Outcome:
        """Failed if nothing came, partial if a reply gave no order, repaired if one had to be mended."""
        if self.nothing_came:
            return "failed"
        return "partial" if self.kept else "repaired" if self._mended else "complete"

    def notes(self) -> list[Diagnostic]:
        """What happened on the way."""
        kept = tuple(sorted(self.candidates[place].index for place in self._kept_places))
        message = f"{self.kept} of {self.asked} replies gave no order; their documents stayed as they were."
        windows = [Diagnostic("window-kept", message, kept)] if self.kept else []
        return [*self._shown.notes(), *windows, *lost(self._lost), *self._notes]

    def _request(self, places: Sequence[int], words: int) -> Generate:
        listed = "\n\n".join(
            f"[{at}]\n{self._fence}\n{text.strip()}\n{self._fence}"
            for at, text in enumerate(self._shown.texts(places, words), start=1)
        )
        count = len(places)
        return Generate(
            model=self.strategy.asked,
            task="order",
            shown=tuple(self.candidates[place].index for place in places),
            messages=self.strategy.messages(
                query=self.query, passages=listed, count=count, reasons=False, order_note=self.strategy.order_note
            ),
            schema=order_schema(count, False),
            max_output_tokens=TOKENS_TO_SPARE + TOKENS_PER_PLACE * count,
        )

    def _read(self, places: Sequence[int], reply: Answer) -> list[int] | None:
        if isinstance(reply, Failed):
            self._lost += [(self.candidates[place].index, reply) for place in places]
            self._stay(places)
            return None
        assert isinstance(reply, Text)
        order = parse_order(reply.text, len(places)) if reply.finish != "refusal" else None
        if order is None or order.places is None:
            self._notes.append(noted(reply, "a reply states no order"))
            self._stay(places)
            return None
        if order.mended:
            self._mended = True
            self._notes += mending([self.candidates[place] for place in places], order, reply.text)
        return [places[at] for at in order.places]

    def _stay(self, places: Sequence[int]) -> None:
        self.kept += 1
        self._kept_places.update(places)
