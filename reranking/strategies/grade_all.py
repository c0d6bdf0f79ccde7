"""The LLM strategy that grades all documents in one request."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from reranking.documents import Candidates
from reranking.parsing import Grades, parse_grades
from reranking.prompts.passages import numbered
from reranking.ranking import Diagnostic, Explanation, by_score, failed
from reranking.replies import Failed, Text
from reranking.requests import Generate, Request, schema_text
from reranking.strategies.base import Family, Guarantee, Steps
from reranking.strategies.listwise import TOKENS_PER_REASON, TOKENS_TO_SPARE
from reranking.strategies.llm import ShowsSeveral, lost

TOKENS_PER_GRADE = 24
"""What `{"passage": 100, "reason": "", "score": 100}, ` takes, with some to spare."""


def grades_schema(count: int, top: int, reasons: bool) -> str:
    """The JSON schema of grades for `count` passages: each reason before its score, so that it can inform it."""
    properties = {
        "passage": {"type": "integer", "enum": list(range(1, count + 1))},
        **({"reason": {"type": "string"}} if reasons else {}),
        "score": {"type": "integer", "enum": list(range(top + 1))},
    }
    entry = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return schema_text(
        {
            "type": "object",
            "properties": {"grades": {"type": "array", "items": entry}},
            "required": ["grades"],
            "additionalProperties": False,
        }
    )


class GradeAll(ShowsSeveral):
    """Show all documents in one prompt and ask for a grade from 0 to 10, with a reason, for each.

    Requests: 1. Scores: the grade; ties are usual. A document that the reply leaves out, or
    grades off the scale, is not scored and goes below the scored ones; of several grades of a
    document the first counts. A reply without a grade fails the ranking.
    Source: the scale of Zhuang et al. 2024, https://arxiv.org/abs/2310.14122, all documents in one prompt
    """

    title: ClassVar[str] = "Grade all in one request"
    family: ClassVar[Family] = "LLM pointwise"
    asks: ClassVar[tuple[type[Request], ...]] = (Generate,)
    requests: ClassVar[str] = "1"
    promises: ClassVar[Guarantee] = "exact order"
    source: ClassVar[str] = "Zhuang et al. 2024, https://arxiv.org/abs/2310.14122"
    prompt_file: ClassVar[str] = "grade_all"

    kind: Literal["grade-all"] = "grade-all"
    top: int = Field(10, ge=1, le=100, title="Best grade", description="The best grade; the worst is 0")
    reasons: bool = Field(True, description="Ask for one sentence on each document")

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        kind, count = f"grade out of {self.top}", len(candidates)
        per_place = TOKENS_PER_GRADE + (TOKENS_PER_REASON if self.reasons else 0)
        if not candidates:
            return by_score(candidates, [], kind)
        shown = self.shown(candidates)

        def request(words: int) -> Generate:
            listed = numbered(shown.texts(range(count), words))
            return Generate(
                model=self.asked,
                task="grade-all",
                shown=tuple(item.index for item in candidates),
                messages=self.messages(
                    query=query,
                    passages=listed,
                    count=count,
                    top=self.top,
                    reasons=self.reasons,
                    order_note=self.order_note,
                ),
                schema=grades_schema(count, self.top, self.reasons),
                max_output_tokens=TOKENS_TO_SPARE + per_place * count,
            )

        (reply,) = yield from shown.ask([request])
        notes = shown.notes()
        if isinstance(reply, Failed):
            notes += lost([(item.index, reply) for item in candidates])
            return failed(candidates, notes, score_kind=kind)
        assert isinstance(reply, Text)
        if reply.finish == "refusal":  # a refusal may name passages and numbers, and grades nothing
            notes.append(Diagnostic("refusal", "The model declined to answer.", raw=reply.text))
            return failed(candidates, notes, score_kind=kind)
        grades = parse_grades(reply.text, count, self.top)
        notes += _told(candidates, grades, reply, self.top)
        return by_score(
            candidates,
            grades.scores,
            kind,
            explanations=[None if reason is None else Explanation(reason) for reason in grades.reasons],
            diagnostics=notes,
            repaired=grades.mended or reply.finish == "length",
        )


def _told(candidates: Candidates, grades: Grades, reply: Text, top: int) -> list[Diagnostic]:
    """What was wrong with the reply, one note per kind of fault."""
    raw = reply.text
    if grades.rule is None:
        what = "is empty" if not raw.strip() else "grades none of the documents"
        if reply.finish == "length":
            return [Diagnostic("cut-off", f"The reply was cut off at its length limit and {what}.", raw=raw)]
        return [Diagnostic("unusable-reply", f"The reply {what}.", raw=raw)]
    notes = []
    if reply.finish == "length":
        notes.append(Diagnostic("cut-off", "The reply was cut off at its length limit.", raw=raw))
    elif grades.rule != "form":
        message = "The grades were read from text, not from the form that was asked for."
        notes.append(Diagnostic("read-from-text", message, raw=raw))
    if grades.missing:
        what = "1 document was" if len(grades.missing) == 1 else f"{len(grades.missing)} documents were"
        indexes = tuple(candidates[place].index for place in grades.missing)
        notes.append(Diagnostic("missing", f"{what} left out of the reply, and not scored.", indexes, raw))
    if grades.off_scale:
        what = "1 document was" if len(grades.off_scale) == 1 else f"{len(grades.off_scale)} documents were"
        indexes = tuple(candidates[place].index for place in grades.off_scale)
        message = f"{what} not given one number from 0 to {top}, and not scored."
        notes.append(Diagnostic("off-scale", message, indexes, raw))
    if grades.duplicates:
        message = f"{grades.duplicates} more grades of documents that had one were dropped; the first one counts."
        notes.append(Diagnostic("duplicates", message, raw=raw, data={"count": grades.duplicates}))
    if grades.out_of_range:
        message = f"{grades.out_of_range} grades of no document were dropped."
        notes.append(Diagnostic("out-of-range", message, raw=raw, data={"count": grades.out_of_range}))
    return notes
