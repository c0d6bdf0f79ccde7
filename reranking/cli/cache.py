"""The reply cache: how much it holds, and clearing it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

import click

from reranking.cli.common import WrongUseError, as_json_line, columns
from reranking.wording import in_bytes

if TYPE_CHECKING:
    from reranking.store import CacheSize, Store

DAY = 86_400.0

_db = click.option(
    "--db", envvar="RERANK_LENS_DB", metavar="PATH", help="Where replies are kept (default data/rerank-lens.db)."
)


@click.group()
def cache() -> None:
    """Look at the replies that are kept so that nothing is asked and paid twice, and clear them."""


@cache.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@_db
def size(as_json: bool, db: str | None) -> None:
    """How many replies of each model there are, how large and how old they are."""
    with closing(_store(db)) as store:
        found, total = store.cache.by_model(), store.cache.size()
    if as_json:
        models = [{"model": model, **asdict(one)} for model, one in found.items()]
        click.echo(as_json_line({"total": asdict(total), "models": models}))
        return
    rows = [(model, *_figures(one)) for model, one in [*found.items(), ("all", total)]]
    columns(rows, ("model", "replies", "size", "needed", "oldest", "newest"))
    if total.needed:
        click.echo("\nneeded: used by saved sessions and unfinished runs; 'clear' keeps these unless told --all")


@cache.command()
@click.option("--model", metavar="MODEL", help="Only the replies of this model.")
@click.option("--older-than", type=click.FloatRange(min=0), metavar="DAYS", help="Only replies older than this.")
@click.option("--all", "everything", is_flag=True, help="Also what saved sessions and unfinished runs need.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@_db
def clear(model: str | None, older_than: float | None, everything: bool, yes: bool, db: str | None) -> None:
    """Delete kept replies, after saying what is lost."""
    from reranking.store.cache import LOST

    age = None if older_than is None else older_than * DAY
    with closing(_store(db)) as store:
        found = store.cache.size(model, older_than=age)
        count = found.replies if everything else found.replies - found.needed
        if not count:
            click.echo("nothing to clear")
            return
        if not yes:
            click.echo(LOST)
            if found.replies > count:
                click.echo(f"{_count(found.replies - count)} that saved sessions and unfinished runs need stay.")
            click.confirm(f"Clear {_count(count)}?", abort=True)
        removed = store.cache.clear(model, older_than=age, keep_needed=not everything)
    click.echo(f"cleared {_count(removed)}")


def _figures(found: CacheSize) -> tuple[str, str, str, str, str]:
    days = [datetime.fromtimestamp(at).strftime("%Y-%m-%d") if at else "–" for at in (found.oldest, found.newest)]
    return f"{found.replies:,}", in_bytes(found.bytes), f"{found.needed:,}", days[0], days[1]


def _count(number: int) -> str:
    return f"{number:,} {'reply' if number == 1 else 'replies'}"


def _store(db: str | None) -> Store:
    from reranking.store import StoreError, open_store

    try:
        return open_store(db)
    except StoreError as error:
        raise WrongUseError(str(error)) from error
