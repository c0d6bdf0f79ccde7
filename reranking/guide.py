"""What there is to choose from, told from the strategy classes: for listings and the docs page."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any

from reranking.documents import as_candidates
from reranking.jobs import predict
from reranking.providers.registry import MODULES, serves
from reranking.requests import KINDS
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import each, fill_model, kind_of, strategies

SIZES = (10, 20, 100)
"""Numbers of documents for which requests are told."""

HEAD = (
    "# The strategies\n\n"
    "Written by `rerank-lens strategies --markdown` from the strategy classes. The requests are those of the "
    'default parameters, counted in a rehearsal that sends nothing; "about" where they depend on the answers. The '
    "guarantee is what a strategy delivers under a model that is always right.\n"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One strategy: its class, its requests for SIZES documents as text, and who can serve it."""

    cls: type[Strategy]
    requests: tuple[str, ...]
    served_by: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The fixed name."""
        return kind_of(self.cls)

    @property
    def asks(self) -> tuple[str, ...]:
        """The kinds of request that it, or a strategy that it holds by default, can send."""
        return tuple(dict.fromkeys(kind.kind for part in each(self.cls()) for kind in part.asks))


@cache
def entries() -> tuple[Entry, ...]:
    """All strategies, in the order of the catalogue."""
    return tuple(Entry(cls, _counted(cls), _served_by(cls)) for cls in strategies().values())


def page() -> str:
    """The docs page, as Markdown."""
    parts = [HEAD, _overview(entries()), _models()]
    for family, members in groupby(entries(), key=lambda entry: entry.cls.family):
        parts.append(f"## {family}\n")
        parts += [_section(entry) for entry in members]
    return "\n".join(parts)


def _counted(cls: type[Strategy]) -> tuple[str, ...]:
    strategy = fill_model(cls(), "any:model", frozenset(KINDS.values()))
    found = []
    for size in SIZES:
        texts = [f"document {number}" for number in range(size)]
        told = predict(strategy, "query", as_candidates(texts))
        found.append(f"{'' if told.exact else 'about '}{told.requests:,}")
    return tuple(found)


def _served_by(cls: type[Strategy]) -> tuple[str, ...]:
    """Prefixes of the models that answer a kind that the strategy, or one that it holds by default, can ask."""
    asked = {kind for part in each(cls()) for kind in part.asks}
    return tuple(prefix for prefix in MODULES if serves(prefix) & asked)


def _overview(rows: Iterable[Entry]) -> str:
    lines = [
        f"| {' | '.join([f'[{row.cls.title}](#{row.kind})', *row.requests, _listed(row.served_by) or 'none'])} |"
        for row in rows
    ]
    sizes = " | ".join(f"n = {size}" for size in SIZES)
    return f"| strategy | {sizes} | models |\n| --- |{' ---: |' * len(SIZES)} --- |\n" + "\n".join(lines) + "\n"


def _models() -> str:
    lines = [
        f"| `{prefix}:` | {_listed(kind for kind, cls in KINDS.items() if cls in serves(prefix))} |"
        for prefix in MODULES
    ]
    return (
        "What models can be asked; a single model may answer less, and says so.\n\n"
        "| models | can answer |\n| --- | --- |\n" + "\n".join(lines) + "\n"
    )


def _section(entry: Entry) -> str:
    cls = entry.cls
    told = inspect.cleandoc(cls.__doc__ or "").split("\n\n")
    rows = [
        ("name", f"`{entry.kind}`"),
        ("asks", _listed(entry.asks) or "no model"),
        ("requests", cls.requests),
        ("guarantee", cls.promises),
        ("source", cls.source or "none"),
    ]
    lines = [f'<a id="{entry.kind}"></a>\n', f"### {cls.title}\n"]
    lines += [f"{' '.join(paragraph.split())}\n" for paragraph in told]
    lines += ["| | |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in rows), ""]
    lines += ["| parameter | default | |", "| --- | --- | --- |", *_parameters(cls), ""]
    return "\n".join(lines)


def _parameters(cls: type[Strategy]) -> list[str]:
    strategy = cls()
    spec = strategy.spec()
    return [
        f"| `{name}` | {_value(spec[name])} | {info.description or ''} |"
        for name, info in cls.model_fields.items()
        if name != "kind"
    ]


def _value(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, list | dict):
        return f"`{value}`".replace("|", "\\|")
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
