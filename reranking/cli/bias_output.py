"""What `rerank-lens bias` prints: for people, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from reranking.cli.common import WrongUseError, as_json_line, columns, plain

if TYPE_CHECKING:
    from reranking.analysis.bias import Bias
    from reranking.analysis.bias_model import Estimate
    from reranking.analysis.bias_plan import BiasPlan
    from reranking.analysis.mitigations import Mitigations
    from reranking.analysis.pairwise_bias import PairwiseBias
    from reranking.analysis.slots import SlotBias
    from reranking.analysis.stopping import StoppingPlan
    from reranking.analysis.verdict import Verdict
    from reranking.formats.bias_runs import BiasTable
    from reranking.strategies.bias_results import BiasResult


@dataclass(frozen=True, slots=True)
class Found:
    """One query: its results by strategy, and what remedies did for each, where they were tried."""

    query: str
    names: tuple[str, ...]
    results: tuple[BiasResult, ...]
    remedies: tuple[Mitigations | None, ...]


def as_text(found: Found, plan: BiasPlan) -> Iterator[str]:
    """The results of one query for people, line by line."""
    yield f"Query: {plain(found.query)}"
    if stopping := _stopping(found, plan):
        yield stopping.promise
    for name, result, helped in zip(found.names, found.results, found.remedies, strict=True):
        yield f"\n{plain(name)}: {result.verdict.text}"
        yield from _figures(result.bias)
        if result.pairwise is not None and result.pairwise.consistency is not None:
            pairs = result.pairwise
            yield (
                f"  pairs: {pairs.consistent} of {pairs.pairs} named alike in both orders, {pairs.first} decided by "
                f"the first side, {pairs.second} by the second"
            )
        yield f"  {count(result.requests, 'request')}" + (f", {result.saved} shuffles saved" if result.saved else "")
        if helped is not None:
            yield from _remedies_text(helped)
    yield ""


def _remedies_text(helped: Mitigations) -> Iterator[str]:
    yield f"\n  {helped.sentence}"
    for row in helped.rows:
        mark = " (recommended)" if row is helped.recommended else ""
        requests = count(row.trial.requests, "request")
        yield f"  {row.trial.name + mark:<44} {_interval(row.effect):>24} {_number(row.w):>6} {requests:>16}"


def _figures(bias: Bias) -> Iterator[str]:
    stable, noise = bias.shuffled, bias.noise
    if stable is not None:
        yield (
            f"  last to first {_interval(bias.model.last_to_first)} places, W {_number(stable.w)}, "
            f"flip rate {_number(stable.flips)}"
            + (f", of repeats {_number(noise.stability.flips)}" if noise is not None else "")
        )


def count(number: int, noun: str) -> str:
    """`1 request`, `1,200 requests`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _interval(effect: Estimate | None) -> str:
    if effect is None:
        return "-"
    if effect.low is None or effect.high is None:
        return f"{effect.value:.2f}"
    return f"{effect.value:.2f} ({effect.low:.2f} to {effect.high:.2f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def as_json_value(found: Found, plan: BiasPlan) -> dict[str, Any]:
    """The results of one query as JSON-able values."""
    return {
        "query": found.query,
        "design": {"kind": plan.kind, "runs": plan.shuffles, "repeats": plan.repeats, "seed": plan.seed},
        "stopping": _stopping_json(_stopping(found, plan)),
        "results": [
            {
                "strategy": dict(result.shuffles[0].ranking.strategy),
                **_told(result.bias, result.verdict, result.pairwise),
                "requests": result.requests,
                "cost_usd": result.cost_usd,
                "saved": result.saved,
                "deterministic": result.steady,
                "slots": [_slot_json(slot) for slot in result.slots],
                "remedies": None if helped is None else _remedies_json(helped),
            }
            for result, helped in zip(found.results, found.remedies, strict=True)
        ],
    }


def _stopping(found: Found, plan: BiasPlan) -> StoppingPlan | None:
    return plan.stopping(found.results[0].bias.n)


def _stopping_json(stopping: StoppingPlan | None) -> dict[str, Any] | None:
    """How early stopping changes what the intervals are: each is at `interval_level`, so that .95 holds over all looks.

    The p-values are multiplied by the number of looks already.
    """
    if stopping is None:
        return None
    return {
        "within": stopping.within, "looks": list(stopping.looks), "interval_level": stopping.level,
        "p_multiplied_by": len(stopping.looks), "note": stopping.promise,
    }  # fmt: skip


