"""A comparison that is over, as the screens and the report show it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from reranking.documents import Document
from reranking.jobs import JobStatus, Part
from reranking.ranking import Ranking
from reranking.views.naming import Naming


@dataclass(frozen=True, eq=False)
class Compared:
    """The strategies of a job that are over, with names that tell them apart.

    Equal, so that figures and HTML made of it are found again, as long as the same rankings of the
    same job are there under the same names. `rankings[i]` and `names[i]` belong to `parts[i]`;
    `naming` is what strategies are called by.
    """

    job: JobStatus
    parts: tuple[Part, ...]
    rankings: tuple[Ranking, ...]
    names: tuple[str, ...]
    naming: Naming
    _key: tuple[str, tuple[int, ...], tuple[str, ...]] = field(repr=False)

    @classmethod
    def of(cls, job: JobStatus, naming: Naming) -> Compared:
        """What is there of a job by now."""
        parts = tuple(part for part in job.parts if part.ranking is not None)
        rankings = tuple(part.ranking for part in parts if part.ranking is not None)
        names = tuple(naming.short_names([part.strategy for part in parts]))
        return cls(job, parts, rankings, names, naming, (job.id, tuple(id(ranking) for ranking in rankings), names))

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
