"""Calls as the archive keeps them: those that were sent, and those that others' replies answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from reranking.archive import Call
from reranking.gateway.budget import charged, most_of
from reranking.gateway.keys import is_cacheable, is_joint
from reranking.gateway.lines import Flight, Ticket
from reranking.gateway.runs import UNPAID, Run
from reranking.models import Model, Tries
from reranking.replies import Failed, Reply
from reranking.requests import PerText, Request

CALLED_OFF = Failed(
    "cancelled", "Nobody waited for the reply any more. The server may have been at work on it, and charge for it."
)


def sent(
    flight: Flight, reply: Reply | Failed, started: float, seconds: float, counted: float | None, tries: Tries
) -> Call:
    """The record of a call to a model; `counted` is what a spending limit took its last try to cost."""
    request, model, keys = flight.request, flight.model, flight.keys
    key: str | None = None
    parts: tuple[str, ...] = ()
    if is_cacheable(model):
        per_text = isinstance(request, PerText) and not is_joint(model)
        key, parts = (None, keys) if per_text else (keys[0], ())
    free = isinstance(reply, Failed) and _is_free(reply, request, model, tries)
    stated = reply.receipt.cost_usd if reply.receipt is not None else None
    if tries.lost or (stated is None and counted is None and not free):
        counted = _counted(reply, request, model, counted, tries.lost)
    parameters, retries = (tries.sent, tries.retries) if isinstance(reply, Failed) else ({}, 0)
    return Call(
        flight.run.label, request, model.name, key, parts, reply, "sent", started, seconds, counted, free,
        parameters, retries,
    )  # fmt: skip


def called_off(tries: Tries) -> Failed:
    """What is recorded of a call that was under way when it was called off, with all that it had received."""
    received = tries.received
    if received is None:
        return CALLED_OFF
    if tries.is_open:
        unknown: dict[str, Any] = {"input_tokens": None, "output_tokens": None, "reasoning_tokens": None}
        received = replace(received, cost_usd=None, **unknown)
    return replace(CALLED_OFF, raw=received.raw, receipt=received)


def passed_on(ticket: Ticket, run: Run, started: float, seconds: float) -> Call:
    """The record of a request that was answered without a call of its own."""
    key, parts = (None, ticket.keys) if len(ticket.keys) > 1 else (ticket.keys[0], ())
    name, reply = cast(Model, ticket.model).name, cast(Reply | Failed, ticket.reply)
    return Call(run.label, ticket.request, name, key, parts, reply, ticket.source, started, seconds)


def _is_free(reply: Failed, request: Request, model: Model, tries: Tries) -> bool:
    """Whether it is known that nothing is charged for a call that failed like this."""
    if reply.receipt is None and reply.code in UNPAID and not tries.lost:
        return True
    return most_of(request, model) == 0


def _counted(reply: Reply | Failed, request: Request, model: Model, last_try: float | None, lost: int) -> float | None:
    """What a spending limit counts a call with, all its tries together; None if nobody can say."""
    most = most_of(request, model)
    if most is None:
        return last_try
    return (charged(most, reply) if last_try is None else last_try) + lost * most
