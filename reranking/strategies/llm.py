"""What all LLM strategies share: prompts, how passages are shown, and how lost replies are reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, WithJsonSchema, model_validator

from reranking.documents import Candidates
from reranking.prompts import Prompt, Wording, load, worded
from reranking.prompts.domains import DomainField
from reranking.ranking import Diagnostic
from reranking.replies import Failed
from reranking.requests import Message
from reranking.strategies.base import AsksModel, Remedy
from reranking.strategies.showing import Shown

_DOMAIN = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}], "format": "domain"})
_PROMPT = WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "null"}], "format": "prompt"})


class LLMStrategy(AsksModel):
    """A strategy that shows passages to an LLM. `prompt_file` names its prompt's data file."""

    prompt_file: ClassVar[str]

    passage_words: int = Field(
        300, ge=1, le=100_000, title="Words of each document", description="Words of each document that the model sees"
    )
    show_title: bool = Field(True, title="Show titles", description="Show the document's title above its text")
    domain: Annotated[DomainField, _DOMAIN] = Field(None, description="A field with its own idea of relevance")
    prompt: Annotated[Wording | None, _PROMPT] = Field(None, description="Your own words in place of the prompt")

    @model_validator(mode="after")
    def _prompt_is_sound(self) -> Self:
        self.template()
        return self

    def prompt_name(self) -> str:
        """The data file of the prompt that this instance, with its parameters, uses."""
        return self.prompt_file

    def template(self) -> Prompt:
        """The prompt: the user's own words, or those of the file. Raises PromptError if they are unsound."""
        return load(self.prompt_name()) if self.prompt is None else worded(self.prompt_name(), self.prompt)

    def messages(self, **values: Any) -> tuple[Message, ...]:
        """The prompt with `values` in place, and the domain context as the end of its system part."""
        system, user = self.template().messages(**values)
        if self.domain is not None:
            system = Message("system", f"{system.text}\n\n{self.domain.text()}".strip())
        return (system, user)

    def shown(self, candidates: Candidates) -> Shown:
        """The candidates as the prompts show them."""
        return Shown(candidates, self.passage_words, self.show_title)


class ShowsSeveral(LLMStrategy):
    """A strategy whose prompts show several passages, so that their order may matter."""

    remedies: ClassVar[tuple[Remedy, ...]] = (Remedy("Position-aware prompt", {"order_note": True}),)

    order_note: bool = Field(
        False,
        title="Say that the order means nothing",
        description="Tell the model that the order of the passages carries no information",
    )


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
