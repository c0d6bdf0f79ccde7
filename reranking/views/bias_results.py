"""What is said of the results of a bias test beside its charts: tables (HTML of escaped text), captions, remarks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from statistics import fmean

from reranking.analysis.bias import Bias
from reranking.analysis.pairwise_bias import PairwiseBias
from reranking.analysis.pooled_bias import PooledBias, pool
from reranking.analysis.slots import SlotBias
from reranking.analysis.verdict import decimal, p_value, share_by_chance
from reranking.jobs import JobStatus
from reranking.strategies.bias_results import BiasResult
from reranking.views import bias_figures
from reranking.views.amounts import spent

WITHOUT_PICTURES = frozenset({"no effect", "all tied", "failed", "repairs"})
"""Findings that are complete in words; a picture would suggest more, or show repairs as if they were a bias."""

MOST_SLOT_CHARTS = 2

ABOUT_HEATMAP = "Input position against output rank, share of shuffles"
ABOUT_EFFECTS = "Places gained or lost by being given at each position, with intervals and the noise floor"
ABOUT_INTERVALS = "Rank interval of each document over the shuffles"
ABOUT_MATRIX = "Who wins against whom, and where the side of the prompt decides"
ABOUT_STRATEGIES = (
    "Places that a document gains by being moved from last to first: 0 is no bias, negative means that later "
    f"documents are favoured. {bias_figures.ABOUT_W} {bias_figures.ABOUT_FLIPS} Noise: how far documents move "
    "when the same order is repeated."
)

Results = Mapping[tuple[int, int], BiasResult]
"""The results of a test by the number of the query and the position of the strategy."""


def strategies_table(found: Results, titles: Sequence[str]) -> str:
    """A row for each strategy."""
    heads = (
        "strategy",
        "finding",
        "last to first, places (95 %)",
        "W",
        "flip rate",
        "noise, places",
        "requests",
        "cost",
    )
    rows = []
    for position, title in enumerate(titles):
        mine = [result for (_, at), result in found.items() if at == position]
        rows.append(_row(title, mine) if mine else (title, "no result", *["–"] * 6))
    return bias_figures.table(heads, rows, numbers_from=2)


def _row(title: str, mine: Sequence[BiasResult]) -> tuple[str, ...]:
    """One strategy in a line; of several queries their means, and in how many there is a trend."""
    together = pool([one.bias for one in mine])
    word = bias_figures.word(mine[0].verdict)
    effect = None if mine[0].verdict.finding == "repairs" else mine[0].bias.model.last_to_first
    if len(mine) > 1:
        effect = together.last_to_first
        word = f"earlier favoured in {together.earlier}, later in {together.later} of {len(mine)} queries"
    stable = [one.bias.shuffled for one in mine if one.bias.shuffled is not None]
    moved = [one.bias.noise.stability.moved for one in mine if one.bias.noise is not None]
    costs = [one.cost_usd for one in mine]
    known = [cost for cost in costs if cost is not None]
    return (
        title,
        word,
        bias_figures.interval(effect),
        bias_figures.figure(_mean(one.w for one in stable)),
        bias_figures.share(_mean(one.flips for one in stable)),
        "none" if mine[0].steady else bias_figures.places(_mean(moved)),
        f"{sum(one.requests for one in mine):,}",
        spent(sum(known) if len(known) == len(costs) else None),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def together(found: Results, position: int) -> PooledBias | None:
    """What all queries together show of a strategy; None where none has a result."""
    biases = [result.bias for (_, at), result in sorted(found.items()) if at == position]
    return pool(biases) if biases else None


def queries_table(queries: Sequence[str], found: Results, position: int, pooled: PooledBias) -> str:
    """A row for each query that has a result of the strategy."""
    mine = [(number, result) for (number, at), result in sorted(found.items()) if at == position]
    rows = [
        (
            queries[number][:100], bias_figures.word(result.verdict),
            bias_figures.interval(result.bias.model.last_to_first), bias_figures.p(p),
        )
        for (number, result), p in zip(mine, pooled.p, strict=True)
    ]  # fmt: skip
    return bias_figures.table(("query", "finding", "last to first, places (95 %)", "p"), rows, numbers_from=2)


def remarks(title: str, result: BiasResult, job: JobStatus, *, ignores_order: bool) -> list[str]:
    """What the strategy declares, against what was seen; and what early stopping did."""
    found = []
    if ignores_order and result.verdict.finding != "failed":
        if result.bias.unmoved or result.verdict.finding == "all tied":
            found.append(f"{title} cannot depend on the order, and does not.")
        elif result.steady:
            found.append(f"{title} says that it does not depend on the order, yet its rankings differ: a fault.")
        else:
            found.append(f"{title} cannot depend on the order: what differs is the model's own variation.")
    if job.plan is not None and job.plan.within is not None and job.state == "done":
        of = f"{job.plan.shuffles} shuffles"
        found.append(
            f"Stopped early: {result.saved} of {of} were not needed." if result.saved else f"All {of} were needed."
        )
    stopping = None if job.plan is None else job.plan.stopping(len(job.candidates))
    if stopping is not None:
        found.append(stopping.promise)
    return found


def took(name: str, result: BiasResult) -> str:
    """How many runs the result rests on, and what they took."""
    requests, cost = result.requests, result.cost_usd
    asked = f"{requests:,} request{'' if requests == 1 else 's'}, cost {spent(cost)}"
    runs = f"{result.bias.used} shuffles" + (f" and {len(result.repeats)} repeats" if result.repeats else "")
    return f"{name}: {runs}, {asked if requests else 'no model was asked'}."


def why_run_failed(result: BiasResult) -> str:
    """The message of the first run that failed; empty if none did."""
    failed = (run.ranking for run in result.shuffles if run.ranking.outcome == "failed")
    return next((ranking.diagnostics[0].message for ranking in failed), "")


def telling_slots(bias: Bias, slots: Sequence[SlotBias]) -> list[SlotBias]:
    """The prompts by whose slots there is something to see: those that show neither pairs nor always the whole list."""
    return [found for found in slots if 2 < found.size < bias.n][:MOST_SLOT_CHARTS]


def about_slots(slots: SlotBias) -> str:
    """What the chart of the slots shows."""
    return f"Advantage of each slot in prompts of {slots.size} documents, with intervals"


def about_pairs(pairwise: PairwiseBias) -> str:
    """What the answers to pairs in both orders come to."""
    if not pairwise.pairs:
        return "No pair was asked in both orders, so the sides of the prompt cannot be compared."
    consistency = bias_figures.share(pairwise.consistency)
    sides = f"The first of two passages wins whichever it is in {pairwise.first}, the second in {pairwise.second}"
    preference = f"preference {bias_figures.figure(pairwise.preference)} (−1 always the first, 1 always the second)"
    chance = "" if pairwise.p is None else f", p {p_value(pairwise.p)}"
    return (
        f"Both orders name the same document in {pairwise.consistent} of {pairwise.pairs} pairs ({consistency}). "
        f"{sides}; {preference}{chance}. Circles of three (A beats B beats C beats A): "
        f"{pairwise.cyclic} of {pairwise.triads}."
    )


def all_figures(bias: Bias) -> str:
    """Every figure of a test as an HTML table, each with what it means."""
    model, stable, noise, test = bias.model, bias.shuffled, bias.noise, bias.test
    slope = model.slope
    rows = [
        (
            "From last to first, places gained",
            bias_figures.interval(model.last_to_first),
            "positive: earlier is better",
        ),
        (
            "Slope",
            "–" if slope is None else f"{slope.value:.3f}".replace("-", "−"),
            "places of rank per place of input",
        ),
        (
            "From the ends to the middle, places lost",
            bias_figures.interval(model.middle),
            "positive: lost in the middle",
        ),
        (
            "p of a trend",
            bias_figures.p(None if test is None else test.linear_adjusted),
            "randomisation test, Holm over both",
        ),
        ("p of middle against ends", bias_figures.p(None if test is None else test.middle_adjusted), "the same"),
        (
            "Share explained by position",
            bias_figures.share(model.position_share),
            "of all that documents move between shuffles (partial eta²)" + _by_chance(bias),
        ),
    ]
    if stable is not None:
        rows += [
            (
                "Kendall's W",
                bias_figures.figure(stable.w),
                "1: the same ranking every time, 0: unrelated; ties corrected",
            ),
            ("Mean tau of two shuffles", bias_figures.figure(stable.tau), "1: same order, 0: unrelated"),
            (
                "Flip rate",
                bias_figures.share(stable.flips),
                "how often two documents stand the other way round in another shuffle; 50 %: as by lot",
            ),
            ("Moved", f"{decimal(stable.moved)} places" if stable.moved is not None else "–", "between two shuffles"),
            ("Entropy of the top document", bias_figures.figure(stable.entropy), "0: always the same one on top"),
            (f"Overlap of the top {stable.top}", bias_figures.share(stable.overlap), "of two shuffles"),
            ("Tied pairs", bias_figures.share(stable.tied_pairs), "of documents"),
        ]
    if noise is not None:
        moved, flips = noise.stability.moved, noise.stability.flips
        rows += [
            ("Moved when repeated", "–" if moved is None else f"{decimal(moved)} places", "the noise of the model"),
            ("Flip rate when repeated", bias_figures.share(flips), "the same order again"),
            ("Excess flip rate", bias_figures.share(noise.excess_flips), "what the order adds to the noise"),
        ]
    rows += [
        ("Placed by repair", bias_figures.share(bias.repaired), "documents that a reply left out"),
        ("Shuffles used", f"{bias.used}", f"{bias.failed} failed"),
    ]
    return _three(rows)


def _by_chance(bias: Bias) -> str:
    most = share_by_chance(bias.n, bias.used)
    return "" if most is None else f"; by chance alone hardly more than {bias_figures.share(most)}"


def _three(rows: Sequence[tuple[str, str, str]]) -> str:
    lines = "".join(
        f"<tr><td>{escape(name)}</td><td class=rl-num>{escape(value)}</td>"
        f"<td class='rl-meaning'>{escape(about)}</td></tr>"
        for name, value, about in rows
    )
    return f"<div class='rl-scroll'><table class='rl-table rl-figures'><tbody>{lines}</tbody></table></div>"
