"""Rankings by rerankers that are asked over HTTP."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from reranking.documents import Candidates, has_content
from reranking.prompts.passages import Passages
from reranking.ranking import Diagnostic, by_score
from reranking.replies import Failed, Scores
from reranking.requests import Request, Score
from reranking.strategies.base import Answer, AsksModel, Family, Steps
from reranking.strategies.llm import lost
from reranking.strategies.showing import TOO_LONG, Shown, cut_note

SCORE_KIND = "relevance score"


class RerankEndpoint(AsksModel):
    """Order by the relevance score that a hosted or self-hosted rerank endpoint gives.

    Requests: n / per_request, rounded up, all at once. One that is too long for the endpoint is
    halved and asked again, down to single documents, which are shortened until they fit. Scores:
    the endpoint's own; those of different requests may not compare, and the ranking says so.
    Ties: equal scores. What a failed request asked about is not scored, nor is a document to
    which the reply gives no number, nor one without text, which is not sent.
    Source: the protocol of https://docs.cohere.com/reference/rerank
    """

    title: ClassVar[str] = "Rerank endpoint"
    family: ClassVar[Family] = "Hosted"
    asks: ClassVar[tuple[type[Request], ...]] = (Score,)
    requests: ClassVar[str] = "n / per_request, rounded up; more if they are too long"
    adaptive: ClassVar[bool] = True
    promises = "exact order"
    source: ClassVar[str] = "https://docs.cohere.com/reference/rerank"

    kind: Literal["rerank-endpoint"] = "rerank-endpoint"
    passage_words: int = Field(
        300,
        ge=1,
        le=100_000,
        description="Words of each document that are sent; endpoints cut off what is too long without saying so",
    )
    show_title: bool = Field(True, title="Send titles", description="Send the document's title above its text")
    per_request: int = Field(
        1000, ge=1, le=10_000, title="Documents in a request", description="Documents in one request at most"
    )

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        shown = Shown(candidates, self.passage_words, self.show_title)
        texts = _plain(shown.whole)
        words = [self.passage_words] * len(texts)
        sent = [at for at, text in enumerate(texts) if has_content(text)]
        scores: list[float | None] = [None] * len(candidates)
        kind, sizes = SCORE_KIND, list[int]()
        cut = set(shown.whole.cut)
        gone: list[tuple[int, Failed]] = []
        silent: list[tuple[int, Scores]] = []
        waiting = _pieces(sent, self.per_request)
        while waiting:
            replies: list[Answer] = yield [
                Score(
                    model=self.asked,
                    task="score",
                    query=query,
                    texts=tuple(texts[at] for at in piece),
                    shown=tuple(candidates[at].index for at in piece),
                )
                for piece in waiting
            ]
            asked, waiting = waiting, []
            for piece, reply in zip(asked, replies, strict=True):
                if not isinstance(reply, Failed):
                    assert isinstance(reply, Scores)
                    kind = reply.score_kind
                    if len(piece) == 1:
                        shown.was_shortened(piece, words[piece[0]])
                    sizes.append(len(piece))
                    for at, score, shortened in zip(piece, reply.scores, reply.cut, strict=True):
                        if math.isfinite(score):
                            scores[at] = score
                        else:
                            silent.append((candidates[at].index, reply))
                        cut |= {candidates[at].index} if shortened else set()
                elif reply.code == TOO_LONG and len(piece) > 1:
                    waiting += _pieces(piece, (len(piece) + 1) // 2)
                elif reply.code == TOO_LONG and (fewer := shown.fewer(piece, words[piece[0]], reply.fits)) is not None:
                    (at,) = piece
                    words[at] = fewer
                    (texts[at],) = _plain(shown.passages(piece, fewer))
                    waiting.append(piece)
                else:
                    gone += [(candidates[at].index, reply) for at in piece]
        notes = [*cut_note(sorted(cut)), *shown.shortened(), *_not_sent(candidates, sent), *lost(gone)]
        notes += [*_silent(silent), *_split(sizes)]
        return by_score(candidates, scores, kind, diagnostics=notes)


def _plain(shown: Passages) -> list[str]:
    """Titles and beginnings of texts as written: an endpoint takes them one by one, so nothing can be imitated."""
    return [f"{title}\n{text.strip()}".strip() for title, text in zip(shown.titles, shown.read, strict=True)]


def _pieces(places: Sequence[int], most: int) -> list[list[int]]:
    """`places` in as few pieces as hold at most `most` each, none longer than another by more than one."""
    count = -(-len(places) // most)
    ends = [len(places) * at // count for at in range(count + 1)] if count else []
    return [list(places[start:end]) for start, end in pairwise(ends)]


def _not_sent(candidates: Candidates, sent: Sequence[int]) -> list[Diagnostic]:
    kept = set(sent)
    indexes = tuple(item.index for at, item in enumerate(candidates) if at not in kept)
    if not indexes:
        return []
    what = "1 document has" if len(indexes) == 1 else f"{len(indexes)} documents have"
    return [Diagnostic("no-text", f"{what} no text, and no score.", indexes)]


def _silent(unscored: Sequence[tuple[int, Scores]]) -> list[Diagnostic]:
    if not unscored:
        return []
    what = "1 document" if len(unscored) == 1 else f"{len(unscored)} documents"
    message = f"The endpoint's reply has no score for {what}."
    return [Diagnostic("no-score", message, tuple(sorted(index for index, _ in unscored)), unscored[0][1].receipt.raw)]


def _split(sizes: Sequence[int]) -> list[Diagnostic]:
    if len(sizes) < 2:
        return []
    message = f"The documents were scored in {len(sizes)} requests. Scores of different requests may not compare."
    return [Diagnostic("several-requests", message, data={"documents": list(sizes)})]
