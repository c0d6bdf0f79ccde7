"""`rerank-lens`: the same jobs without a screen."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reranking.cli.bias import bias
from reranking.cli.cache import cache
from reranking.cli.common import (
    STRATEGY_FAILED,
    OrderedOptions,
    WrongUseError,
    as_json_line,
    columns,
    plain,
    prepared_strategies,
    read_inputs,
)
from reranking.cli.connections import connections, known_settings, models
from reranking.cli.costs import limited_to, print_estimates, warn_of
from reranking.cli.report import report

if TYPE_CHECKING:
    from reranking.api import Comparison


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="rerank-lens")
def main() -> None:
    """Compare ways of reranking documents, with their scores, explanations and costs."""


@main.command(cls=OrderedOptions)
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--strategy", "strategies", multiple=True, metavar="NAME", help="A name, name(k=v), or a JSON object.")
@click.option("--model", "models", multiple=True, metavar="MODEL", help="The model of the --strategy before it.")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="A parameter of the --strategy before it.")
@click.option("--query", metavar="TEXT", help="The query, if FILE holds none (or instead of its own).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per query and line.")
@click.option(
    "--budget", type=click.FloatRange(min=0), metavar="USD", help="Send nothing that could cost more than this in all."
)
@click.option("--estimate", is_flag=True, help="Print what would be asked and what it would cost; send nothing.")
@click.option(
    "--db", envvar="RERANK_LENS_DB", metavar="PATH", help="Where replies are kept (default data/rerank-lens.db)."
)
@click.pass_context
def run(
    ctx: click.Context,
    file: str,
    strategies: tuple[str, ...],
    models: tuple[str, ...],
    sets: tuple[str, ...],
    query: str | None,
    as_json: bool,
    budget: float | None,
    estimate: bool,
    db: str | None,
) -> None:
    """Rerank the documents of FILE (JSON, JSONL, CSV or text; - for standard input).

    With --budget, run again with a higher one to go on: what was answered is not paid twice.

    Exit codes: 0 done, 1 a strategy failed, 2 wrong usage or input.
    """
    from reranking.api import compare
    from reranking.store import StoreError, open_store

    inputs = read_inputs(file, query)
    settings = known_settings(db)
    ready = prepared_strategies(ctx.meta["written"], settings)
    if estimate:
        print_estimates(inputs, ready, settings, as_json=as_json)
        return
    failed, limit = False, limited_to(budget)
    try:
        store = open_store(db)
    except StoreError as error:
        raise WrongUseError(str(error)) from error
    for one in inputs:
        comparison = compare(
            str(one.query), one.documents, ready, archive=store.archive, settings=settings, budget_usd=limit
        )
        failed |= any(ranking.outcome == "failed" for ranking in comparison.rankings)
        click.echo(as_json_line(comparison.to_json()) if as_json else _table(comparison))
    store.close()
    if limit is not None:
        warn_of(limit)
    ctx.exit(STRATEGY_FAILED if failed else 0)


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", is_flag=True, help="Print all about each of them, as the page docs/strategies.md.")
def strategies(as_json: bool, markdown: bool) -> None:
    """List the strategies: what each asks of a model, and how often."""
    if as_json:
        from reranking.strategies.catalogue import kind_of
        from reranking.strategies.catalogue import strategies as all_strategies

        rows: list[dict[str, Any]] = [
            {
                "kind": kind_of(cls),
                "title": cls.title,
                "parameters": cls.model_json_schema(),
                "asks": [kind.kind for kind in cls.asks],
                "requests": cls.requests,
            }
            for cls in all_strategies().values()
        ]
        click.echo(as_json_line(rows))
        return
    from reranking import guide

    if markdown:
        click.echo(guide.page(), nl=False)
        return
    sizes = [f"n = {size}" for size in guide.SIZES]
    columns(
        [
            (entry.kind, entry.cls.title, *entry.requests, " or ".join(entry.asks) or "–", ", ".join(entry.served_by))
            for entry in guide.entries()
        ],
        ("kind", "title", *sizes, "asks", "models"),
    )


main.add_command(models)
main.add_command(connections)
main.add_command(bias)
main.add_command(cache)
main.add_command(report)


@main.command()
@click.argument("file", type=click.Path(allow_dash=True))
@click.option("--model", required=True, metavar="NAME", help="A local language model, such as embedded:smollm2.")
@click.option("--count", type=click.IntRange(1), default=8, show_default=True, help="How many heads to choose.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--db", type=click.Path(dir_okay=False), help="The file that replies are kept in.")
def heads(file: str, model: str, count: int, as_json: bool, db: str | None) -> None:
    """Choose attention heads of a model on judged queries (CoRe).

    FILE holds queries whose documents have a "grade": 1 and more is relevant, 0 is not. Judge
    other queries than those that you measure with.
    """
    from reranking.api import choose_heads
    from reranking.documents import as_candidates
    from reranking.models import ModelError
    from reranking.store import StoreError, open_store
    from reranking.strategies.head_selection import JudgedQuery

    judged = []
    for one in read_inputs(file, None):
        candidates = as_candidates(one.documents)
        known = {item.index: item.document.metadata.get("grade") for item in candidates}
        grades = {at: float(grade) for at, grade in known.items() if isinstance(grade, int | float)}
        judged.append(JudgedQuery(str(one.query), candidates, grades))
    try:
        with closing(open_store(db)) as store:
            found = choose_heads(judged, model, count, archive=store.archive)
    except (ValueError, StoreError, ModelError) as error:
        raise WrongUseError(str(error)) from error
    chosen = [list(head) for head in found.heads]
    if as_json:
        left_out = [{"query": query, "reason": reason} for query, reason in found.left_out]
        click.echo(as_json_line({"model": model, "heads": chosen, "left_out": left_out}))
        return
    for query, reason in found.left_out:
        click.echo(f"left out: {plain(query)}: {plain(reason)}", err=True)
    click.echo(f"--strategy attention --model {model} --set 'heads={json.dumps(chosen, separators=(',', ':'))}'")


@main.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.pass_context
def app(ctx: click.Context, port: int) -> None:
    """Open the workbench in the browser (on this machine only)."""
    command = [sys.executable, "-m", "reranking.ui.serve", str(app_script()), "--server.port", str(port), *ctx.args]
    with suppress(KeyboardInterrupt):  # the server has had it too, and says goodbye itself
        ctx.exit(subprocess.call(command))


def app_script() -> Path:
    """The app's script: in the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for script in (package / "_app" / "app.py", package.parent / "app.py"):
        if script.is_file():
            return script
    raise WrongUseError("the app is missing from this installation: install rerank-lens again")


