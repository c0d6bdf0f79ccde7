"""`rerank-lens`: the same jobs without a screen."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from reranking.api import Comparison
    from reranking.formats.loaded import Input
    from reranking.strategies.base import Strategy

# Marks that turn the direction of the text after them.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

STRATEGY_FAILED = 1
WRONG_USE = 2


class WrongUseError(click.ClickException):
    """Wrong input: one sentence and exit code 2."""

    exit_code = WRONG_USE

    def show(self, file: Any = None) -> None:
        """Print the sentence the way every error of the program looks."""
        click.echo(f"rerank-lens: {_plain(self.format_message())}", err=True)


class OrderedOptions(click.Command):
    """A command that remembers in which order its options were written (`ctx.meta["written"]`)."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and keep (option, value) pairs as written."""
        values, _, order = self.make_parser(ctx).parse_args(args=list(args))
        left = {name: iter(value) for name, value in values.items() if isinstance(value, list)}
        ctx.meta["written"] = [(param.name, next(left[param.name])) for param in order if param.name in left]
        return super().parse_args(ctx, args)


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
    db: str | None,
) -> None:
    """Rerank the documents of FILE (JSON, JSONL, CSV or text; - for standard input).

    Exit codes: 0 done, 1 a strategy failed, 2 wrong usage or input.
    """
    from reranking.api import compare
    from reranking.store import StoreError, open_store

    inputs = _read(file, query)
    ready = _prepared(ctx.meta["written"])
    failed = False
    try:
        store = open_store(db)
    except StoreError as error:
        raise WrongUseError(str(error)) from error
    for one in inputs:
        comparison = compare(str(one.query), one.documents, ready, archive=store.archive)
        failed |= any(ranking.outcome == "failed" for ranking in comparison.rankings)
        click.echo(_json(comparison.to_json()) if as_json else _table(comparison))
    store.close()
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
        click.echo(_json(rows))
        return
    from reranking import guide

    if markdown:
        click.echo(guide.page(), nl=False)
        return
    sizes = [f"n = {size}" for size in guide.SIZES]
    _columns(
        [
            (entry.kind, entry.cls.title, *entry.requests, " or ".join(entry.asks) or "–", ", ".join(entry.served_by))
            for entry in guide.entries()
        ],
        ("kind", "title", *sizes, "asks", "models"),
    )


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(as_json: bool) -> None:
    """List the models that can be named, what they answer, and what is missing."""
    from reranking.providers.registry import Registry

    rows = Registry().listing()
    if as_json:
        shown = [
            {"name": row.name, "answers": list(row.answers), "available": row.available, "reason": row.reason}
            for row in rows
        ]
        click.echo(_json(shown))
        return
    _columns(
        [
            (row.name, ", ".join(row.answers), "available" if row.available else row.reason)
            for row in sorted(rows, key=lambda row: not row.available)
        ],
        ("model", "answers", "state"),
    )


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
    for one in _read(file, None):
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
        click.echo(_json({"model": model, "heads": chosen, "left_out": left_out}))
        return
    for query, reason in found.left_out:
        click.echo(f"left out: {_plain(query)}: {_plain(reason)}", err=True)
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
    package = Path(__file__).resolve().parent
    for script in (package / "_app" / "app.py", package.parent / "app.py"):
        if script.is_file():
            return script
    raise WrongUseError("the app is missing from this installation: install rerank-lens again")


def _read(file: str, query: str | None) -> list[Input]:
    """The inputs of a file, each with a query and documents. Raises WrongUseError."""
    from dataclasses import replace

    from reranking.documents import has_content
    from reranking.formats.loaded import FormatError
    from reranking.formats.read import read

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise WrongUseError(f"cannot read {file}: {error.strerror}") from error
    try:
        inputs = [one if query is None else replace(one, query=query) for one in read(data, Path(file).name).queries]
    except FormatError as error:
        raise WrongUseError(str(error)) from error
    for number, one in enumerate(inputs, start=1):
        place = f"{file}: query {number}" if len(inputs) > 1 else file
        if one.query is None or not has_content(one.query):
            raise WrongUseError(f"{place} has no query: add one to the file, or give --query")
        if not one.documents:
            raise WrongUseError(f"{place} has no documents")
    return inputs


