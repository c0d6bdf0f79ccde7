"""The grades that count in a comparison: those given here, and those taken over from an example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reranking.documents import Document
from reranking.store import Store
from reranking.wording import listed

ASSESSOR = "me"
EXAMPLE = "example"
"""The assessor under whose name an example's grades are kept."""

SCALE = "0-3"
GRADES = (0, 1, 2, 3)


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


def whose(every: Iterable[Grades], own: str = "your") -> str:
    """Whose grades these are, as a word before `grades`: `own`, `the example's`, or both."""
    each = list(every)
    found = [own] if any(one.own for one in each) else []
    found += ["the example's"] if any(one.given.keys() - one.own.keys() for one in each) else []
    return listed(found or [own])


def given(store: Store, assessor: str, query: str, documents: Sequence[Document]) -> dict[int, int]:
    """The grades that an assessor gave so far: position -> grade. Equal documents share theirs."""
    found = store.judgments.grades(query, SCALE, assessor)
    return {at: found[item.fingerprint] for at, item in enumerate(documents) if item.fingerprint in found}


def grades(store: Store, query: str, documents: Sequence[Document]) -> Grades:
    """Every grade of the documents that counts: a document is judged, on every screen, if it is in `all` of it."""
    return Grades(given(store, ASSESSOR, query, documents), given(store, EXAMPLE, query, documents))
