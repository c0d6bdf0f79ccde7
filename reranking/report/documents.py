"""Documents in full, where no comparison of the report shows them with their ranks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from reranking.documents import Candidate
from reranking.views import evidence


@dataclass(frozen=True, slots=True)
class InFull:
    """A document with all its text, in which the words of the query are marked; `number` is its place from 1."""

    number: int
    label: str
    id: str
    text: Markup


def in_full(candidates: Iterable[Candidate], query: str) -> list[InFull]:
    """Every candidate as a report shows it."""
    return [
        InFull(
            item.index + 1,
            item.label,
            item.id,
            Markup(evidence.full_text(item.text, evidence.word_marks(item.text, query), len(item.text))),
        )
        for item in candidates
    ]
