"""`rerank-lens connections` and `rerank-lens models`: what can be asked, and where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from reranking.cli.common import STRATEGY_FAILED, WrongUseError, as_json_line, columns, plain

if TYPE_CHECKING:
    from reranking.providers.abilities import Abilities
    from reranking.providers.saved import SavedConnection
    from reranking.providers.settings import Settings
    from reranking.store import Store

DATABASE = click.option(
    "--db", envvar="RERANK_LENS_DB", metavar="PATH", help="Where connections are kept (default data/rerank-lens.db)."
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--test", "tested", metavar="NAME", help="Find out what this model can do, by a few small requests.")
@DATABASE
@click.pass_context
def models(ctx: click.Context, as_json: bool, tested: str | None, db: str | None) -> None:
    """List the models that can be named, what they answer, and what is missing."""
    from reranking.providers.registry import Registry

    if tested is not None:
        ctx.exit(_test(tested, as_json, db))
    rows = Registry(known_settings(db)).listing()
    if as_json:
        shown = [
            {"name": row.name, "answers": list(row.answers), "available": row.available, "reason": row.reason}
            for row in rows
        ]
        click.echo(as_json_line(shown))
        return
    columns(
        [
            (row.name, ", ".join(row.answers), "available" if row.available else row.reason)
            for row in sorted(rows, key=lambda row: not row.available)
        ],
        ("model", "answers", "state"),
    )


@click.group(invoke_without_command=True)
@click.pass_context
def connections(ctx: click.Context) -> None:
    """Servers and folders with a name of your own, whose models are named `name:model`.

    A key is never kept: it is read from NAME_API_KEY, and sent only where NAME_BASE_URL says.
    Without a command they are listed.
    """
    if ctx.invoked_subcommand is None:
        with list_connections.make_context("list", [], parent=ctx) as listing:  # with what the environment says
            list_connections.invoke(listing)


@connections.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@DATABASE
def list_connections(as_json: bool, db: str | None) -> None:
    """List the connections that were set up."""
    from dataclasses import asdict

    settings = known_settings(db)
    rows = list(settings.connections.values())
    if as_json:
        click.echo(as_json_line([{**asdict(row), "key": settings.key_source(row.name)} for row in rows]))
    elif not rows:
        click.echo("No connections yet. Add one: rerank-lens connections add my-box http://box:8000/v1")
    else:
        columns(
            [
                (row.name, row.kind, row.place or "built in", settings.key_source(row.name) or "none", _limits(row))
                for row in rows
            ],
            ("name", "kind", "address", "key", "limits"),
        )


@connections.command()
@click.argument("name")
@click.argument("place", metavar="[URL|FOLDER]", default="")
@click.option(
    "--kind", type=click.Choice(["openai", "anthropic", "rerank", "folder"]), default="openai", show_default=True,
    help="What speaks there.",
)  # fmt: skip
@click.option("--concurrency", type=int, help="Requests at once.")
@click.option("--per-minute", type=int, help="Requests that begin in any minute.")
@click.option("--temperature", type=float, help="Sent with each request; not sent if it is not given.")
@click.option("--input-price", type=float, help="US dollars for a million tokens read.")
@click.option("--output-price", type=float, help="US dollars for a million tokens written.")
@click.option("--request-price", type=float, help="US dollars for a thousand requests.")
@DATABASE
def add(name: str, place: str, kind: Any, db: str | None, **limits: Any) -> None:
    """Set up a connection, or change what is set for NAME.

    Without an address NAME is a connection that is built in, such as openai, which gets limits or
    prices of its own.
    """
    from reranking.models import ModelError
    from reranking.providers.saved import Prices, SavedConnection, kind_of
    from reranking.providers.settings import key_variable, url_variable
    from reranking.store import StoreError

    prices = [limits.pop(f"{what}_price") for what in ("input", "output", "request")]
    own = None if all(price is None for price in prices) else Prices(*(price or 0.0 for price in prices))
    entered = SavedConnection(name, kind if place else kind_of(name), place, **limits, prices=own)
    try:
        with _store(db) as store:
            saved = store.connections.change(entered)
    except (ModelError, StoreError) as error:
        raise WrongUseError(str(error)) from error
    click.echo(f"{saved.name}: {saved.place or 'built in'}, {_limits(saved)}")
    if saved.place and saved.kind != "folder":
        click.echo(
            f"If it wants a key, set {key_variable(saved.name)}, and {url_variable(saved.name)} to {saved.place}.",
            err=True,
        )


@connections.command()
@click.argument("name")
@DATABASE
def remove(name: str, db: str | None) -> None:
    """Remove a connection, and what tests found out about its models."""
    from reranking.store import StoreError

    try:
        with _store(db) as store:
            store.connections.remove(name)
    except StoreError as error:
        raise WrongUseError(str(error)) from error
    click.echo(f"{plain(name)}: removed")


def known_settings(db: str | None) -> Settings:
    """The environment's keys and addresses, and the connections of the store if there is one."""
    from reranking.providers.settings import Settings
    from reranking.store.store import store_path

    if not store_path(db).exists():  # looking does not create a database
        return Settings()
    with _store(db) as store:
        return store.connections.settings()


@contextmanager
def _store(db: str | None) -> Iterator[Store]:
    from reranking.store import StoreError, open_store

    try:
        store = open_store(db)
    except StoreError as error:
        raise WrongUseError(str(error)) from error
    try:
        yield store
    finally:
        store.close()


def _test(name: str, as_json: bool, db: str | None) -> int:
    from reranking.api import try_out
    from reranking.models import ModelError
    from reranking.providers.findings import cost_of_test
    from reranking.providers.probing import Probe

    with _store(db) as store:
        settings = store.connections.settings()
        try:
            plan = Probe(name, settings, 0.0).plan()
            click.echo(cost_of_test(plan), err=True)
            found = try_out(name, settings=settings, archive=store.archive)
        except ModelError as error:
            raise WrongUseError(error.message) from error
        store.connections.remember(name.strip(), found)
    click.echo(as_json_line({"model": name.strip(), **found.to_json()}) if as_json else _findings(found))
    return STRATEGY_FAILED if found.problem else 0


def _findings(found: Abilities) -> str:
    from reranking.providers.findings import findings

    return "\n".join(f"{label}: {plain(text)}" for label, text in findings(found))


def _limits(saved: SavedConnection) -> str:
    from reranking.providers.findings import limits

    return limits(saved)
