"""What the replies to prompts with several passages say, slot by slot, whatever strategy asked."""

from __future__ import annotations

from collections.abc import Iterable

from reranking.analysis.slot_answers import SlotAnswer
from reranking.parsing import parse_order
from reranking.replies import Choices, Failed, Reply, Text

SlotCall = tuple[int, str, tuple[int, ...], Reply | Failed | None]
"""A call: the number of the run, the request's `task` and `shown`, and the reply (None if it is not kept)."""


def slot_answers(calls: Iterable[SlotCall]) -> list[SlotAnswer]:
    """The answers to all questions for an order or for the best of two or more passages.

    Calls for anything else, and of one passage, are passed over. A reply that was lost or names
    nothing gives an answer without an order.
    """
    return [
        SlotAnswer(run, shown, _slots(task, reply, len(shown)))
        for run, task, shown, reply in calls
        if task in {"order", "pick"} and len(shown) > 1
    ]


def _slots(task: str, reply: Reply | Failed | None, count: int) -> tuple[int, ...]:
    if task == "pick" and isinstance(reply, Choices) and len(reply.logprobs) == count:
        return _picked(reply)
    if task == "order" and isinstance(reply, Text) and reply.finish != "refusal":
        order = parse_order(reply.text, count)
        if order.places is not None:
            return order.places[: count - len(order.missing)]
    return ()


def _picked(reply: Choices) -> tuple[int, ...]:
    """The one likeliest slot; none if two are equally likely."""
    known = {slot: logprob for slot, logprob in enumerate(reply.known) if logprob is not None}
    best = [slot for slot, logprob in known.items() if logprob == max(known.values())]
    return (best[0],) if len(best) == 1 else ()
