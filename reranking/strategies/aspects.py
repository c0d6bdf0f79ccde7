"""The LLM strategy that grades each document by several aspects, and sums them up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator
from typing_extensions import override

from reranking.documents import Candidate, Candidates, Document, as_candidates, has_content
from reranking.parsing import parse_parts
from reranking.prompts.passages import CHARACTERS_PER_WORD, Passages, defuse, fenced, first_words, passages
from reranking.ranking import Contribution, Diagnostic, Explanation, by_score
from reranking.replies import Failed, Text
from reranking.requests import Generate, Request, schema_text
from reranking.strategies.base import Answer, Family, Guarantee, Steps
from reranking.strategies.llm import LLMStrategy, lost, unusable
from reranking.strategies.unread import problem

_WORDS_OF_A_QUERY = 60
_EACH_SIDE = 2


class Aspect(BaseModel):
    """One thing that a document is graded on, from 0 to `top`; the grade counts `weight` times."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(max_length=80, description="What people call it")
    description: str = Field("", max_length=500, description="What the model is told about it")
    top: int = Field(5, ge=1, le=100, title="Best grade", description="The best grade; the worst is 0")
    weight: float = Field(1.0, gt=0, le=100, allow_inf_nan=False, description="How much its grade counts")

    @field_validator("name", "description")
    @classmethod
    def _one_line(cls, value: str) -> str:
        return " ".join(value.split())

    @field_validator("name")
    @classmethod
    def _named(cls, value: str) -> str:
        if not has_content(value):
            raise ValueError("an aspect needs a name")
        return value

    @property
    def label(self) -> str:
        """What names of strategies say of it."""
        return f"{self.name} 0-{self.top}" + (f" x{self.weight:g}" if self.weight != 1 else "")