def _prepared(written: Sequence[tuple[str, str]]) -> list[Strategy]:
    """The strategies as written, each with the models and parameters that follow it."""
    from reranking.api import prepared
    from reranking.providers.registry import Registry

    groups: list[dict[str, Any]] = []
    for option, value in written:
        if option == "strategies":
            groups.append({"value": _strategy(value), "model": None})
            continue
        if not groups:
            raise WrongUseError("--model and --set belong after the --strategy they are for")
        if option == "models":
            groups[-1]["model"] = value
        elif option == "sets":
            key, equals, text = value.partition("=")
            if not equals:
                raise WrongUseError(f"--set takes KEY=VALUE, not '{value}'")
            groups[-1]["value"][key.strip()] = _value(text)
    if not groups:
        raise WrongUseError("name at least one --strategy; 'rerank-lens strategies' lists them")
    registry = Registry()
    try:
        return [prepared(group["value"], group["model"], registry.answers) for group in groups]
    except Exception as error:
        from reranking.models import ModelError

        if isinstance(error, ValueError | ModelError):
            raise WrongUseError(str(error)) from error
        raise


def _strategy(text: str) -> dict[str, Any]:
    """A strategy as a mapping, from a JSON object or a name. Raises WrongUseError."""
    from reranking.strategies.catalogue import UnknownStrategyError, parse_name

    try:
        value = json.loads(text) if text.lstrip().startswith("{") else parse_name(text)
    except (ValueError, UnknownStrategyError) as error:
        raise WrongUseError(f"cannot read --strategy {text}: {error}") from error
    return dict(value)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _table(comparison: Comparison) -> str:
    """A comparison as text for people."""
    parts = [f"Query: {_plain(comparison.query)}"]
    for ranking in comparison.rankings:
        usage = ranking.usage
        cost = "cost unknown" if usage.cost_usd is None else f"${usage.cost_usd:.4f}"
        took = f"{usage.requests} requests, {cost}, {usage.seconds:.2f} s"
        head = f"{_name(ranking.strategy)}: {ranking.outcome}, {ranking.score_kind}, {took}"
        parts.append(f"\n{_plain(head)}")
        parts.extend(f"  ! {_plain(note.message)}" for note in ranking.diagnostics)
        parts.extend(_lines(ranking))
    return "\n".join(parts) + "\n"


def _lines(ranking: Any) -> Iterator[str]:
    ties = [item.tie for item in ranking]
    for item in ranking:
        rank = "-" if item.rank is None else f"{item.rank}{'=' if ties.count(item.tie) > 1 else ''}"
        score = "" if item.score is None else f"{item.score:.4f}"
        reason = item.explanation.reason if item.explanation and item.explanation.reason else ""
        text = _plain(item.candidate.title or item.candidate.text)[:60]
        said = f"  ({_plain(reason)})" if reason else ""
        yield f"  {rank:>4}  {score:>9}  {_plain(item.candidate.id):<10} {text}{said}"


def _json(value: Any) -> str:
    """The value as JSON on one line; what a terminal would obey or cannot show stands as an escape."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(
        f"\\u{ord(char):04x}" if char in _TURNING or unicodedata.category(char) in {"Cc", "Cs"} else char
        for char in text
    )


def _plain(text: str) -> str:
    """The text on one line, without what a terminal would obey or cannot show."""
    return "".join(
        char
        for char in " ".join(text.split())
        if char not in _TURNING and unicodedata.category(char) not in {"Cc", "Cs"}
    )


def _name(spec: Any) -> str:
    from reranking.strategies.catalogue import make

    return make(dict(spec)).name


def _columns(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> None:
    rows = [[_plain(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in [heads, *rows]) for at in range(len(heads))]
    for row in [heads, *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
