"""`rerank-lens report`: a session as one HTML file to send to somebody."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import click

from reranking.cli.common import WrongUseError, plain


@click.command()
@click.argument("session", required=False)
@click.option("-o", "--output", "output", type=click.Path(dir_okay=False, allow_dash=True), metavar="FILE",
              help="Where to write it; - for standard output (default: a file named after the session).")  # fmt: skip
@click.option("--db", envvar="RERANK_LENS_DB", metavar="PATH", help="Where sessions are kept.")
def report(session: str | None, output: str | None, db: str | None) -> None:
    """Write a session as one HTML file: its comparisons, charts, explanations, costs and bias tests.

    SESSION is the id in the address of its screens; without it, it is the session that was changed
    last. The file opens without a network and asks for nothing. Exit codes: 0 done, 2 wrong usage.
    """
    from reranking.report import file_name, gather, html
    from reranking.store import StoreError, open_store
    from reranking.store.sessions import MissingSessionError
    from reranking.store.store import store_path

    path = store_path(db)
    if not path.exists():  # looking does not create a database
        raise WrongUseError(f"there is no database at {path}; name it with --db")
    try:
        with closing(open_store(db)) as store:
            rows = store.sessions.all()
            if session is None and not rows:
                raise WrongUseError(f"there is no session in {path} yet")
            told = gather(store, session if session is not None else rows[0].id)
    except MissingSessionError as error:
        raise WrongUseError(f"{error} Sessions there are: {_named([row.id for row in rows])}") from error
    except StoreError as error:
        raise WrongUseError(str(error)) from error
    page = html(told)
    if output == "-":
        click.echo(page, nl=False)
        return
    target = Path(output) if output is not None else Path(file_name(told.title))
    try:
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise WrongUseError(f"cannot write {target}: {error.strerror}") from error
    click.echo(plain(str(target)))


def _named(ids: list[str], most: int = 5) -> str:
    """The newest ids, and how many more there are."""
    if not ids:
        return "none"
    return ", ".join(ids[:most]) + (f" and {len(ids) - most} more" if len(ids) > most else "")
