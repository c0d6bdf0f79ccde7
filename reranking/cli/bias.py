"""`rerank-lens bias`: does the order of the documents change the ranking, and what would help?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reranking.cli.bias_output import Found, as_json_value, as_text, count, print_foreign, print_pooled
from reranking.cli.common import (
    STRATEGY_FAILED,
    OrderedOptions,
    WrongUseError,
    as_json_line,
    plain,
    prepared_strategies,
    read_inputs,
)
from reranking.cli.connections import known_settings

if TYPE_CHECKING:
    from reranking.analysis.bias_plan import BiasPlan
    from reranking.analysis.bias_runs import BiasRun
    from reranking.analysis.mitigations import Mitigations
    from reranking.formats.bias_runs import BiasTable
    from reranking.formats.loaded import Input
    from reranking.strategies.base import Strategy

KINDS = {"pairs": "pairs", "williams": "balanced", "random": "random"}


@click.command(cls=OrderedOptions)
@click.argument("file", type=click.Path(allow_dash=True), required=False)
@click.option("--strategy", "strategies", multiple=True, metavar="NAME", help="A name, name(k=v), or a JSON object.")
@click.option("--model", "models", multiple=True, metavar="MODEL", help="The model of the --strategy before it.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A parameter of the --strategy before it.")
@click.option("--query", metavar="TEXT", help="The query, if FILE holds none (or instead of its own).")
@click.option("--design", type=click.Choice(list(KINDS)), default="pairs", show_default=True,
              help="Orders and their reverses, a balanced square (10 documents at most), or random.")  # fmt: skip
@click.option("--runs", type=click.IntRange(2, 1000), default=10, show_default=True, help="Shuffles of each query.")
@click.option("--repeats", type=click.IntRange(0, 1000), default=3, show_default=True,
              help="Runs of the input order, to tell noise from bias; 0: none. Left out for models that always answer "
              "alike.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of the shuffles.")
@click.option("--within", type=click.FloatRange(0, min_open=True), metavar="PLACES",
              help="Stop as soon as the bias from last to first is known to so many places either way.")  # fmt: skip
@click.option("--mitigations", is_flag=True, help="Also run the strategy's remedies on the same shuffles.")
@click.option("--csv", "csv_file", type=click.Path(dir_okay=False), help="Write the raw runs here.")
@click.option("--runs-csv", type=click.Path(dir_okay=False), help="Analyse runs from elsewhere instead of FILE.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per query and line.")
@click.option(
    "--db", envvar="RERANK_LENS_DB", metavar="PATH", help="Where replies are kept (default data/rerank-lens.db)."
)
@click.pass_context
def bias(
    ctx: click.Context, file: str | None, strategies: tuple[str, ...], models: tuple[str, ...], sets: tuple[str, ...],
    query: str | None, design: str, runs: int, repeats: int, seed: int, within: float | None, mitigations: bool,
    csv_file: str | None, runs_csv: str | None, as_json: bool, db: str | None,
) -> None:  # fmt: skip
    """Rank the documents of FILE in shuffled orders and say what the order does to the ranking.

    Run again with the same options, what was answered before is not asked again. With --runs-csv,
    runs from elsewhere are analysed: columns run, input position, document, output rank, and
    optionally query, strategy, repeat, repaired. Exit codes: 0 done, 1 a strategy failed in
    every run, 2 wrong usage or input.
    """
    if (file is None) == (runs_csv is None):
        raise WrongUseError("give a FILE to rank, or runs from elsewhere with --runs-csv")
    if runs_csv is not None:
        for table in _tables(runs_csv):
            print_foreign(table, as_json)
        return
    assert file is not None
    inputs, settings = read_inputs(file, query), known_settings(db)
    ready = prepared_strategies(ctx.meta["written"], settings)
    plans = [_plan(KINDS[design], one, runs, repeats, seed, within) for one in inputs]
    failed, every, tables = False, [], []
    from reranking.store import StoreError, open_store

    try:
        with closing(open_store(db)) as store:
            for one, plan in zip(inputs, plans, strict=True):
                _announce(one, ready, plan)
                found = _measured(one, ready, plan, store.archive, settings, mitigations)
                failed |= any(result.verdict.finding == "failed" for result in found.results)
                click.echo(as_json_line(as_json_value(found, plan)) if as_json else "\n".join(as_text(found, plan)))
                every.append(found)
                tables += list(_raw(one, found))
    except StoreError as error:
        raise WrongUseError(str(error)) from error
    if len(every) > 1:
        print_pooled(every, as_json)
    if csv_file is not None:
        _write(csv_file, tables)
    ctx.exit(STRATEGY_FAILED if failed else 0)


def _plan(kind: Any, one: Input, runs: int, repeats: int, seed: int, within: float | None) -> BiasPlan:
    """The plan of one query. Raises WrongUseError if its documents do not allow it."""
    from reranking.analysis.bias_plan import BiasPlan
    from reranking.analysis.designs import FEWEST_REPEATS, runs_needed

    count = len(one.documents)
    if 0 < repeats < FEWEST_REPEATS:
        raise WrongUseError(f"noise shows from {FEWEST_REPEATS} repeats on; --repeats 0 leaves it out")
    plan = BiasPlan(kind, runs_needed(kind, count, runs), repeats, seed, within=within)
    try:
        plan.orders(count)
        plan.stopping(count)
    except ValueError as error:
        raise WrongUseError(str(error)) from error
    return plan


def _announce(one: Input, strategies: Sequence[Strategy], plan: BiasPlan) -> None:
    """Say on standard error what is going to be asked."""
    from reranking.documents import as_candidates
    from reranking.jobs import predict

    candidates = as_candidates(one.documents)
    for strategy in strategies:
        found = predict(strategy, str(one.query), candidates)
        about = "" if found.exact else "about "
        each = f"{about}{count(found.requests, 'request')} and {found.input_tokens:,} tokens in each run"
        asked = each if found.requests else "no requests"
        click.echo(plain(f"{strategy.name}: {plan.shuffles} shuffles, {asked}"), err=True)


def _measured(
    one: Input, strategies: Sequence[Strategy], plan: BiasPlan, archive: Any, settings: Any, remedies: bool
) -> Found:
    from dataclasses import replace

    from reranking.analysis.mitigations import compare
    from reranking.api import measure_bias
    from reranking.strategies.remedies import variants

    query, grades = str(one.query), _grades(one)
    results = measure_bias(query, one.documents, strategies, plan, archive=archive, settings=settings)
    helped: list[Mitigations | None] = [None] * len(results)
    for at, (strategy, result) in enumerate(zip(strategies, results, strict=True)):
        known = variants(strategy) if remedies else []
        if known:
            same = replace(plan, shuffles=len(result.shuffles), repeats=0, within=None)
            click.echo(plain(f"{strategy.name}: remedies {', '.join(each.title for each in known)}"), err=True)
            tried = measure_bias(
                query, one.documents, [each.strategy for each in known], same, archive=archive, settings=settings
            )
            trials = [each.trial(variant.title, grades) for variant, each in zip(known, tried, strict=True)]
            helped[at] = compare([result.trial("As is", grades), *trials])
    return Found(query, tuple(strategy.name for strategy in strategies), tuple(results), tuple(helped))


def _grades(one: Input) -> dict[int, int]:
    """The grades in the file, by original position."""
    known = {at: document.metadata.get("grade") for at, document in enumerate(one.documents)}
    return {at: grade for at, grade in known.items() if isinstance(grade, int)}


def _raw(one: Input, found: Found) -> Iterator[BiasTable]:
    """The raw runs of one query, for each strategy."""
    from reranking.analysis.bias_runs import bias_run
    from reranking.documents import as_candidates
    from reranking.formats.bias_runs import BiasTable

    candidates = as_candidates(one.documents)
    ids = tuple(item.id for item in candidates)
    if len(set(ids)) < len(ids):
        ids = tuple(f"{item.index + 1}: {item.id}" for item in candidates)
    for name, result in zip(found.names, found.results, strict=True):
        shuffles, repeats = (_runs(bias_run, ran) for ran in (result.shuffles, result.repeats))
        yield BiasTable(shuffles, ids, found.query, name, repeats)


def _runs(made: Any, ran: Sequence[Any]) -> tuple[BiasRun, ...]:
    return tuple(made(run.order, run.ranking) for run in ran)


def _write(file: str, tables: Sequence[BiasTable]) -> None:
    from reranking.formats.bias_runs import write_bias_runs

    try:
        Path(file).write_text(write_bias_runs(tables), encoding="utf-8", newline="")
    except OSError as error:
        raise WrongUseError(f"cannot write {file}: {error.strerror}") from error


def _tables(file: str) -> list[BiasTable]:
    from reranking.formats.bias_runs import read_bias_runs
    from reranking.formats.loaded import FormatError
    from reranking.formats.read import decode

    try:
        return read_bias_runs(decode(Path(file).read_bytes()))
    except OSError as error:
        raise WrongUseError(f"cannot read {file}: {error.strerror}") from error
    except FormatError as error:
        raise WrongUseError(f"{file}: {error}") from error
