"""From the runs of a bias test to its results, one for each strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from reranking.analysis.bias import Bias, analyse
from reranking.analysis.bias_model import LEVEL
from reranking.analysis.bias_plan import BiasPlan
from reranking.analysis.bias_runs import BiasRun, bias_run
from reranking.analysis.designs import Design
from reranking.analysis.metrics import ndcg
from reranking.analysis.mitigations import Trial
from reranking.analysis.pairwise_bias import PairwiseBias, pairwise_bias
from reranking.analysis.slots import SlotBias, slot_bias
from reranking.analysis.verdict import Verdict, verdict
from reranking.models import Model, ModelError, ModelRef
from reranking.ranking import Ranking
from reranking.strategies.base import Lots, Strategy
from reranking.strategies.catalogue import each
from reranking.strategies.slot_replies import SlotCall, slot_answers
from reranking.strategies.unknown import made

ABOUT_LOTS: Mapping[Lots, str] = {
    "none": "",
    "part": (
        "Some of the places in its prompts are drawn by what the documents say. The model's preference for places "
        "still acts there, and this test cannot show it: another seed may give another ranking. Run it on Compare "
        "beside itself with other seeds to see how much."
    ),
    "whole": (
        "Its shuffles are drawn by what the documents say, so the order of the input cannot reach its result. The "
        "model's preference for places still acts within the shuffles: another seed may give another ranking. Run "
        "it on Compare beside itself with other seeds to see how much."
    ),
}
"""What a test cannot show of a strategy that draws lots by the texts."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: the number of its order in the plan, the order (original positions), and the ranking."""

    repetition: int
    order: tuple[int, ...]
    ranking: Ranking


@dataclass(frozen=True, slots=True, eq=False)
class BiasResult:
    """What a test shows of one strategy.

    `shuffles` and `repeats` are its runs. `pairwise` is None unless the strategy asked about
    pairs, `slots` empty unless it showed a model several documents. `saved` is how many shuffles
    were not needed, `steady` that it gives the same ranking each time, so that there is no noise.
    """

    bias: Bias
    verdict: Verdict
    pairwise: PairwiseBias | None
    slots: tuple[SlotBias, ...]
    shuffles: tuple[Ran, ...]
    repeats: tuple[Ran, ...]
    saved: int
    steady: bool

    @property
    def lots(self) -> Lots:
        """How far the strategy draws by what documents say which it shows where."""
        return lots_of(made(self.shuffles[0].ranking.strategy))

    @property
    def requests(self) -> int:
        """The requests of all runs together."""
        return sum(run.ranking.usage.requests for run in (*self.shuffles, *self.repeats))

    @property
    def cost_usd(self) -> float | None:
        """What all runs together cost; None if that of any is unknown."""
        return _cost((*self.shuffles, *self.repeats))

    def quality(self, grades: Mapping[int, int]) -> float | None:
        """Mean nDCG@10 over the shuffles (0 to 1); None unless all documents are judged and a run is usable."""
        if any(item.index not in grades for run in self.shuffles for item in run.ranking):
            return None  # what the others would be graded decides it, not what is known
        found = [value for run in self.shuffles if (value := ndcg(run.ranking, grades)) is not None]
        return fmean(found) if found else None

    def trial(self, name: str, grades: Mapping[int, int]) -> Trial:
        """The result as one way to rank beside others: requests, cost and seconds of one ranking, on average."""
        runs, cost = len(self.shuffles), _cost(self.shuffles)
        return Trial(
            name=name,
            bias=self.bias,
            requests=round(sum(run.ranking.usage.requests for run in self.shuffles) / runs),
            cost_usd=None if cost is None else cost / runs,
            seconds=sum(run.ranking.usage.seconds for run in self.shuffles) / runs,
            quality=self.quality(grades),
            drawn=self.lots == "whole",
        )


