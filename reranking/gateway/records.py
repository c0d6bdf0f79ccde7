"""Calls as the archive keeps them: those that were sent, and those that others' replies answered."""

from __future__ import annotations

from typing import cast

from reranking.archive import Call
from reranking.gateway.keys import is_cacheable, is_joint
from reranking.gateway.lines import Flight, Ticket
from reranking.gateway.runs import UNPAID, Run
from reranking.models import Model
from reranking.replies import Failed, Reply
from reranking.requests import PerText, Request


def sent(flight: Flight, reply: Reply | Failed, started: float, seconds: float, counted: float | None) -> Call:
    """The record of a call to a model; `counted` is what a spending limit took it to cost."""
    request, model, keys = flight.request, flight.model, flight.keys
    key: str | None = None
    parts: tuple[str, ...] = ()
    if is_cacheable(model):
        per_text = isinstance(request, PerText) and not is_joint(model)
        key, parts = (None, keys) if per_text else (keys[0], ())
    free = isinstance(reply, Failed) and _is_free(reply, request, model)
    return Call(flight.run.label, request, model.name, key, parts, reply, "sent", started, seconds, counted, free)


def passed_on(ticket: Ticket, run: Run, started: float, seconds: float) -> Call:
    """The record of a request that was answered without a call of its own."""
    key, parts = (None, ticket.keys) if len(ticket.keys) > 1 else (ticket.keys[0], ())
    name, reply = cast(Model, ticket.model).name, cast(Reply | Failed, ticket.reply)
    return Call(run.label, ticket.request, name, key, parts, reply, ticket.source, started, seconds)


def _is_free(reply: Failed, request: Request, model: Model) -> bool:
    """Whether it is known that nothing is charged for a call that failed like this."""
    if reply.receipt is None and reply.code in UNPAID:
        return True
    predict = getattr(model, "predicted", None)
    predicted = predict(request) if predict is not None else None
    return predicted is not None and predicted.most == 0
