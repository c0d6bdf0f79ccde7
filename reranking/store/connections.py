"""Connections that a person set up, and what tests found out about models. No keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reranking.providers.abilities import Abilities, abilities_from_json
from reranking.providers.saved import Prices, SavedConnection, checked
from reranking.providers.settings import Settings
from reranking.store.database import Database, StoreError
from reranking.store.values import from_text, to_text


@dataclass(frozen=True, slots=True)
class Removed:
    """A connection that was removed, and what was known of its models: enough to put it back."""

    connection: SavedConnection
    tested: dict[str, Abilities]


class Connections:
    """The connections of a store, and the findings of tests."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def all(self) -> dict[str, SavedConnection]:
        """All connections by name: those that a person named, and built-in ones with limits of their own."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT * FROM connections ORDER BY name").fetchall()
        return {row["name"]: _saved(row) for row in rows}

    def add(self, entered: SavedConnection) -> SavedConnection:
        """Keep a new connection and return it as kept.

        Raises ModelError for what cannot be one, StoreError if the name is taken.
        """
        return self._write(entered, "INSERT INTO", f"There is a connection '{entered.name.strip()}' already.")

    def change(self, entered: SavedConnection) -> SavedConnection:
        """Keep a connection in place of that of the same name, if there is one. Raises ModelError as `add`."""
        return self._write(entered, "INSERT OR REPLACE INTO", "")

    def remove(self, name: str) -> Removed:
        """Remove a connection with all that was found out about its models. Raises StoreError if there is none."""
        known, tested = self.all(), self.tested()
        if name not in known:
            raise StoreError(f"There is no connection '{name}'.")
        mine = {model: found for model, found in tested.items() if model.partition(":")[0] == name}
        with self._database.write() as connection:
            connection.execute("DELETE FROM connections WHERE name = ?", (name,))
            connection.executemany("DELETE FROM tested_models WHERE model = ?", [(model,) for model in mine])
        return Removed(known[name], mine)

    def put_back(self, removed: Removed) -> None:
        """Undo `remove`. Raises StoreError if the name has been taken meanwhile."""
        self.add(removed.connection)
        for model, found in removed.tested.items():
            self.remember(model, found)

    def remember(self, model: str, found: Abilities) -> None:
        """Keep what a test found out about `model`, instead of what an earlier one did.

        A test that came to nothing, as with one person's wrong key, is nothing to be known by all:
        it is not kept, and takes nothing away.
        """
        if found.problem:
            return
        with self._database.write() as connection:
            row = (model, found.at, to_text(found.to_json()))
            connection.execute("INSERT OR REPLACE INTO tested_models VALUES (?, ?, ?)", row)

    def tested(self) -> dict[str, Abilities]:
        """What tests found out, by the full name of the model."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT model, found FROM tested_models ORDER BY model").fetchall()
        return {model: abilities_from_json(from_text(found)) for model, found in rows}

    def settings(
        self, keys: Mapping[str, str] | None = None, secrets: Callable[[str], str | None] | None = None
    ) -> Settings:
        """What models are opened with: these connections and findings, and the keys of one person."""
        return Settings(keys=keys or {}, secrets=secrets, connections=self.all(), tested=self.tested())

    def _write(self, entered: SavedConnection, verb: str, taken: str) -> SavedConnection:
        saved = checked(entered)
        prices = (None, None, None) if saved.prices is None else _figures(saved.prices)
        row = (
            saved.name, saved.kind, saved.place, saved.concurrency, saved.per_minute, saved.temperature, *prices,
            self._clock(),
        )  # fmt: skip
        with self._database.write() as connection:
            if taken and connection.execute("SELECT 1 FROM connections WHERE name = ?", (saved.name,)).fetchone():
                raise StoreError(taken)
            connection.execute(f"{verb} connections VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        return saved


def _figures(prices: Prices) -> tuple[float, float, float]:
    return prices.input, prices.output, prices.requests


def _saved(row: sqlite3.Row) -> SavedConnection:
    given: tuple[Any, ...] = (row["input_price"], row["output_price"], row["request_price"])
    return SavedConnection(
        name=row["name"],
        kind=row["kind"],
        place=row["place"],
        concurrency=row["concurrency"],
        per_minute=row["per_minute"],
        temperature=row["temperature"],
        prices=None if None in given else Prices(*given),
    )
