"""LLM strategies that look at one document at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from reranking.documents import Candidate, Candidates
from reranking.explain.quotes import check_quotes
from reranking.parsing import parse_grade
from reranking.prompts.passages import fenced
from reranking.ranking import Choice, Diagnostic, Explanation, by_score
from reranking.replies import Choices, Failed, Text
from reranking.requests import Choose, Generate, Request, schema_text
from reranking.strategies.base import Answer, Family, Steps
from reranking.strategies.llm import LLMStrategy, lost, unusable
from reranking.strategies.unread import problem

_MAX_QUOTES = 3
_ONE_DIGIT = 9


def grade_schema(top: int, reasons: bool) -> str:
    """The JSON schema of a grade: the reason before the score, so that it can inform it."""
    why = {"reason": {"type": "string"}, "quotes": {"type": "array", "items": {"type": "string"}}}
    properties = {**(why if reasons else {}), "score": {"type": "integer", "enum": list(range(top + 1))}}
    return schema_text(
        {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    )


class Grade(LLMStrategy):
    """Ask for each document's grade from 0 to 10, with a reason and quotes.

    In mode `expected` the grade is the mean over the log-probabilities of all grades: finer,
    and it cannot fail to parse. Requests: n, all at once. Scores: the grade; ties are usual.
    A document whose reply states no grade is not scored and goes below the scored ones.
    """

    title: ClassVar[str] = "Grade"
    family: ClassVar[Family] = "LLM pointwise"
    asks: ClassVar[tuple[type[Request], ...]] = (Generate, Choose)
    requests: ClassVar[str] = "n"
    promises = "exact order"
    source: ClassVar[str] = "Zhuang et al. 2024, https://arxiv.org/abs/2310.14122"

    prompt_file: ClassVar[str] = "grade"
    ignores_order: ClassVar[bool] = True

    kind: Literal["grade"] = "grade"
    mode: Literal["written", "expected"] = Field(
        "written", description="The grade the model writes, with its reason; or the mean over log-probabilities"
    )
    top: int = Field(10, ge=1, le=100, title="Best grade", description="The best grade; the worst is 0")
    reasons: bool = Field(True, description="Ask for one sentence and quotes beside a written grade")

    @override
    def prompt_name(self) -> str:
        return "grade_choice" if self.mode == "expected" else self.prompt_file

    @override
    def wants(self) -> tuple[type[Request], ...]:
        return (Choose,) if self.mode == "expected" else (Generate,)

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        shown = self.shown(candidates)
        grades, schema = tuple(str(grade) for grade in range(self.top + 1)), grade_schema(self.top, self.reasons)
        asked_for = {"top": self.top} if self.mode == "expected" else {"top": self.top, "reasons": self.reasons}

        def request(place: int, words: int) -> Request:
            messages = self.messages(query=query, passage=fenced(shown.texts([place], words))[0], **asked_for)
            at = (candidates[place].index,)
            if self.mode == "expected":
                return Choose(model=self.asked, task="grade", shown=at, messages=messages, choices=grades)
            return Generate(model=self.asked, task="grade", shown=at, messages=messages, schema=schema)

        replies = yield from shown.ask([partial(request, place) for place in range(len(candidates))])
        read = [
            _read_grade(item, reply, self.top, *shown.seen(place))
            for place, (item, reply) in enumerate(zip(candidates, replies, strict=True))
        ]
        kind, written = f"grade out of {self.top}", _written(candidates, replies)
        if self.mode == "expected" and len(written) < len(_chosen(replies)):
            kind = f"expected {kind}" if not written else f"expected or written {kind}"
        return by_score(
            candidates,
            [score for score, _, _ in read],
            kind,
            explanations=[explanation for _, explanation, _ in read],
            diagnostics=[
                *shown.notes(),
                *_lost(candidates, replies),
                *_no_logprobs(written, replies, "the grade that it wrote counts"),
                *(note for _, _, notes in read for note in notes),
            ],
            repaired=any(note.code == "read-from-text" for _, _, notes in read for note in notes),
        )


class YesNo(LLMStrategy):
    """Ask whether each document answers the query, and score p(yes) / (p(yes) + p(no)).

    Requests: n, all at once. Scores: probability; or 1 and 0, stated, where the model gives
    no log-probabilities and writes its answer. Ties: equal scores. A reply that says neither
    leaves the document without a score.
    """

    title: ClassVar[str] = "Yes/no"
    family: ClassVar[Family] = "LLM pointwise"
    asks: ClassVar[tuple[type[Request], ...]] = (Choose,)
    requests: ClassVar[str] = "n"
    promises = "exact order"
    source: ClassVar[str] = (
        "Liang et al. 2022, https://arxiv.org/abs/2211.09110; Nogueira et al. 2020, https://arxiv.org/abs/2003.06713"
    )

    prompt_file: ClassVar[str] = "yes_no"
    ignores_order: ClassVar[bool] = True

    kind: Literal["yes-no"] = "yes-no"

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        shown = self.shown(candidates)

        def request(place: int, words: int) -> Choose:
            return Choose(
                model=self.asked,
                task="yes-no",
                shown=(candidates[place].index,),
                messages=self.messages(query=query, passage=fenced(shown.texts([place], words))[0]),
                choices=("yes", "no"),
            )

        replies = yield from shown.ask([partial(request, place) for place in range(len(candidates))])
        written = _written(candidates, replies)
        explanations = [_choices(reply, ("yes", "no")) for reply in replies]
        notes = [
            *shown.notes(),
            *_lost(candidates, replies),
            *_no_logprobs(written, replies, "its written yes or no counts 1 or 0"),
        ]
        scores = [_yes(reply) for reply in replies]
        for item, reply, score in zip(candidates, replies, scores, strict=True):
            if score is None and isinstance(reply, Choices):
                said = problem(reply, "neither yes nor no among the answers")
                notes.append(unusable(item.id, item.index, said, reply.receipt.raw))
        kind = "written yes (1) or no (0)" if written else "probability"
        if written and len(written) < len(_chosen(replies)):
            kind = f"probability, or {kind}"
        return by_score(candidates, scores, kind, explanations=explanations, diagnostics=notes)


def _yes(reply: Answer) -> float | None:
    """p(yes) / (p(yes) + p(no)); an answer that was not returned counts 0, None if neither was."""
    if not isinstance(reply, Choices) or reply.known == (None, None):
        return None
    yes, no = (0.0 if logprob is None else math.exp(logprob) for logprob in reply.known)
    if yes + no == 0:
        first, second = (-math.inf if logprob is None else logprob for logprob in reply.known)
        return 1 / (1 + math.exp(min(second - first, 700)))
    return yes / (yes + no)


def _choices(reply: Answer, texts: Sequence[str]) -> Explanation | None:
    """How the model chose between these answers; None if it did not."""
    if not isinstance(reply, Choices) or all(logprob is None for logprob in reply.known):
        return None
    pairs = list(zip(texts, reply.known, strict=True))
    if reply.by == "generated":
        return Explanation(
            choices=tuple(Choice(text, None, written=True) for text, known in pairs if known is not None)
        )
    return Explanation(choices=tuple(Choice(text, None if known is None else math.exp(known)) for text, known in pairs))


def _chosen(replies: list[Answer]) -> list[Choices]:
    return [reply for reply in replies if isinstance(reply, Choices)]


def _written(candidates: Candidates, replies: list[Answer]) -> tuple[int, ...]:
    """The documents (original positions) whose choice the model wrote, for want of log-probabilities."""
    pairs = zip(candidates, replies, strict=True)
    return tuple(item.index for item, reply in pairs if isinstance(reply, Choices) and reply.by == "generated")


def _no_logprobs(written: tuple[int, ...], replies: list[Answer], instead: str) -> list[Diagnostic]:
    """A note that some or all choices were written, and what counts instead of probabilities."""
    if not written:
        return []
    count = len(_chosen(replies))
    where = "The model gives no log-probabilities"
    if len(written) < count:
        where = f"For {len(written)} of {count} documents the model gave no log-probabilities"
    return [Diagnostic("no-logprobs", f"{where}; {instead}.", written)]


def _read_grade(
    candidate: Candidate, reply: Answer, top: int, text: str, title: str
) -> tuple[float | None, Explanation | None, list[Diagnostic]]:
    """Score, explanation, and notes on a reply that was unusable, needed mending or quotes the title.

    `text` and `title` are what the model was shown: it cannot have read a quote from elsewhere.
    """
    if isinstance(reply, Choices):
        score = _expected(reply)
        if score is not None:
            return score, _choices(reply, [str(grade) for grade in range(top + 1)]), []
        said = "no usable grade among the answers"
        if top > _ONE_DIGIT and reply.by == "logprobs":
            said += f" (a model that writes 10 as two tokens needs top <= {_ONE_DIGIT})"
        return None, None, [unusable(candidate.id, candidate.index, problem(reply, said), reply.receipt.raw)]
    if not isinstance(reply, Text):
        return None, None, []
    grade = parse_grade(reply.text, top)
    if grade.score is None or reply.finish == "refusal":
        return None, None, [unusable(candidate.id, candidate.index, problem(reply, grade.problem), reply.text)]
    quotes = check_quotes(text, grade.quotes[:_MAX_QUOTES])
    notes = []
    if grade.mended:
        message = f"{candidate.id}: the grade was read from text, not from the form that was asked for."
        notes.append(Diagnostic("read-from-text", message, (candidate.index,), reply.text))
    # Offsets are those of the text, so a quote from the title has none; the note tells it from an invented one.
    elsewhere = [quote.text for quote in quotes if quote.start is None]
    titled = [quote.text for quote in check_quotes(title, elsewhere) if quote.start is not None]
    if titled:
        message = f"{candidate.id}: quoted from the title, not the text: {'; '.join(titled)}."
        notes.append(Diagnostic("quote-from-title", message, (candidate.index,), data={"quotes": titled}))
    return grade.score, Explanation(grade.reason, quotes), notes


def _expected(reply: Choices) -> float | None:
    """Mean grade, weighted by the probabilities of the grades that were returned."""
    known = [(grade, logprob) for grade, logprob in enumerate(reply.known) if logprob is not None]
    if not known:
        return None
    best = max(logprob for _, logprob in known)
    weights = [(grade, math.exp(logprob - best)) for grade, logprob in known]
    return math.fsum(grade * weight for grade, weight in weights) / math.fsum(weight for _, weight in weights)


def _lost(candidates: Candidates, replies: list[Answer]) -> list[Diagnostic]:
    pairs = zip(candidates, replies, strict=True)
    return lost([(item.index, reply) for item, reply in pairs if isinstance(reply, Failed)])
