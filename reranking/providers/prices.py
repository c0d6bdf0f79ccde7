"""What a reply took in tokens and dollars, by the price table of genai-prices (offline).

Unknown is None: a model or an address that is not in the table, a reply without usage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

PRICED = frozenset({"openai", "anthropic"})
"""Providers whose calls have a list price. What a local or named server costs is not known."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of one reply. `input` counts cached tokens too, `output` those of reasoning too."""

    input: int | None = None
    output: int | None = None
    reasoning: int | None = None
    cache_read: int = 0
    cache_write: int = 0


def tokens(body: Mapping[str, Any], api: str) -> Tokens:
    """The usage stated in a reply's JSON `body`; `api` is `openai` (chat) or `anthropic` (messages).

    Usage that is missing or not readable is unknown.
    """
    from genai_prices import extract_usage

    flavor = "chat" if api == "openai" else "default"
    try:
        # Without the model's name: extract_usage refuses usage of models that have no price.
        usage = extract_usage({"usage": body.get("usage")}, provider_id=api, api_flavor=flavor).usage
    except ValueError:
        return Tokens()
    known = vars(usage)
    return Tokens(
        input=_whole(known.get("input_tokens")),
        output=_whole(known.get("output_tokens")),
        reasoning=_whole(known.get("output_reasoning_tokens")),
        cache_read=_whole(known.get("cache_read_tokens")) or 0,
        cache_write=_whole(known.get("cache_write_tokens")) or 0,
    )


def cost(
    provider: str,
    model: str,
    input_tokens: int | None,
    output_tokens: int | None,
    *,
    cache_read_tokens: int = 0,
    cache_write_tokens: int = 0,
    base_url: str | None = None,
    service_tier: str | None = None,
) -> float | None:
    """The list price in US dollars, or None if it is not known.

    `input_tokens` include the cached ones. With a `base_url` the price is that of the service at
    this address, unknown if the table does not know the address.
    """
    if provider not in PRICED or input_tokens is None or output_tokens is None:
        return None
    from genai_prices import Usage, calc_price

    usage = Usage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=cache_read_tokens or None,
        cache_write_tokens=cache_write_tokens or None,
    )
    context = {"service_tier": service_tier} if service_tier else None
    try:
        if base_url is None:
            price = calc_price(usage, model, provider_id=provider, price_context=context)
        else:
            price = calc_price(usage, model, provider_api_url=base_url, price_context=context)
    except (LookupError, ValueError):
        return None
    return float(price.total_price)


PLAIN = 100_000
"""Tokens read up to which no price list charges more for each."""


def list_price(
    provider: str, model: str, input_tokens: int | None, output_tokens: int | None, base_url: str
) -> float | None:
    """As `cost`, of what is not in any cache, and fast enough for thousands of requests."""
    if input_tokens is None or output_tokens is None or input_tokens > PLAIN:
        return cost(provider, model, input_tokens, output_tokens, base_url=base_url)
    rates = _rates(provider, model, base_url)
    return None if rates is None else (rates[0] * input_tokens + rates[1] * output_tokens) / PLAIN


@lru_cache(maxsize=256)
def _rates(provider: str, model: str, base_url: str) -> tuple[float, float] | None:
    """US dollars for PLAIN tokens read, and for as many written."""
    read = cost(provider, model, PLAIN, 0, base_url=base_url)
    written = cost(provider, model, 0, PLAIN, base_url=base_url)
    return None if read is None or written is None else (read, written)


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
