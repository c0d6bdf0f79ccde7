"""What a test found, what it costs and what a connection may be asked, in words for people. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reranking.providers.abilities import Abilities
from reranking.providers.saved import Prices, SavedConnection

if TYPE_CHECKING:
    from reranking.providers.probing import Plan

_SCHEMA = {
    "enforced": "enforced",
    "accepted": "taken but not enforced: it is written into the prompt instead",
    "refused": "not taken: it is written into the prompt instead",
    "unknown": "not known",
}
_TEMPERATURE = {"accepted": "accepted", "refused": "refused: it is not sent", "unknown": "not known"}


def cost_of_test(plan: Plan) -> str:
    """What a test will ask, as a sentence."""
    requests = f"{plan.requests} short request{'' if plan.requests == 1 else 's'}"
    if plan.is_local:
        return " ".join(part for part in (f"The test asks {requests} on this machine.", plan.note) if part)
    return f"The test sends at most {requests}, about {plan.tokens:,} tokens."


def findings(found: Abilities) -> list[tuple[str, str]]:
    """What was found, as (label, text) lines."""
    if found.problem:
        return [("does not answer", found.problem)]
    lines = [("answers", ", ".join(found.answers)), ("model that answered", found.answered_by)]
    if found.empty:
        lines.insert(1, ("only empty replies to", ", ".join(found.empty)))
    if found.dialect:
        lines.append(("rerank dialect", f"{found.dialect}, at {found.path}"))
    if "generate" in found.answers:
        lines.append(("JSON schema", _SCHEMA[found.schema]))
    if found.limit:
        lines += [
            ("log-probabilities", _logprobs(found.logprobs)),
            ("likelihood of a text", _yes_no(found.prompt_logprobs)),
            ("temperature", _TEMPERATURE[found.temperature]),
            ("limit of the reply", found.limit),
            ("context", "the server does not tell" if found.context is None else f"{found.context:,} tokens"),
        ]
    return lines


def in_short(found: Abilities) -> str:
    """What was found, in one line for a card."""
    if found.problem:
        return found.problem
    parts = [", ".join(found.answers)]
    if found.empty:
        parts.append(f"only empty replies to {' and '.join(found.empty)}")
    if found.dialect:
        parts.append(f"dialect {found.dialect} at {found.path}")
    if found.limit:
        parts.append({"enforced": "schema enforced", "accepted": "schema not enforced", "refused": "no schema"}.get(
            found.schema, "schema unknown"))  # fmt: skip
        parts.append(f"top {found.logprobs} log-probabilities" if found.logprobs else "no log-probabilities")
        parts.append({"accepted": "takes a temperature", "refused": "no temperature"}.get(found.temperature, ""))
        parts.append("" if found.context is None else f"{found.context:,} tokens of context")
    return ", ".join(part for part in parts if part)


def limits(saved: SavedConnection | None, concurrency: int = 16) -> str:
    """What may be asked at once and in a minute, and the temperature."""
    at_once = concurrency if saved is None or saved.concurrency is None else saved.concurrency
    parts = [f"{at_once} at once"]
    if saved is not None and saved.per_minute is not None:
        parts.append(f"{saved.per_minute:,} per minute")
    else:
        parts.append("any number per minute")
    if saved is not None and saved.temperature is not None:
        parts.append(f"temperature {saved.temperature:g}")
    return ", ".join(parts)


def price_source(prices: Prices | None, is_listed: bool) -> str:
    """Where prices come from; `is_listed`: whether the price list knows the address."""
    if prices is None:
        return "price list" if is_listed else "not known: costs show as unknown until prices are entered"
    parts = [
        (prices.input, "per million tokens read"),
        (prices.output, "per million tokens written"),
        (prices.requests, "per thousand requests"),
    ]
    said = [f"${price:g} {what}" for price, what in parts if price]
    return f"entered here: {', '.join(said)}" if said else "entered here: free"


def _logprobs(count: int | None) -> str:
    if count is None:
        return "not known"
    return f"the {count} likeliest" if count else "none: choices are written out"


def _yes_no(value: bool | None) -> str:
    return "not known" if value is None else "yes" if value else "no"
