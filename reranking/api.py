"""The library: rank documents for a query with one strategy, or compare several."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from reranking.analysis.bias_plan import BiasPlan
from reranking.analysis.bias_runs import bias_run
from reranking.archive import Archive, Call, MemoryArchive
from reranking.documents import Candidate, Document, as_candidates, has_content
from reranking.engine import drive, run_strategy
from reranking.gateway import Budget, Common, Gateway, Run
from reranking.loop import wait_for
from reranking.models import Model, ModelRef
from reranking.providers.abilities import Abilities
from reranking.providers.probing import QUERY, TEXTS, Probe
from reranking.providers.registry import Registry
from reranking.providers.settings import Settings
from reranking.ranking import Ranking
from reranking.replies import Reply
from reranking.strategies.attention import AttentionMass
from reranking.strategies.base import Strategy
from reranking.strategies.bias_results import BiasResult, Ran, is_steady, result_of
from reranking.strategies.catalogue import fill_model, make, with_defaults, without_model
from reranking.strategies.head_selection import HeadSelection, JudgedQuery, select_heads

Documents = Iterable[Document | str | Mapping[str, Any]]
StrategyLike = Strategy | str | Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One query, its candidates, and one ranking per strategy, in the order asked for."""

    query: str
    candidates: tuple[Candidate, ...]
    rankings: tuple[Ranking, ...]

    def to_json(self) -> dict[str, Any]:
        """The comparison in the form of the command line's contract."""
        return {"query": self.query, "rankings": [ranking.to_json() for ranking in self.rankings]}


def rerank(
    query: str,
    documents: Documents,
    strategy: StrategyLike,
    model: ModelRef | None = None,
    *,
    archive: Archive | None = None,
    settings: Settings | None = None,
    budget_usd: float | Budget | None = None,
) -> Ranking:
    """Order `documents` by relevance to `query`.

    `strategy` is an instance, a mapping with `kind`, or a name such as `bm25` or `bm25(k1=2)`.
    `model` fills the strategy's empty model fields. Replies are kept in `archive` (default:
    in memory, for this call). `settings` tell of keys and named connections (default: the
    environment's). At most `budget_usd` US dollars are spent (see `Budget`; give one to share it
    between calls): what would take more is not asked, and asked when the call is repeated with the
    same archive and a higher limit. A model's failure is stated in the ranking's outcome; raises
    ValueError for an empty query, an unknown strategy or a strategy left without a model.
    """
    found = compare(query, documents, [strategy], model, archive=archive, settings=settings, budget_usd=budget_usd)
    return found.rankings[0]


def compare(
    query: str,
    documents: Documents,
    strategies: Sequence[StrategyLike],
    model: ModelRef | None = None,
    *,
    archive: Archive | None = None,
    settings: Settings | None = None,
    budget_usd: float | Budget | None = None,
) -> Comparison:
    """Order `documents` by each of `strategies`, all at once, which share `budget_usd`. See `rerank`."""
    if not has_content(query):
        raise ValueError("the query is empty")
    registry = Registry(settings)
    candidates = as_candidates(documents)
    ready = [prepared(strategy, model, registry.answers) for strategy in strategies]

    common = Common(Budget(budget_usd) if isinstance(budget_usd, int | float) else budget_usd)

    async def work() -> list[Ranking]:
        gateway = Gateway(registry.resolve, archive)
        try:
            asked = (run_strategy(strategy, query, candidates, gateway, common=common) for strategy in ready)
            return await asyncio.gather(*asked)
        finally:
            await registry.aclose()

    return Comparison(query, candidates, tuple(wait_for(work())))


