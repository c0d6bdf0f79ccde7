"""What the commands share: their errors, how input and strategies are read, how text is printed."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from reranking.formats.loaded import Input
    from reranking.providers.settings import Settings
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
        click.echo(f"rerank-lens: {plain(self.format_message())}", err=True)


class OrderedOptions(click.Command):
    """A command that remembers in which order its options were written (`ctx.meta["written"]`)."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and keep (option, value) pairs as written."""
        values, _, order = self.make_parser(ctx).parse_args(args=list(args))
        left = {name: iter(value) for name, value in values.items() if isinstance(value, list)}
        ctx.meta["written"] = [(param.name, next(left[param.name])) for param in order if param.name in left]
        return super().parse_args(ctx, args)


def read_inputs(file: str, query: str | None) -> list[Input]:
    """The inputs of a file or a BEIR folder, each with a query and documents. Raises WrongUseError."""
    from dataclasses import replace

    from reranking.documents import has_content
    from reranking.formats.collection import read_folder
    from reranking.formats.loaded import FormatError
    from reranking.formats.read import read

    path = Path(file)
    try:
        if path.is_dir():
            loaded = read_folder(path)
        else:
            loaded = read(sys.stdin.buffer.read() if file == "-" else path.read_bytes(), path.name)
    except OSError as error:
        raise WrongUseError(f"cannot read {file}: {error.strerror}") from error
    except FormatError as error:
        raise WrongUseError(str(error)) from error
    inputs = [one if query is None else replace(one, query=query) for one in loaded.queries]
    for number, one in enumerate(inputs, start=1):
        place = f"{file}: query {number}" if len(inputs) > 1 else file
        if one.query is None or not has_content(one.query):
            raise WrongUseError(f"{place} has no query: add one to the file, or give --query")
        if not one.documents:
            raise WrongUseError(f"{place} has no documents")
    return inputs


def prepared_strategies(written: Sequence[tuple[str, str]], settings: Settings) -> list[Strategy]:
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
    registry = Registry(settings)
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


def as_json_line(value: Any) -> str:
    """The value as JSON on one line; what a terminal would obey or cannot show stands as an escape."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(
        f"\\u{ord(char):04x}" if char in _TURNING or unicodedata.category(char) in {"Cc", "Cs"} else char
        for char in text
    )


def plain(text: str) -> str:
    """The text on one line, without what a terminal would obey or cannot show."""
    return "".join(
        char
        for char in " ".join(text.split())
        if char not in _TURNING and unicodedata.category(char) not in {"Cc", "Cs"}
    )


def columns(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> None:
    """Print `rows` under `heads` as a table for people."""
    rows = [[plain(cell) for cell in row] for row in rows]
    widths = [max(len(row[at]) for row in [heads, *rows]) for at in range(len(heads))]
    for row in [heads, *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
