"""A comparison that is over, as everything below the input shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from reranking.documents import Document
from reranking.jobs import JobStatus, Part
from reranking.ranking import Ranking
from reranking.ui.names import short_names


@dataclass(frozen=True, eq=False)
class Compared:
    """The strategies of a job that are over, with names that tell them apart.

    Equal, so that figures and HTML made of it are found again, as long as the same rankings of the
    same job are there under the same names. `rankings[i]` and `names[i]` belong to `parts[i]`.
    """

    job: JobStatus
    parts: tuple[Part, ...]
    rankings: tuple[Ranking, ...]
    names: tuple[str, ...]
    _key: tuple[str, tuple[int, ...], tuple[str, ...]] = field(repr=False)

    @classmethod
    def of(cls, job: JobStatus) -> Compared:
        """What is there of a job by now."""
        parts = tuple(part for part in job.parts if part.ranking is not None)
        rankings = tuple(part.ranking for part in parts if part.ranking is not None)
        names = tuple(short_names([part.strategy for part in parts]))
        return cls(job, parts, rankings, names, (job.id, tuple(id(ranking) for ranking in rankings), names))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Compared) and self._key == other._key

    @cached_property
    def documents(self) -> tuple[Document, ...]:
        """The documents by original position."""
        return tuple(item.document for item in self.job.candidates)

    @cached_property
    def titles(self) -> tuple[str, ...]:
        """What each document is called, by original position."""
        return tuple(item.label for item in self.job.candidates)


@dataclass(frozen=True, slots=True)
class Grades:
    """The judgments of a comparison's documents, by original position: one's own, and an example's taken over."""

    own: Mapping[int, int]
    given: Mapping[int, int]

    @property
    def all(self) -> dict[int, int]:
        """Every grade; one's own counts before the example's."""
        return {**self.given, **self.own}

    @property
    def words(self) -> dict[int, str]:
        """What is written at each judged document."""
        given = {at: f"example's grade {grade}" for at, grade in self.given.items()}
        return given | {at: f"your grade {grade}" for at, grade in self.own.items()}
