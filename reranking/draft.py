"""What a person has entered: queries with their documents, and the set of strategies."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from reranking.documents import Document, as_document
from reranking.formats.loaded import Input
from reranking.formats.pasted import split_text
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import UnknownStrategyError, make

FIRST_SET: tuple[tuple[dict[str, Any], bool], ...] = (
    ({"kind": "input-order"}, True),
    ({"kind": "bm25"}, True),
    ({"kind": "dense", "model": "embedded:minilm"}, True),
    ({"kind": "late-interaction", "model": "embedded:minilm"}, False),
    ({"kind": "yes-no", "model": "embedded:smollm2"}, False),
)

_OF_ONE_QUERY = ("query", "text", "split", "loaded", "source")


@dataclass
class Entry:
    """One line of the strategy set. `key` tells lines apart, also two of the same strategy.

    `label` is what the user calls it; empty for the name made from its parameters. `problem` is
    what is wrong with the form as it stands; `spec` is then still the one before. `nonce` tells its
    answers from those to the same requests asked before; empty for the first ones. It holds for
    one query with its documents and for the parameters that were asked again (see `ask_again`).
    """

    spec: dict[str, Any]
    on: bool = True
    problem: str = ""
    label: str = ""
    nonce: str = ""
    key: str = field(default_factory=lambda: secrets.token_hex(4))

    def strategy(self) -> Strategy | None:
        """The strategy, or None if this installation does not know it (any more)."""
        try:
            return make(self.spec)
        except UnknownStrategyError:
            return None

    def copy(self) -> Entry:
        """The same line once more, under a key of its own."""
        return Entry(deepcopy(self.spec), self.on, label=self.label, nonce=self.nonce)

    def to_json(self) -> dict[str, Any]:
        """The line as JSON-able values, without what is wrong with the form on the screen."""
        return {
            "spec": deepcopy(self.spec), "on": self.on, "label": self.label, "nonce": self.nonce, "key": self.key,
        }  # fmt: skip


@dataclass
class Entered:
    """One query with its documents, as entered, also where it cannot be run yet.

    `text` is what was pasted. `loaded` holds documents of a file or an example instead, and
    `source` says where they are from; the list is replaced and never changed in place.
    """

    query: str = ""
    text: str = ""
    split: str = "auto"
    loaded: list[dict[str, Any]] | None = None
    source: str = ""
    _read: tuple[Any, tuple[Document, ...]] | None = field(default=None, init=False, repr=False, compare=False)

    def documents(self) -> tuple[Document, ...]:
        """The documents as entered: those loaded, else the pasted text as it is split."""
        of = self.loaded if self.loaded is not None else (self.text, self.split)
        if self._read is None or not (self._read[0] is of or (self.loaded is None and self._read[0] == of)):
            self._read = (of, self._documents())
        return self._read[1]

    def load(self, documents: Sequence[Document], source: str) -> None:
        """Take these documents instead of the pasted text, which stays as it is."""
        self.loaded = [
            {"text": item.text, "id": item.id, "title": item.title, "metadata": dict(item.metadata)}
            for item in documents
        ]
        self.source = source

    def of_one_query(self) -> dict[str, Any]:
        """The query and its documents as JSON-able values."""
        return {name: getattr(self, name) for name in _OF_ONE_QUERY}

    def _documents(self) -> tuple[Document, ...]:
        if self.loaded is not None:
            return tuple(as_document(item) for item in self.loaded)
        return split_text(self.text, self.split).documents  # type: ignore[arg-type]  # the widget offers modes only


@dataclass
class Draft(Entered):
    """All that is entered in a session; its own query and documents are those on the screen.

    `others` are the session's other queries in their order, and `at` is how many of them stand
    before the one on the screen. `limit` is what a run may spend in US dollars, None for no limit.
    """

    shelf: list[Entry] = field(default_factory=lambda: [Entry(deepcopy(spec), on) for spec, on in FIRST_SET])
    others: list[Entered] = field(default_factory=list)
    at: int = 0
    limit: float | None = None

    def queries(self) -> list[Entered]:
        """All queries of the session in their order, the one on the screen among them."""
        return [*self.others[: self.at], self, *self.others[self.at :]]

    def choose(self, number: int) -> None:
        """Bring the query at that place (from 0) onto the screen."""
        every = self.queries()
        chosen = every[number]
        if chosen is self:
            return
        every[self.at] = _entered(self.of_one_query())
        del every[number]
        self.others, self.at = every, number
        self._become(chosen)

    def take(self, inputs: Sequence[Input], source: str) -> None:
        """Make these the queries of the session, the first one on the screen.

        A single input without a query of its own keeps the query that is entered.
        """
        every = []
        for one in inputs:
            made = Entered(query=one.query or "")
            made.load(one.documents, source)
            every.append(made)
        if len(every) == 1 and inputs[0].query is None:
            every[0].query = self.query
        every[0].text, every[0].split = self.text, self.split
        self.others, self.at = every[1:], 0
        self._become(every[0])

    def strategies(self) -> list[Strategy]:
        """The strategies that are switched on."""
        return [made for entry in self.shelf if entry.on and (made := entry.strategy()) is not None]

    def nonces(self) -> list[str | None]:
        """The nonces of `strategies`, None for one that shares its answers with all others."""
        return [self.nonce(entry) for entry in self.shelf if entry.on and entry.strategy() is not None]

    def nonce(self, entry: Entry) -> str | None:
        """The nonce of a line, None if it was not asked again as it is now."""
        return entry.nonce if entry.nonce and entry.nonce.startswith(self._asked(entry)) else None

    def ask_again(self, entry: Entry) -> None:
        """Give a line a nonce of its own, so that the next run asks it anew; others keep their answers."""
        entry.nonce = f"{self._asked(entry)}{secrets.token_hex(4)}"

    def _asked(self, entry: Entry) -> str:
        """What a line is asked about, as the beginning of a nonce."""
        about = [entry.spec, self.query, [item.fingerprint for item in self.documents()]]
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:12] + "-"

    def is_empty(self) -> bool:
        """Whether nothing has been entered yet."""
        return not (self.query or self.text or self.loaded or self.others)

    def to_json(self) -> dict[str, Any]:
        """The draft as JSON-able values. `strategies` is there for the list of sessions."""
        return {
            **self.of_one_query(),
            "shelf": [entry.to_json() for entry in self.shelf],
            "others": [other.of_one_query() for other in self.others],
            "at": self.at,
            "limit": self.limit,
            "strategies": [deepcopy(entry.spec) for entry in self.shelf if entry.on],
        }

    def _become(self, other: Entered) -> None:
        for name in _OF_ONE_QUERY:
            setattr(self, name, getattr(other, name))


def draft_from_json(value: Mapping[str, Any]) -> Draft:
    """The draft that `Draft.to_json` wrote."""
    found = Draft(**{name: value[name] for name in _OF_ONE_QUERY if name in value})
    if "shelf" in value:
        found.shelf = [Entry(**entry) for entry in value["shelf"]]
    found.others = [_entered(other) for other in value.get("others", ())]
    found.at = value.get("at", 0)
    found.limit = value.get("limit")
    return found


def _entered(value: Mapping[str, Any]) -> Entered:
    return Entered(**{name: value[name] for name in _OF_ONE_QUERY if name in value})
