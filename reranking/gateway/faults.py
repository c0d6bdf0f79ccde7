"""What a failure says of further requests: whether they are in vain, and whether it is somebody else's alone."""

from __future__ import annotations

from typing import cast

from reranking.gateway.lines import Flight, Landed, Ticket
from reranking.gateway.patience import IN_VAIN
from reranking.gateway.runs import BUDGET, KEY_FAILURES
from reranking.replies import Failed, Reply

HOPELESS = frozenset({*KEY_FAILURES, "unknown-model", "not-installed"})
"""Codes after which asking the same model again in the same run only repeats the failure."""

OF_ONE_KEY = frozenset({*KEY_FAILURES, "unknown-model", "rate-limit"})
"""Codes with which another key may fare better: it is of another account, and may use other models."""

NEVER_SENT = frozenset({"no-key", "not-installed", "cannot-answer"})
"""Codes with which a model says that it could not even ask: no call was made."""


def judge(flight: Flight, reply: Reply | Failed) -> None:
    """Note what says that asking the same model again in this run is in vain."""
    run, name, code = flight.run, flight.model.name, reply.code if isinstance(reply, Failed) else ""
    in_vain = code not in NEVER_SENT and run.common.patience.note(flight.line, run, name, reply)
    if code in HOPELESS or in_vain:
        run.hopeless[name] = cast(Failed, reply)


def given_up(flight: Flight) -> Failed | None:
    """The failure that says that asking this model again in this run is in vain."""
    run, name = flight.run, flight.model.name
    return run.hopeless.get(name) or run.common.patience.told(flight.line, name)


def give_up_others(ticket: Ticket) -> list[str]:
    """The keys of the ticket that somebody else's key, spending limit or patience kept from being answered."""
    spoilt = [flight for flight in ticket.flights if _is_others_fault(flight.result(), flight, ticket)]
    for flight in spoilt:
        ticket.flights.remove(flight)
    return [key for flight in spoilt for key in flight.keys if key in ticket.keys]


def _is_others_fault(landed: Landed, flight: Flight, ticket: Ticket) -> bool:
    reply = landed.reply
    if not isinstance(reply, Failed):
        return False
    if reply.code in IN_VAIN and not landed.called:
        return flight.run is not ticket.run
    if reply.code == BUDGET:
        return flight.run.common.budget is not ticket.run.common.budget
    return reply.code in OF_ONE_KEY and flight.model is not ticket.model