class Example(BaseModel):
    """A passage that people judged, shown to the model for orientation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query: str = Field(description="What was searched for")
    passage: str = Field(description="What was found; cut like the documents")
    rating: Literal["good", "bad"] = Field("good", description="How people judged it")
    reason: str = Field("", max_length=1_000, description="Why, if you want to say so")

    @field_validator("query", "passage")
    @classmethod
    def _not_empty(cls, value: str) -> str:
        if not has_content(value):
            raise ValueError("an example needs a query and a passage")
        return value

    @property
    def label(self) -> str:
        """What names of strategies say of it."""
        return self.rating


DEFAULT_ASPECTS = (
    Aspect(name="Direct answer", description="Does the passage answer the query itself, not just its topic?", top=5),
    Aspect(name="Completeness", description="How much of a full answer is there?", top=3),
    Aspect(name="Factual accuracy", description="Is what the passage states correct?", top=2),
)


class Aspects(LLMStrategy):
    """Ask for several grades of each document, one per aspect, and sum them up.

    Requests: n, all at once. Scores: the sum of weight x grade, shown with its parts; ties are
    usual. A document whose reply lacks a part, or has one off its scale, is not scored and goes
    below the scored ones. Examples of good and bad passages can be shown; a document that is
    itself an example for the query is graded without it.
    Source: Farzi & Dietz 2025, https://arxiv.org/abs/2507.09488
    """

    title: ClassVar[str] = "Aspects"
    family: ClassVar[Family] = "LLM pointwise"
    asks: ClassVar[tuple[type[Request], ...]] = (Generate,)
    requests: ClassVar[str] = "n"
    promises: ClassVar[Guarantee] = "exact order"
    source: ClassVar[str] = "Farzi & Dietz 2025, https://arxiv.org/abs/2507.09488"
    prompt_file: ClassVar[str] = "aspects"
    ignores_order: ClassVar[bool] = True

    kind: Literal["aspects"] = "aspects"
    aspects: tuple[Aspect, ...] = Field(
        DEFAULT_ASPECTS, min_length=1, max_length=9, description="What each document is graded on"
    )
    examples: tuple[Example, ...] = Field(
        (), max_length=8, description="Judged passages that the model is shown",
        json_schema_extra={"format": "judged-examples"},
    )  # fmt: skip

    @field_validator("aspects")
    @classmethod
    def _told_apart(cls, aspects: tuple[Aspect, ...]) -> tuple[Aspect, ...]:
        seen: set[str] = set()
        for aspect in aspects:
            if aspect.name.casefold() in seen:
                raise ValueError(f"two aspects are called '{aspect.name}'; give each a name of its own")
            seen.add(aspect.name.casefold())
        return aspects

    @property
    def best(self) -> float:
        """The best score there can be."""
        return sum(aspect.weight * aspect.top for aspect in self.aspects)

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        shown = self.shown(candidates)
        examples = self._examples(self.passage_words)
        schema = aspects_schema(self.aspects)
        others = [
            [at for at, item in enumerate(self.examples) if not _is_about(item, query, candidate)]
            for candidate in candidates
        ]
        own = [item.index for item, left in zip(candidates, others, strict=True) if len(left) < len(self.examples)]

        def request(place: int, words: int) -> Generate:
            known = examples if words >= self.passage_words else self._examples(words)
            passage, *judged = fenced([*shown.texts([place], words), *(known.texts[at] for at in others[place])])
            messages = self.messages(
                query=query,
                passage=passage,
                aspects=_listed(self.aspects),
                examples=_shown([self.examples[at] for at in others[place]], judged),
                form=_form(self.aspects),
            )
            at = (candidates[place].index,)
            return Generate(model=self.asked, task="aspects", shown=at, messages=messages, schema=schema)

        replies = yield from shown.ask([partial(request, place) for place in range(len(candidates))])
        read = [self._read(item, reply) for item, reply in zip(candidates, replies, strict=True)]
        failures = [(item.index, reply) for item, reply in zip(candidates, replies, strict=True)
                    if isinstance(reply, Failed)]  # fmt: skip
        notes = [note for _, _, note in read if note is not None]
        weighted = "weighted " if any(item.weight != 1 for item in self.aspects) else ""
        return by_score(
            candidates,
            [score for score, _, _ in read],
            f"{weighted}sum of aspects out of {self.best:.10g}",
            explanations=[explanation for _, explanation, _ in read],
            diagnostics=[
                *shown.notes(),
                *_cut_examples(examples.cut),
                *_own_examples(own),
                *lost(failures),
                *notes,
            ],
            repaired=any(note.code == "read-from-text" for note in notes),
        )

    def _examples(self, words: int) -> Passages:
        """The examples' passages, cut like the documents."""
        return passages(as_candidates(Document(item.passage) for item in self.examples), words, False)

    def _read(self, candidate: Candidate, reply: Answer) -> tuple[float | None, Explanation | None, Diagnostic | None]:
        """Score, explanation, and a note on a reply that was unusable or not in the form."""
        if not isinstance(reply, Text):
            return None, None, None
        form = [(key, item.name, item.top) for key, item in zip(_keys(self.aspects), self.aspects, strict=True)]
        parts = parse_parts(reply.text, form)
        if parts.scores is None or reply.finish == "refusal":
            return None, None, unusable(candidate.id, candidate.index, problem(reply, parts.problem), reply.text)
        contributions = tuple(
            Contribution(item.name, item.weight * grade, f"{grade:g} of {item.top}" + _times(item.weight))
            for item, grade in zip(self.aspects, parts.scores, strict=True)
        )
        note = None
        if parts.mended:
            message = f"{candidate.id}: the grades were given under the aspects' names, not in the form asked for."
            note = Diagnostic("read-from-text", message, (candidate.index,), reply.text)
        score = sum(part.value for part in contributions)
        return score, Explanation(parts.reason, contributions=contributions), note


def aspects_schema(aspects: Sequence[Aspect]) -> str:
    """The JSON schema of a reply: the reason before the grades, so that it can inform them.

    Its keys are numbered: no name that a user gives can break it.
    """
    grades = {
        key: {"type": "integer", "enum": list(range(item.top + 1))}
        for key, item in zip(_keys(aspects), aspects, strict=True)
    }
    return schema_text(
        {
            "type": "object",
            "properties": {"reason": {"type": "string"}, **grades},
            "required": ["reason", *grades],
            "additionalProperties": False,
        }
    )