def ignores_order(strategy: Strategy, resolve: Callable[[ModelRef], Model]) -> bool:
    """Whether the order of the input cannot matter: the strategy says so, and its model reads each text by itself."""
    return strategy.ignores_order and not any(_says(part, "joint", resolve) for part in each(strategy))


def lots_of(strategy: Strategy) -> Lots:
    """How far it draws by what documents say which it shows where: itself, or a part of it."""
    own = strategy.lots()
    return "part" if own == "none" and any(part.lots() != "none" for part in each(strategy)) else own


def is_steady(strategy: Strategy, resolve: Callable[[ModelRef], Model]) -> bool:
    """Whether it gives the same ranking each time: all models that it asks answer alike each time."""
    return all(_says(part, "deterministic", resolve) for part in each(strategy) if part.asks)


def _says(part: Strategy, attribute: str, resolve: Callable[[ModelRef], Model]) -> bool:
    """Whether the part's own model says so of itself."""
    ref = getattr(part, "model", None) or part.default_model
    try:
        return ref is not None and bool(getattr(resolve(ref), attribute, False))
    except ModelError:
        return False


def result_of(plan: BiasPlan, position: int, ran: Sequence[Ran], calls: Sequence[SlotCall]) -> BiasResult | None:
    """The result of the strategy at `position` from the runs that are there, in any order; None without shuffles.

    `calls` are those of its runs, by the number of the order.
    """
    ran = sorted(ran, key=lambda run: run.repetition)
    shuffles = _paired(plan, [run for run in ran if run.repetition < plan.shuffles])
    repeats = [run for run in ran if run.repetition >= plan.shuffles]
    if not shuffles:
        return None
    bias = _analysed(plan, shuffles, repeats)
    kept = {run.repetition for run in shuffles}
    answers = slot_answers(call for call in calls if call[0] in kept)
    # A window may be as short as two; what it says of pairs is said of few of them, and by chance.
    sides = pairwise_bias(answers) if answers and all(len(answer.shown) == 2 for answer in answers) else None
    steady = position in plan.steady
    told = verdict(bias, sides, deterministic=steady)
    lots = ABOUT_LOTS[lots_of(made(shuffles[0].ranking.strategy))]
    if lots and told.finding != "failed":
        told = replace(told, remarks=(lots, *told.remarks))
    return BiasResult(
        bias=bias,
        verdict=told,
        pairwise=sides,
        slots=slot_bias(answers),
        shuffles=tuple(shuffles),
        repeats=tuple(repeats),
        saved=plan.shuffles - len(shuffles),
        steady=steady,
    )


def _analysed(plan: BiasPlan, shuffles: Sequence[Ran], repeats: Sequence[Ran]) -> Bias:
    count = len(shuffles[0].order)
    stopping = plan.stopping(count)
    whole = plan.kind != "balanced" or len(shuffles) == plan.shuffles
    design = Design(plan.kind if whole else "random", tuple(run.order for run in shuffles), plan.seed)
    bias = analyse(
        _runs(shuffles), design, _runs(repeats), level=LEVEL if stopping is None else stopping.level
    )  # fmt: skip
    if stopping is None or bias.test is None:
        return bias
    looks = len(stopping.looks)
    adjusted = {
        name: min(1.0, looks * getattr(bias.test, name))
        for name in ("linear", "middle", "linear_adjusted", "middle_adjusted", "least")
    }
    return replace(bias, test=replace(bias.test, **adjusted))


def _paired(plan: BiasPlan, shuffles: list[Ran]) -> list[Ran]:
    """Without those of which, in a test that was cut short, the reverse is missing."""
    if plan.kind != "pairs":
        return shuffles
    there = {run.repetition for run in shuffles}
    return [run for run in shuffles if run.repetition ^ 1 in there]


def _runs(ran: Sequence[Ran]) -> list[BiasRun]:
    return [bias_run(run.order, run.ranking) for run in ran]


def _cost(ran: Sequence[Ran]) -> float | None:
    costs = [run.ranking.usage.cost_usd for run in ran]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None
