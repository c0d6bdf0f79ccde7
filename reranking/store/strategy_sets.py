"""Strategy sets: lines of strategies under a name, to be used again in other sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reranking.store.database import Database, StoreError
from reranking.store.values import from_text, storable, to_text


@dataclass(frozen=True, slots=True)
class StrategySet:
    """A saved set. `entries` are the screens' own; `saved` is seconds since the epoch."""

    name: str
    entries: tuple[Mapping[str, Any], ...]
    saved: float


class StrategySets:
    """The saved strategy sets of a store."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def all(self) -> list[StrategySet]:
        """All sets by name."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT name, entries, saved FROM strategy_sets").fetchall()
        found = [StrategySet(row["name"], tuple(from_text(row["entries"])), row["saved"]) for row in rows]
        return sorted(found, key=lambda one: one.name.casefold())

    def save(self, name: str, entries: Sequence[Mapping[str, Any]]) -> None:
        """Keep a set under a name, in place of one that has it. Raises StoreError if the name is blank."""
        if not name.strip():
            raise StoreError("A strategy set needs a name. Give it one.")
        values = (storable(name.strip(), "The name"), to_text(list(entries)), self._clock())
        with self._database.write() as connection:
            connection.execute("INSERT OR REPLACE INTO strategy_sets (name, entries, saved) VALUES (?, ?, ?)", values)

    def delete(self, name: str) -> None:
        """Delete a set; an unknown name is no error."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM strategy_sets WHERE name = ?", (name,))
