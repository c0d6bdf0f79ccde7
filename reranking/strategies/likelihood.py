"""How probable the query is as a question about each document."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

from typing_extensions import override

from reranking.documents import Candidates
from reranking.prompts.passages import fenced
from reranking.ranking import by_score
from reranking.replies import Failed, LogLikelihood
from reranking.requests import Likelihood, Request
from reranking.strategies.base import Family, Guarantee, Steps
from reranking.strategies.llm import LLMStrategy, lost, unusable


class QueryLikelihood(LLMStrategy):
    """Score each document by the mean log-probability of the query's tokens after it.

    Requests: n, all at once. Scores: log-likelihood per token. Ties: equal scores. A document
    without a likelihood is not scored and goes below the scored ones.
    Source: Sachan et al. 2022, https://arxiv.org/abs/2204.07496
    """

    title: ClassVar[str] = "Query likelihood"
    family: ClassVar[Family] = "LLM pointwise"
    asks: ClassVar[tuple[type[Request], ...]] = (Likelihood,)
    requests: ClassVar[str] = "n"
    promises: ClassVar[Guarantee] = "exact order"
    source: ClassVar[str] = "Sachan et al. 2022, https://arxiv.org/abs/2204.07496"

    prompt_file: ClassVar[str] = "question"
    ignores_order: ClassVar[bool] = True

    kind: Literal["query-likelihood"] = "query-likelihood"

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        shown = self.shown(candidates)

        def request(place: int, words: int) -> Likelihood:
            return Likelihood(
                model=self.asked,
                task="likelihood",
                shown=(candidates[place].index,),
                messages=self.messages(passage=fenced(shown.texts([place], words))[0]),
                continuation=query,
            )

        replies = yield from shown.ask([partial(request, place) for place in range(len(candidates))])
        pairs = list(zip(candidates, replies, strict=True))
        notes = shown.notes()
        notes += lost([(item.index, reply) for item, reply in pairs if isinstance(reply, Failed)])
        scores: list[float | None] = []
        for item, reply in pairs:
            known = isinstance(reply, LogLikelihood) and reply.tokens > 0
            scores.append(reply.logprob / reply.tokens if known and isinstance(reply, LogLikelihood) else None)
            if isinstance(reply, LogLikelihood) and not known:
                notes.append(unusable(item.id, item.index, "the query has no tokens", reply.receipt.raw))
        return by_score(candidates, scores, "log-likelihood per token", diagnostics=notes)