def examples_from(judged: Iterable[tuple[str, str, float, int]]) -> tuple[Example, ...]:
    """The clearest good and bad passages among judged ones: (query, text, grade, best grade) each.

    As many good ones (the upper third of the scale) as bad ones (the lower third), at most two
    each, in turns; none if there is only one sort. Of equally clear ones the shorter comes
    first. A passage that was judged both for one query, or has no text, is left out. The order
    of `judged` does not matter.
    """
    grades: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for query, text, grade, top in judged:
        if has_content(query) and has_content(text) and top >= 1 and 0 <= grade <= top:
            grades.setdefault((query, text), []).append((grade, top))
    good: list[tuple[float, int, str, str]] = []
    bad: list[tuple[float, int, str, str]] = []
    for (query, text), found in grades.items():
        if all(3 * grade <= top for grade, top in found):
            bad.append((max(grade / top for grade, top in found), len(text), query, text))
        elif all(3 * (top - grade) <= top for grade, top in found):
            good.append((max((top - grade) / top for grade, top in found), len(text), query, text))
    pairs = zip(sorted(good)[:_EACH_SIDE], sorted(bad)[:_EACH_SIDE], strict=False)
    return tuple(
        example
        for (*_, good_query, good_text), (*_, bad_query, bad_text) in pairs
        for example in (
            Example(query=good_query, passage=good_text, rating="good"),
            Example(query=bad_query, passage=bad_text, rating="bad"),
        )
    )


def _keys(aspects: Sequence[Aspect]) -> list[str]:
    return [f"score_{number}" for number in range(1, len(aspects) + 1)]


def _listed(aspects: Sequence[Aspect]) -> str:
    """The aspects as the prompt lists them."""
    return "\n".join(
        f"- {key}, from 0 to {item.top}: {defuse(item.name)}"
        + (f". {defuse(item.description)}" if item.description else "")
        for key, item in zip(_keys(aspects), aspects, strict=True)
    )


def _form(aspects: Sequence[Aspect]) -> str:
    grades = (f'"{key}": 0 to {item.top}' for key, item in zip(_keys(aspects), aspects, strict=True))
    return "{" + ", ".join(['"reason": "one sentence"', *grades]) + "}"


def _shown(examples: Sequence[Example], texts: Sequence[str]) -> str:
    """The examples as the prompt shows them; `texts` holds their passages, defused and fenced."""
    blocks = []
    for number, (item, passage) in enumerate(zip(examples, texts, strict=True), start=1):
        reason = f"\nWhy: {_line(item.reason)}" if has_content(item.reason) else ""
        head = f"Example {number}, judged {item.rating} for the query {_line(item.query)}"
        blocks.append(f"{head}\n{passage}{reason}")
    return "\n\n".join(blocks)


def _line(text: str) -> str:
    """The beginning of a text as one quoted line that holds no identifier and no chat turn."""
    start, _ = first_words(" ".join(text.split()), _WORDS_OF_A_QUERY, CHARACTERS_PER_WORD * _WORDS_OF_A_QUERY)
    return json.dumps(defuse(start), ensure_ascii=False)


def _is_about(example: Example, query: str, candidate: Candidate) -> bool:
    """Whether the example is a judgment of this very document for this query."""
    return _same(example.query, query) and _same(example.passage, candidate.text)


def _same(one: str, other: str) -> bool:
    return re.split(r"\s+", one.strip()) == re.split(r"\s+", other.strip())


def _cut_examples(numbers: Sequence[int]) -> list[Diagnostic]:
    """A note on the examples that were shown in part, by their numbers; it is about no document."""
    if not numbers:
        return []
    what = "1 example was" if len(numbers) == 1 else f"{len(numbers)} examples were"
    message = f"{what} longer than the model was shown; the rest was cut off."
    return [Diagnostic("example-truncated", message, data={"examples": [number + 1 for number in numbers]})]


def _own_examples(indexes: Sequence[int]) -> list[Diagnostic]:
    if not indexes:
        return []
    what = "1 document is itself an example" if len(indexes) == 1 else f"{len(indexes)} documents are examples"
    message = f"{what} for this query; graded without the example that tells the answer."
    return [Diagnostic("own-example", message, tuple(indexes))]


def _times(weight: float) -> str:
    return "" if weight == 1 else f", counts {weight:g} times"
