"""The page of a report: one HTML file that needs nothing else and lets nothing out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from reranking.gateway import Resolve
from reranking.report import words
from reranking.report.bias import TestView
from reranking.report.charts import template
from reranking.report.comparison import ComparisonView
from reranking.report.documents import in_full
from reranking.report.gathered import Gathered, gather
from reranking.store import Store
from reranking.views.parts import STYLE
from reranking.wording import file_stem

if TYPE_CHECKING:
    from jinja2 import Template

_FOLDER = Path(__file__).with_name("templates")


def session_report(store: Store, session: str, resolve: Resolve | None = None) -> str:
    """A session as one self-contained HTML file; see `gather` for the arguments and what it raises."""
    return html(gather(store, session, resolve))


def html(told: Gathered) -> str:
    """The report as HTML. Nothing of it but links within the page leads anywhere, and it runs no script but its own."""
    scripts = _scripts()
    shown = {item for one in told.comparisons for item in one.found.documents}
    waiting = [(one, in_full(one.candidates, one.query)) for one in told.waiting]
    return _template().render(
        title=told.title,
        query=told.query,
        session=told.session,
        made=f"Rerank Lens {version('rerank-lens')}",
        comparisons=[ComparisonView(one, f"q{number}") for number, one in enumerate(told.comparisons, start=1)],
        waiting=waiting,
        tests=[TestView(one, told.naming, shown) for one in told.tests],
        policy=_policy(scripts),
        style=Markup(STYLE.read_text(encoding="utf-8") + (_FOLDER / "report.css").read_text(encoding="utf-8")),
        scripts=[Markup(script) for script in scripts],
        figure_template=template(),
        moment=words.moment,
    )


def file_name(title: str) -> str:
    """What the file of a report is called, as all file systems take it."""
    return f"{file_stem(title)}-report.html"


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(_FOLDER)
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("report.html")


@cache
def _scripts() -> tuple[str, ...]:
    from plotly.offline import get_plotlyjs

    return get_plotlyjs(), (_FOLDER / "report.js").read_text(encoding="utf-8")


def _policy(scripts: Sequence[str]) -> str:
    """A content security policy: no requests at all, and no script whose text is not one of these."""
    known = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {known}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
