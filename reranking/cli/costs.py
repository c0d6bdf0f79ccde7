"""What a run is going to ask and to cost, printed instead of running it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from reranking.cli.common import WrongUseError, as_json_line, columns, plain

if TYPE_CHECKING:
    from reranking.engine import Estimate
    from reranking.formats.loaded import Input
    from reranking.gateway import Budget
    from reranking.providers.settings import Settings
    from reranking.strategies.base import Strategy


def print_estimates(
    inputs: Sequence[Input], strategies: Sequence[Strategy], settings: Settings, *, as_json: bool
) -> None:
    """Print for each query what its strategies are going to ask and to cost; nothing is sent."""
    from reranking.documents import as_candidates
    from reranking.jobs import predict, together
    from reranking.providers.registry import Registry

    resolve = Registry(settings).resolve
    for one in inputs:
        candidates = as_candidates(one.documents)
        found = [predict(strategy, str(one.query), candidates, resolve) for strategy in strategies]
        if as_json:
            entries = [
                {"strategy": strategy.spec(), **asdict(estimate)}
                for strategy, estimate in zip(strategies, found, strict=True)
            ]
            value: dict[str, Any] = {"query": str(one.query), "estimates": entries, "total": asdict(together(found))}
            click.echo(as_json_line(value))
        else:
            _print(one, strategies, found, together(found))


def limited_to(dollars: float | None) -> Budget | None:
    """The spending limit that was given, if any. Raises WrongUseError if it is none."""
    from reranking.gateway import Budget

    try:
        return None if dollars is None else Budget(dollars)
    except ValueError as error:
        raise WrongUseError(str(error)) from error


def warn_of(budget: Budget) -> None:
    """Say on standard error what a spending limit kept from being asked, and what it could not cover."""
    for reason in budget.reasons:
        click.echo(f"rerank-lens: {plain(reason)}", err=True)
    if budget.uncovered:
        named = " and ".join(sorted(budget.uncovered))
        click.echo(f"rerank-lens: the limit does not cover {plain(named)}: the price is not known", err=True)


def _print(one: Input, strategies: Sequence[Strategy], found: Sequence[Estimate], total: Estimate) -> None:
    click.echo(f"Query: {plain(str(one.query))}\n")
    names = [*(strategy.name for strategy in strategies), "all of them"]
    rows = [(name, *_figures(estimate)) for name, estimate in zip(names, [*found, total], strict=True)]
    columns(rows, ("strategy", "requests", "tokens in", "cost of input", "with output at most"))
    if total.unpriced:
        click.echo(f"\nThe price of {plain(', '.join(total.unpriced))} is not known, and not part of the sum.")
    click.echo()


def _figures(found: Estimate) -> tuple[str, str, str, str]:
    requests = f"{'' if found.exact else 'about '}{found.requests:,}"
    tokens = f"about {found.input_tokens:,}" if found.input_tokens else "0"
    if found.input_usd is None or found.output_usd is None or (found.unpriced and found.is_free):
        return requests, tokens, "unknown", "unknown"
    more = " and unknown" if found.unpriced else ""
    costs = found.input_usd, found.input_usd + found.output_usd
    return requests, tokens, *(_dollars(cost) + more for cost in costs)  # type: ignore[return-value]


def _dollars(cost: float) -> str:
    return f"${cost:.4f}" if cost else "free"
