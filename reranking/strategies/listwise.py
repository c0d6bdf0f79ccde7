"""LLM strategies that see many documents in one prompt and state their order."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import override

from reranking.documents import Candidates
from reranking.parsing import Order, parse_order
from reranking.prompts.passages import numbered
from reranking.ranking import Diagnostic, Explanation, by_order, failed
from reranking.replies import Failed, Text
from reranking.requests import Generate, Request, schema_text
from reranking.strategies.base import Family, Steps
from reranking.strategies.llm import ShowsSeveral, lost
from reranking.strategies.unread import noted

TOKENS_PER_PLACE = 8
TOKENS_PER_REASON = 60
TOKENS_TO_SPARE = 200


def order_schema(count: int, reasons: bool) -> str:
    """The JSON schema of an order of `count` passages."""
    identifier = {"type": "integer", "enum": list(range(1, count + 1))}
    entry = {
        "type": "object",
        "properties": {"passage": identifier, "reason": {"type": "string"}},
        "required": ["passage", "reason"],
        "additionalProperties": False,
    }
    return schema_text(
        {
            "type": "object",
            "properties": {"ranking": {"type": "array", "items": entry if reasons else identifier}},
            "required": ["ranking"],
            "additionalProperties": False,
        }
    )


class Listwise(ShowsSeveral):
    """Show all documents in one prompt and ask for their order, with a reason for each.

    Requests: 1. Scores: none (rank only). Ties: cannot occur. Documents that the reply leaves
    out follow in input order, and are counted; a reply without an order fails the ranking.
    """

    title: ClassVar[str] = "Listwise, one request"
    family: ClassVar[Family] = "LLM listwise"
    asks: ClassVar[tuple[type[Request], ...]] = (Generate,)
    requests: ClassVar[str] = "1 (0 for fewer than 2 documents)"
    promises = "exact order"
    source: ClassVar[str] = "Sun et al. 2023, https://arxiv.org/abs/2304.09542"

    prompt_file: ClassVar[str] = "listwise"

    kind: Literal["listwise"] = "listwise"
    reasons: bool = Field(True, title="Ask for reasons", description="Ask for one sentence on each document")

    @override
    def steps(self, query: str, candidates: Candidates) -> Steps:
        if len(candidates) < 2:
            return by_order(candidates, range(len(candidates)))
        shown = self.shown(candidates)
        count = len(candidates)
        per_place = TOKENS_PER_PLACE + (TOKENS_PER_REASON if self.reasons else 0)

        def request(words: int) -> Generate:
            return Generate(
                model=self.asked,
                task="order",
                shown=tuple(item.index for item in candidates),
                messages=self.messages(
                    query=query,
                    passages=numbered(shown.texts(range(count), words)),
                    count=count,
                    reasons=self.reasons,
                    order_note=self.order_note,
                ),
                schema=order_schema(count, self.reasons),
                max_output_tokens=TOKENS_TO_SPARE + per_place * count,
            )

        (reply,) = yield from shown.ask([request])
        notes = shown.notes()
        if isinstance(reply, Failed):
            return failed(candidates, [*notes, *lost([(item.index, reply) for item in candidates])])
        assert isinstance(reply, Text)
        # A refusal may name passages, and is no order.
        order = parse_order(reply.text, count) if reply.finish != "refusal" else None
        if order is None or order.places is None:
            return failed(candidates, [*notes, noted(reply, "the reply states no order of the documents")])
        notes += mending(candidates, order, reply.text)
        if reply.finish == "length":
            notes.append(Diagnostic("cut-off", "The reply was cut off at its length limit.", raw=reply.text))
        reasons = [Explanation(order.reasons[at]) if at in order.reasons else None for at in range(count)]
        mended = order.mended or reply.finish == "length"
        return by_order(
            candidates,
            order.places,
            outcome="repaired" if mended else "complete",
            explanations=reasons,
            diagnostics=notes,
        )


def mending(candidates: Candidates, order: Order, raw: str) -> list[Diagnostic]:
    """What had to be mended in a listwise reply, one note per kind of fault."""
    notes = []
    if order.missing:
        what = "1 document was" if len(order.missing) == 1 else f"{len(order.missing)} documents were"
        indexes = tuple(candidates[place].index for place in order.missing)
        notes.append(Diagnostic("missing", f"{what} left out of the reply and put last, in input order.", indexes, raw))
    if order.duplicates:
        message = f"{order.duplicates} repeated identifiers were dropped; the first one counts."
        notes.append(Diagnostic("duplicates", message, raw=raw, data={"count": order.duplicates}))
    if order.out_of_range:
        message = f"{order.out_of_range} identifiers of no document were dropped."
        notes.append(Diagnostic("out-of-range", message, raw=raw, data={"count": order.out_of_range}))
    return notes