def _told(bias: Bias, verdict: Verdict, pairwise: PairwiseBias | None) -> dict[str, Any]:
    """A result as JSON; positions count from 1, documents by original position from 0."""
    from reranking.analysis.verdict import share_by_chance

    model, stable, noise, test = bias.model, bias.shuffled, bias.noise, bias.test
    return {
        "finding": verdict.finding,
        "side": verdict.side,
        "verdict": verdict.text,
        "used": bias.used,
        "failed": bias.failed,
        "last_to_first": _estimate(model.last_to_first),
        "slope": _estimate(model.slope),
        "middle": _estimate(model.middle),
        "p_trend": None if test is None else test.linear_adjusted,
        "p_middle": None if test is None else test.middle_adjusted,
        "position_effects": None if model.effects is None else [float(value) for value in model.effects],
        "position_share": model.position_share,
        "position_share_by_chance": share_by_chance(bias.n, bias.used),
        "debiased_order": None if bias.debiased_order is None else list(bias.debiased_order),
        "w": None if stable is None else stable.w,
        "tau": None if stable is None else stable.tau,
        "flip_rate": None if stable is None else stable.flips,
        "tied_pairs": None if stable is None else stable.tied_pairs,
        "repaired": bias.repaired,
        "noise": None if noise is None else {
            "moved": noise.stability.moved, "flip_rate": noise.stability.flips, "excess_flip_rate": noise.excess_flips,
        },
        "pairs": None if pairwise is None else {
            "answered": pairwise.pairs, "possible": pairwise.possible, "unanswered": pairwise.unanswered,
            "both_orders": pairwise.cancels, "consistent": pairwise.consistent, "first": pairwise.first,
            "second": pairwise.second, "even": pairwise.even, "preference": pairwise.preference, "p": pairwise.p,
        },
    }  # fmt: skip


def _estimate(effect: Estimate | None) -> dict[str, float | None] | None:
    return None if effect is None else {"value": effect.value, "low": effect.low, "high": effect.high}


def _slot_json(slot: SlotBias) -> dict[str, Any]:
    effects = None if slot.effects is None else [float(value) for value in slot.effects]
    return {
        "size": slot.size, "prompts": slot.prompts, "advantage": effects,
        "first_to_last": _estimate(slot.first_to_last),
    }  # fmt: skip


def _remedies_json(helped: Mitigations) -> dict[str, Any]:
    return {
        "sentence": helped.sentence,
        "recommended": None if helped.recommended is None else helped.recommended.trial.name,
        "rows": [
            {
                "name": row.trial.name, "places": row.size, "biased_queries": row.biased, "left": row.left,
                "removed": _estimate(row.removed), "helps": row.helps, "unusable": row.unusable or None,
                "effect": _estimate(row.effect), "w": row.w, "flip_rate": row.flips, "requests": row.trial.requests,
                "cost_usd": row.trial.cost_usd, "seconds": row.trial.seconds, "quality": row.trial.quality,
            }
            for row in helped.rows
        ],
    }  # fmt: skip


def print_pooled(every: Sequence[Found], as_json: bool) -> None:
    """Print each strategy over all queries."""
    from reranking.analysis.pooled_bias import pool

    pooled = [pool([found.results[at].bias for found in every]) for at in range(len(every[0].names))]
    helped = [_over_queries([found.remedies[at] for found in every]) for at in range(len(every[0].names))]
    if as_json:
        rows = [
            {
                "strategy": name, "sentence": one.sentence, "last_to_first": _estimate(one.last_to_first),
                "middle": _estimate(one.middle), "earlier": one.earlier, "later": one.later, "queries": one.used,
                "remedies": None if tried is None else _remedies_json(tried),
            }
            for name, one, tried in zip(every[0].names, pooled, helped, strict=True)
        ]  # fmt: skip
        click.echo(as_json_line({"pooled": rows}))
        return
    click.echo(f"All {len(every)} queries")
    for name, one, tried in zip(every[0].names, pooled, helped, strict=True):
        click.echo(f"{plain(name)}: {one.sentence}")
        if tried is not None:
            click.echo("\n".join(_remedies_text(tried)))


def _over_queries(every: Sequence[Mitigations | None]) -> Mitigations | None:
    """The same remedies over all queries; None if they were not tried on each of them."""
    from reranking.analysis.mitigations import compare, over_queries

    known = [helped for helped in every if helped is not None]
    if len(known) < len(every):
        return None
    return compare(
        [over_queries([row.trial for row in rows]) for rows in zip(*(one.rows for one in known), strict=True)]
    )


def print_foreign(table: BiasTable, as_json: bool) -> None:
    """Analyse and print runs from elsewhere. Raises WrongUseError if they do not fit each other."""
    from reranking.analysis.bias import analyse
    from reranking.analysis.verdict import verdict

    try:
        found = analyse(table.runs, repeats=table.repeats)
    except ValueError as error:
        raise WrongUseError(str(error)) from error
    said = verdict(found)
    if as_json:
        about = {"query": table.query, "strategy": table.strategy, "documents": list(table.names)}
        click.echo(as_json_line({**about, **_told(found, said, None)}))
        return
    title = " · ".join(part for part in (table.strategy, table.query) if part)
    click.echo(f"{plain(title)}: {said.text}" if title else said.text)
    click.echo("\n".join(_figures(found)))
    order = found.debiased_order
    if order is not None:
        spread = found.shuffled.spread if found.shuffled is not None else None
        rows = []
        for document in order:
            at = found.documents.index(document)
            ranks = "" if spread is None else f"{spread.low[at]:g} to {spread.high[at]:g}"
            rows.append((f"{found.model.debiased[at]:.1f}" if found.model.debiased is not None else "-", ranks,
                         table.names[document]))  # fmt: skip
        columns(rows, ("rank without position effects", "ranks seen", "document"))
