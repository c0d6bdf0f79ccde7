"""Judgments: what people say about documents. None is ever changed or deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from reranking.store.database import Database, StoreError
from reranking.store.values import nfc, storable

Verdict = Literal["grade", "cannot-tell", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Judgment:
    """What one assessor said about one document for one query, on one scale, at one time.

    `query` is NFC-normalised, `fingerprint` that of the document, `at` seconds since the epoch.
    `grade` is a number exactly if `verdict` is `grade`.
    """

    id: int
    query: str
    fingerprint: str
    assessor: str
    scale: str
    verdict: Verdict
    grade: int | None
    note: str
    at: float


class Judgments:
    """The judgments of a store, keyed by query, fingerprint, assessor and scale; the latest counts."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    def add(
        self,
        query: str,
        fingerprint: str,
        assessor: str,
        scale: str,
        grade: int | None,
        note: str = "",
        *,
        verdict: Literal["cannot-tell", "withdrawn"] = "withdrawn",
    ) -> None:
        """Judge a document. Without a grade, `verdict` says whether it cannot be told or is taken back.

        Raises StoreError for a grade that is not a whole number.
        """
        if grade is not None and (isinstance(grade, bool) or not isinstance(grade, int)):
            raise StoreError(f"A grade is a whole number, not {grade!r}.")
        values = (
            storable(nfc(query), "The query"),
            fingerprint,
            storable(assessor, "The assessor's name"),
            storable(scale, "The name of the scale"),
            verdict if grade is None else "grade",
            grade,
            storable(note, "The note"),
            self._clock(),
        )
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO judgments (query, fingerprint, assessor, scale, verdict, grade, note, at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )

    def latest(self, query: str, scale: str | None = None, assessor: str | None = None) -> list[Judgment]:
        """The latest judgment of each document, assessor and scale, oldest first."""
        return self._select(
            "SELECT * FROM latest_judgments WHERE query = ? AND scale = ifnull(?, scale) "
            "AND assessor = ifnull(?, assessor) ORDER BY id",
            (storable(nfc(query), "The query"), scale, assessor),
        )

    def grades(self, query: str, scale: str, assessor: str | None = None) -> dict[str, int]:
        """Fingerprint -> grade that counts. Documents without a grade are absent.

        With several assessors it is the newest of their latest grades.
        """
        found = self.latest(query, scale, assessor)
        return {item.fingerprint: item.grade for item in found if item.grade is not None}

    def texts(self, scale: str, assessor: str | None = None) -> list[tuple[str, str, int]]:
        """What was graded, as (query, text, grade that counts), for documents that are still in the store."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT DISTINCT judged.query, documents.text, judged.grade FROM latest_judgments AS judged "
                "JOIN candidate_lists ON candidate_lists.query_nfc = judged.query "
                "JOIN documents ON documents.candidate_list = candidate_lists.id "
                "AND documents.fingerprint = judged.fingerprint "
                "WHERE judged.grade IS NOT NULL AND judged.scale = ? AND judged.assessor = ifnull(?, judged.assessor) "
                "ORDER BY judged.query, documents.text, judged.grade",
                (scale, assessor),
            ).fetchall()
        return [(row["query"], row["text"], row["grade"]) for row in rows]

    def history(self, query: str, fingerprint: str) -> list[Judgment]:
        """Everything ever said about a document for a query, oldest first."""
        return self._select(
            "SELECT * FROM judgments WHERE query = ? AND fingerprint = ? ORDER BY id",
            (storable(nfc(query), "The query"), fingerprint),
        )

    def _select(self, sql: str, values: tuple[str | None, ...]) -> list[Judgment]:
        with self._database.read() as connection:
            rows = connection.execute(sql, values).fetchall()
        return [Judgment(**row) for row in rows]
