"""LLM strategies that ask for the best of a few documents (Zhuang et al. 2024)."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from functools import partial
from string import ascii_uppercase
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from reranking.documents import Candidates
from reranking.prompts.passages import fence
from reranking.ranking import Diagnostic, by_groups, failed
from reranking.replies import Choices, Failed
from reranking.requests import Choose, Request
from reranking.strategies.base import Answer, Family, Guarantee, Steps
from reranking.strategies.heap import Heap
from reranking.strategies.llm import ShowsSeveral, lost
from reranking.strategies.tree import Tree
from reranking.strategies.unread import Unread, counted


class Setwise(ShowsSeveral):
    """Find the top k by asking which of a few documents is the best: with a heap, or a tree of groups.

    Requests for n = 100, k = 10 and 2 / 3 / 9 / 19 children: about 141 / 82 / 31 / 24 with a
    heap, in 33 to 20 dependent steps; 144 / 112 / 38 / 28 with a tree, in 11 to 14 steps, since it
    asks for the next best before it is needed. Scores: none (rank only). Documents below the
    top k are one tie, in input order. A reply that is lost or names no document keeps the first
    one shown (a heap's parent), is reported, and makes the outcome `partial`.
    Source: Zhuang et al. 2024, https://arxiv.org/abs/2310.09497
    """

    title: ClassVar[str] = "Setwise"
    family: ClassVar[Family] = "LLM setwise"
    asks: ClassVar[tuple[type[Request], ...]] = (Choose,)
    requests: ClassVar[str] = "about 82 (tree: 112) for n = 100, k = 10 and 3 children"
    adaptive: ClassVar[bool] = True
    promises: ClassVar[Guarantee] = "exact top k"
    source: ClassVar[str] = "Zhuang et al. 2024, https://arxiv.org/abs/2310.09497"

    prompt_file: ClassVar[str] = "setwise"

    kind: Literal["setwise"] = "setwise"
    k: int = Field(10, ge=1, title="Best documents to order (k)", description="How many of the best are put in order")
    children: int = Field(
        3,
        ge=2,
        le=19,
        title="Documents compared with one more",
        description="Documents that are compared with one more at once",
    )
    method: Literal["heap", "tree"] = Field(
        "heap", description="A heap asks less; a tree of groups asks ahead and needs fewer steps"
    )

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        questions = _Questions(self, query, candidates)
        places = range(len(candidates))
        if self.method == "tree":
            top = yield from Tree(places, self.children + 1, questions.best).best(self.k)
        else:
            heap = Heap(places, self.children, lambda parent, children: questions.best((parent, *children)))
            top = yield from heap.best(self.k)
        notes = questions.notes()
        if questions.asked and questions.asked == questions.kept:
            return failed(candidates, notes)
        rest = sorted(set(range(len(candidates))) - set(top))
        groups = [*([place] for place in top), rest]
        return by_groups(candidates, groups, outcome="partial" if questions.kept else "complete", diagnostics=notes)


class _Questions:
    """Asks about sets and reads the answers, in any order."""

    def __init__(self, strategy: Setwise, query: str, candidates: Candidates) -> None:
        self.strategy = strategy
        self.query = query
        self.candidates = candidates
        self.shown = strategy.shown(candidates)
        self.fence = fence(self.shown.whole.texts)
        self.asked = 0
        self.kept = 0  # answers that gave nothing, so that the first one shown stayed
        self._lost: list[tuple[tuple[int, ...], Failed]] = []
        self._unread: list[Unread] = []
        self._kept: set[int] = set()  # the documents that stayed

    def best(self, places: Sequence[int]) -> Generator[list[Request], list[Answer], int]:
        """Ask which of the documents at `places` is the best; returns its place."""
        (reply,) = yield from self.shown.ask([partial(self._request, places)])
        self.asked += 1
        return self._read(places, reply)

    def notes(self) -> list[Diagnostic]:
        """What happened on the way, however it was interleaved."""
        missing = sorted(self._lost, key=lambda entry: (entry[0], entry[1].code, entry[1].message, entry[1].raw))
        told = [(self.candidates[place].index, failure) for places, failure in missing for place in places]
        notes = [*self.shown.notes(), *lost(told), *counted(self._unread, "named none of the documents")]
        if 0 < self.kept < self.asked:
            message = f"{self.kept} times no usable answer came, and the first document shown was kept as the best."
            notes.append(Diagnostic("first-kept", message, tuple(sorted(self._kept))))
        return notes

    def _request(self, places: Sequence[int], words: int) -> Choose:
        labels = ascii_uppercase[: len(places)]
        passages = "\n\n".join(
            f"Passage {label}:\n{self.fence}\n{text.strip()}\n{self.fence}"
            for label, text in zip(labels, self.shown.texts(places, words), strict=True)
        )
        return Choose(
            model=self.strategy.asked,
            task="pick",
            shown=tuple(self.candidates[place].index for place in places),
            messages=self.strategy.messages(
                query=self.query,
                passages=passages,
                labels=", ".join(labels),
                order_note=self.strategy.order_note,
            ),
            choices=tuple(labels),
        )

    def _read(self, places: Sequence[int], reply: Answer) -> int:
        if isinstance(reply, Choices):
            known = [(logprob, -slot) for slot, logprob in enumerate(reply.known) if logprob is not None]
            if known:
                return places[-max(known)[1]]
            self._unread.append((tuple(self.candidates[place].index for place in places), reply))
        elif isinstance(reply, Failed):
            self._lost.append((tuple(places), reply))
        self.kept += 1
        self._kept.add(self.candidates[places[0]].index)
        return places[0]
