"""What all LLM strategies share: how passages are shown, and how lost replies are reported."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from reranking.documents import Candidates
from reranking.prompts.passages import Passages, passages
from reranking.ranking import Diagnostic
from reranking.replies import Failed
from reranking.strategies.base import AsksModel


class LLMStrategy(AsksModel):
    """A strategy that shows passages to an LLM."""

    passage_words: int = Field(300, ge=1, le=100_000, description="Words of each document that the model sees")
    show_title: bool = Field(True, description="Show the document's title above its text")

    def shown(self, candidates: Candidates) -> Passages:
        """The candidates as the prompts show them."""
        return passages(candidates, self.passage_words, self.show_title)


def cut_note(cut: Sequence[int]) -> list[Diagnostic]:
    """A note on the documents that were shown in part, if any."""
    if not cut:
        return []
    what = "1 document was" if len(cut) == 1 else f"{len(cut)} documents were"
    return [Diagnostic("truncated", f"{what} longer than the model was shown; the rest was cut off.", tuple(cut))]


def lost(failed: Sequence[tuple[int, Failed]]) -> list[Diagnostic]:
    """One note per kind of failure, with the documents (original positions) concerned."""
    grouped: dict[tuple[str, str], list[tuple[int, Failed]]] = {}
    for index, failure in failed:
        grouped.setdefault((failure.code, failure.message), []).append((index, failure))
    return [
        Diagnostic(code, message, tuple(index for index, _ in members), members[0][1].raw)
        for (code, message), members in grouped.items()
    ]


def unusable(what: str, index: int, problem: str, raw: str) -> Diagnostic:
    """A note on a reply that came but gave nothing."""
    return Diagnostic("unusable-reply", f"{what}: {problem}.", (index,), raw)
