"""Rank by what a language model attends to when it reads the query below the documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, model_validator
from typing_extensions import override

from reranking.documents import Candidates
from reranking.prompts import PromptError
from reranking.prompts.passages import fence
from reranking.ranking import Contribution, Diagnostic, Explanation, by_score, failed
from reranking.replies import Attention, Failed
from reranking.requests import Attend, Piece, Request
from reranking.strategies.base import Answer, Family, Guarantee, Remedy, Steps
from reranking.strategies.llm import ShowsSeveral, lost

NO_QUERY = "N/A"
"""The query without content, whose attention shows what the model attends to in any case."""

OUTLIER = 2.0
"""Standard deviations below its passage's mean at which a token no longer counts."""

_UNUSED = range(0xE000, 0xF900)  # for private use: characters of no script

_Number = Annotated[int, Field(ge=0)]
Head = tuple[_Number, _Number]
Heads = Annotated[tuple[Head, ...], AfterValidator(lambda heads: tuple(dict.fromkeys(heads)))]


class AttentionMass(ShowsSeveral):
    """Sum the attention that the query's tokens pay to each document's, beyond what "N/A" gets in its place.

    Documents stand in reverse order, the last one best. A token's score is the attention from
    the query's tokens (their mean) less that from "N/A", summed over layers and heads; tokens
    more than two standard deviations below the mean of their document are left out.
    Requests: 2 at once (1 without calibration). Scores: attention mass, the sum over a
    document's tokens; negative if "N/A" attends to it more. Ties: equal scores. A lost or
    unusable reply fails the ranking; a document without tokens is not scored.
    Source: Chen et al. 2024, https://arxiv.org/abs/2410.02642; heads: https://arxiv.org/abs/2510.02219
    """

    title: ClassVar[str] = "Attention (in-context reranking)"
    family: ClassVar[Family] = "LLM attention"
    asks: ClassVar[tuple[type[Request], ...]] = (Attend,)
    requests: ClassVar[str] = "2 (1 without calibration)"
    promises: ClassVar[Guarantee] = "exact order"
    source: ClassVar[str] = "Chen et al. 2024, https://arxiv.org/abs/2410.02642"

    prompt_file: ClassVar[str] = "attention"
    remedies: ClassVar[tuple[Remedy, ...]] = (*ShowsSeveral.remedies, Remedy("ICR calibration", {"calibrate": True}))

    kind: Literal["attention"] = "attention"
    calibrate: bool = Field(
        True,
        title="Take away a bias of the model",
        description='Take away the attention that the empty query "N/A" gets',
    )
    heads: Heads = Field(
        (), description="Attention heads that count, as [layer, head] from 0, such as [[12, 3], [14, 0]]; none: all"
    )

    @model_validator(mode="after")
    def _query_stands_below(self) -> Self:
        self._frame()
        return self

    @property
    def score_kind(self) -> str:
        """What the scores are."""
        return "attention mass, less that of N/A" if self.calibrate else "attention mass"

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        if not candidates:
            return by_score(candidates, [], self.score_kind)
        shown = self.shown(candidates)
        presented = range(len(candidates))[::-1]
        indexes = [candidates[place].index for place in presented]

        def request(asked: str, words: int) -> Attend:
            return self.request(asked, shown.texts(presented, words), indexes)

        queries = [query, NO_QUERY] if self.calibrate else [query]
        replies = yield from shown.ask([partial(request, asked) for asked in queries], alike=True)
        notes = shown.notes()
        problem = _problem(replies, len(candidates), self.heads)
        if problem is not None:
            gone = next((reply for reply in replies if isinstance(reply, Failed)), None)
            told = [problem] if gone is None else lost([(item.index, gone) for item in candidates])
            return failed(candidates, [*notes, *told], score_kind=self.score_kind, details=self._details(replies))
        counted = counted_attention([reply for reply in replies if isinstance(reply, Attention)], self.heads)
        masses = [counted[slot] for slot in presented]  # reversed once more: in the order of the candidates
        notes += _without_tokens(candidates, masses)
        return by_score(
            candidates,
            [None if mass is None else mass.score for mass in masses],
            self.score_kind,
            explanations=[None if mass is None else mass.explanation() for mass in masses],
            diagnostics=notes,
            details=self._details(replies),
        )

    def request(self, query: str, texts: Sequence[str], indexes: Sequence[int]) -> Attend:
        """The question for one query: passages as given, in that order; `indexes` are their original positions."""
        return Attend(model=self.asked, task="attend", shown=tuple(indexes), pieces=self._pieces(query, texts))

    def _pieces(self, query: str, texts: Sequence[str]) -> tuple[Piece, ...]:
        above, below, mark = self._frame()
        line = fence(texts)
        found = [Piece("context", above.replace(mark, query.strip()))]
        for number, text in enumerate(texts, start=1):
            gap = "\n\n" if number > 1 else ""
            found.append(Piece("context", f"{gap}[{number}]\n{line}\n"))
            found += [Piece("passage", text.strip()), Piece("context", f"\n{line}")]
        for at, part in enumerate(below.split(mark)):
            if at:
                found.append(Piece("query", query.strip()))
            found.append(Piece("context", part))
        return tuple(piece for piece in found if piece.text or piece.label != "context")

    def _frame(self) -> tuple[str, str, str]:
        """The prompt above and below the passages, and the character that stands for the query in it.

        A query above the passages is context: its tokens cannot attend to what comes later.
        Raises PromptError if the passages do not stand in it once, or the query not below them.
        """
        template = self.template()
        taken = f"{template.system}{template.user}{'' if self.domain is None else self.domain.text()}"
        mark, place = [chr(code) for code in _UNUSED if chr(code) not in taken][:2]
        told = self.messages(query=mark, passages=place, order_note=self.order_note)
        system, user = (message.text for message in told)
        above, found, below = user.partition(place)
        if not found or place in f"{system}{below}":
            raise PromptError(f"{template.title}: the user part must show {{{{ passages }}}} once")
        if mark not in below:
            raise PromptError(f"{template.title}: {{{{ query }}}} must stand below {{{{ passages }}}}")
        return (f"{system}\n\n{above}" if system else above), below, mark

    def _details(self, replies: Sequence[Answer]) -> dict[str, Any]:
        there = next((reply.heads for reply in replies if isinstance(reply, Attention)), ())
        return {
            "heads": [list(head) for head in self.heads] or "all",
            "heads_of_model": len(there) or None,
            "calibrated": self.calibrate,
        }