def _table(comparison: Comparison) -> str:
    """A comparison as text for people."""
    from reranking.views.amounts import took

    parts = [f"Query: {plain(comparison.query)}"]
    for ranking in comparison.rankings:
        head = f"{_name(ranking.strategy)}: {ranking.outcome}, {ranking.score_kind}, {took(ranking)}"
        parts.append(f"\n{plain(head)}")
        parts.extend(f"  ! {plain(note.message)}" for note in ranking.diagnostics)
        parts.extend(_lines(ranking))
        if ranking.outcome != "failed" and len({item.tie for item in ranking}) < len(list(ranking)):
            parts.append("  =: tied, listed in input order")
    return "\n".join(parts) + "\n"


def _lines(ranking: Any) -> Iterator[str]:
    ties = [item.tie for item in ranking]
    for item in ranking:
        rank = "-" if item.rank is None else f"{item.rank}{'=' if ties.count(item.tie) > 1 else ''}"
        score = "" if item.score is None else f"{item.score:.4f}"
        reason = item.explanation.reason if item.explanation and item.explanation.reason else ""
        text = plain(item.candidate.title or item.candidate.text)[:60]
        said = f"  ({plain(reason)})" if reason else ""
        yield f"  {rank:>4}  {score:>9}  {plain(item.candidate.id):<10} {text}{said}"


def _name(spec: Any) -> str:
    from reranking.strategies.catalogue import make

    return make(dict(spec)).name