def measure_bias(
    query: str,
    documents: Documents,
    strategies: Sequence[StrategyLike],
    plan: BiasPlan,
    model: ModelRef | None = None,
    *,
    archive: Archive | None = None,
    settings: Settings | None = None,
) -> list[BiasResult]:
    """What the order of `documents` does to the ranking by each of `strategies`: one result for each.

    Each strategy is run on all orders of `plan`, all of them at once or until it has enough of
    them, and on the repeats unless its models answer alike each time. Run again with the same
    `archive` and plan, what was answered is not asked again. Raises ValueError as `rerank` does,
    and for a plan that does not fit the documents.
    """
    if not has_content(query):
        raise ValueError("the query is empty")
    registry = Registry(settings)
    candidates = as_candidates(documents)
    ready = [prepared(strategy, model, registry.answers) for strategy in strategies]
    steady = tuple(at for at, strategy in enumerate(ready) if is_steady(strategy, registry.resolve))
    plan = replace(plan, steady=steady)
    orders, heard = plan.orders(len(candidates)), _Listening(archive if archive is not None else MemoryArchive())

    async def work() -> list[BiasResult]:
        gateway = Gateway(registry.resolve, heard)
        try:
            return list(await asyncio.gather(*(measured(gateway, at) for at in range(len(ready)))))
        finally:
            await registry.aclose()

    async def measured(gateway: Gateway, position: int) -> BiasResult:
        ran: list[Ran] = []
        for wave in plan.waves(len(candidates)):
            shuffles = sorted((one for one in ran if one.repetition < plan.shuffles), key=lambda one: one.repetition)
            if await asyncio.to_thread(plan.is_enough, [bias_run(one.order, one.ranking) for one in shuffles]):
                break
            todo = [number for number in wave if plan.is_run(position, number)]
            ran += await asyncio.gather(*(run(gateway, position, number) for number in todo))
        calls = [
            (int(call.run.rpartition("/")[2]), call.request.task, call.request.shown, call.reply)
            for call in heard.calls
            if call.run.startswith(f"{position}/")
        ]
        found = await asyncio.to_thread(result_of, plan, position, ran, calls)
        assert found is not None
        return found

    async def run(gateway: Gateway, position: int, number: int) -> Ran:
        given = [candidates[at] for at in orders[number]]
        ranking = await run_strategy(
            ready[position], query, given, gateway, label=f"{position}/{number}", nonce=f"bias {plan.seed} {number}"
        )
        return Ran(number, orders[number], ranking)

    return wait_for(work())


class _Listening:
    """An archive that also remembers the questions about several passages and their answers."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.calls: list[Call] = []

    async def find(self, keys: Sequence[str]) -> dict[str, Reply]:
        return await self._archive.find(keys)

    async def keep(self, call: Call) -> None:
        if call.request.task in {"order", "pick"}:
            self.calls.append(call)
        await self._archive.keep(call)


def choose_heads(
    judged: Sequence[JudgedQuery],
    model: ModelRef,
    count: int = 8,
    *,
    archive: Archive | None = None,
) -> HeadSelection:
    """The attention heads of a local `model` that best tell relevant documents of a judged set apart (CoRe).

    Put the result's `heads` into the parameter of that name of `attention`. One request per query.
    Raises ValueError if the model cannot attend, or if no query can be used.
    """
    registry = Registry()
    strategy = cast(AttentionMass, prepared("attention", model, registry.answers))

    async def work() -> HeadSelection:
        gateway = Gateway(registry.resolve, archive)
        try:
            return cast(HeadSelection, await drive(select_heads(strategy, judged, count), gateway, Run()))
        finally:
            await registry.aclose()

    return wait_for(work())


def try_out(model: str, *, settings: Settings | None = None, archive: Archive | None = None) -> Abilities:
    """Find out by a few small requests what a model can do (see `Abilities`). Its calls are kept in `archive`.

    A model that does not answer is a finding too, with a `problem`. Raises ModelError if it cannot be opened.
    """
    used = settings if settings is not None else Settings()
    return wait_for(try_out_through(Gateway(Registry(used).resolve, archive), model, used))


async def try_out_through(gateway: Gateway, model: str, settings: Settings) -> Abilities:
    """As `try_out`, through a gateway whose limits hold for the test too. For its event loop."""
    at = time.time()
    probe = Probe(model, settings, at)
    run = Run(f"test {probe.name}", QUERY, [Document(text) for text in TEXTS], nonce=f"test {at!r}")
    try:
        found: Abilities = await drive(probe.steps(), gateway, run)
        return await asyncio.to_thread(probe.look_up, found)
    finally:
        await probe.aclose()


def prepared(strategy: StrategyLike, model: ModelRef | None, answers: Callable[[ModelRef], frozenset[Any]]) -> Strategy:
    """The strategy with `model` filled in. Raises ValueError if one of its parts is left without."""
    ready = make(strategy)
    if model is not None:
        filled = fill_model(ready, model, _answers(model, answers))
        if filled == ready and without_model(ready):
            raise ValueError(f"{_name(model)} cannot serve {ready.name}: {_needs(without_model(ready)[0])}")
        ready = filled
    left = without_model(ready)
    if left:
        raise ValueError(f"{left[0].name} {_needs(left[0])}; name one, for example {_suggestion(left[0])}")
    return with_defaults(ready)


def _answers(model: ModelRef, answers: Callable[[ModelRef], frozenset[Any]]) -> frozenset[Any]:
    return model.answers if isinstance(model, Model) else answers(model)


def _name(model: ModelRef) -> str:
    return model if isinstance(model, str) else model.name


def _needs(strategy: Strategy) -> str:
    kinds = " and ".join(kind.__name__ for kind in strategy.wants())
    return f"needs a model that answers {kinds}"


def _suggestion(strategy: Strategy) -> str:
    from reranking.requests import Score

    return "hf:cross-encoder/ms-marco-MiniLM-L6-v2" if Score in strategy.wants() else "embedded:smollm2"