@dataclass(frozen=True, slots=True)
class Mass:
    """The attention to one document, over the tokens that count: from the query, and from N/A (None if not asked)."""

    query: float
    nothing: float | None
    tokens: int
    left_out: int
    score: float

    def explanation(self) -> Explanation:
        """The parts of the score."""
        detail = f"{self.tokens} tokens" + (f", {self.left_out} of them left out" if self.left_out else "")
        parts = [Contribution("attention from the query", self.query, detail)]
        if self.nothing is not None:
            parts.append(Contribution(f'attention from "{NO_QUERY}"', -self.nothing))
        return Explanation(contributions=tuple(parts))


def counted_attention(replies: Sequence[Attention], heads: Sequence[tuple[int, int]] = ()) -> list[Mass | None]:
    """The mass of each passage of the first reply, less that of the second if there is one; None without tokens.

    `heads` are those that count; all if empty. With two replies, tokens whose difference is more
    than OUTLIER (population) standard deviations below the mean of their passage do not count.
    """
    sums = [_summed(reply, heads) for reply in replies]
    return [_mass(*passage) for passage in zip(*sums, strict=True)]


def _mass(asked: NDArray[np.float64], nothing: NDArray[np.float64] | None = None) -> Mass | None:
    if not asked.size:
        return None
    if nothing is None:
        total = float(asked.sum())
        return Mass(total, None, asked.size, 0, total)
    gained = asked - nothing
    counts = gained >= gained.mean() - OUTLIER * gained.std()
    left_out = int(asked.size - counts.sum())
    query, rest = float(asked[counts].sum()), float(nothing[counts].sum())
    return Mass(query, rest, asked.size, left_out, float(gained[counts].sum()))


def _summed(reply: Attention, heads: Sequence[tuple[int, int]]) -> list[NDArray[np.float64]]:
    """Per passage the attention to each token, summed over the heads that count."""
    rows = [at for at, head in enumerate(reply.heads) if not heads or head in set(heads)]
    return [table[rows].astype(np.float64).sum(axis=0) for table in reply.passages]


def _problem(replies: Sequence[Answer], count: int, heads: Sequence[tuple[int, int]]) -> Diagnostic | None:
    """What keeps the replies from being used, if anything does."""
    for reply in replies:
        if not isinstance(reply, Attention):
            return Diagnostic("unusable-reply", "The reply holds no attention.")
        shapes = [table.shape[:1] for table in reply.passages if table.ndim == 2]
        if len(shapes) != count or set(shapes) != {(len(reply.heads),)} or not reply.heads:
            return Diagnostic("unusable-reply", "The reply does not hold the attention of each head to each document.")
        missing = [head for head in heads if head not in set(reply.heads)]
        if missing:
            first, last = list(min(reply.heads)), list(max(reply.heads))
            message = f"The model has no head {list(missing[0])}: its heads go from {first} to {last}."
            return Diagnostic("unknown-head", message)
    lengths = [[table.shape for table in reply.passages] for reply in replies if isinstance(reply, Attention)]
    if any(other != lengths[0] for other in lengths):
        return Diagnostic("unusable-reply", f'The replies to the query and to "{NO_QUERY}" hold other tokens.')
    return None


def _without_tokens(candidates: Candidates, masses: Sequence[Mass | None]) -> list[Diagnostic]:
    indexes = tuple(item.index for item, mass in zip(candidates, masses, strict=True) if mass is None)
    if not indexes:
        return []
    what = "1 document has" if len(indexes) == 1 else f"{len(indexes)} documents have"
    return [Diagnostic("no-tokens", f"{what} no tokens to attend to, and no score.", indexes)]
