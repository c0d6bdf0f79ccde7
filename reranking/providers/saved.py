"""Connections as a person sets them up: an address, how much may be asked of it, what it costs. No keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from reranking.models import ModelError
from reranking.providers.connection import checked_url
from reranking.providers.errors import scrub
from reranking.providers.settings import BUILT_IN

Kind = Literal["openai", "anthropic", "rerank", "folder"]
"""What speaks at the address: OpenAI's chat API, Anthropic's, a rerank endpoint, or a folder of models."""

MOST_AT_ONCE = 1000
MOST_PER_MINUTE = 100_000
HOTTEST = 2.0

_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars for a million tokens read (`input`) and written (`output`), and for a thousand `requests`."""

    input: float = 0.0
    output: float = 0.0
    requests: float = 0.0

    def cost(self, input_tokens: int | None, output_tokens: int | None) -> float | None:
        """The price of one request; None if tokens have a price and their number is not known."""
        total = self.requests / 1000
        for price, tokens in ((self.input, input_tokens), (self.output, output_tokens)):
            if price and tokens is None:
                return None
            total += price * (tokens or 0) / 1_000_000
        return total


@dataclass(frozen=True, slots=True)
class SavedConnection:
    """A connection that a person named, or the limits of one that is built in.

    `place` is a base URL or, for models on this machine, a folder; empty where it is built in.
    `concurrency` is requests at once and `per_minute` the most that begin in any minute, None
    being what holds without. `temperature` is sent only if it is given. `prices` None means that
    the price list says.
    """

    name: str
    kind: Kind
    place: str = ""
    concurrency: int | None = None
    per_minute: int | None = None
    temperature: float | None = None
    prices: Prices | None = None


_KINDS: dict[str, Kind] = {
    "anthropic": "anthropic", "cohere": "rerank", "voyage": "rerank", "jina": "rerank", "rerank": "rerank",
    "hf": "folder", "embedded": "folder", "simulated": "folder",
}  # fmt: skip


def kind_of(name: str) -> Kind:
    """The kind of a connection that is built in."""
    return _KINDS.get(name, "openai")


def checked(entered: SavedConnection) -> SavedConnection:
    """The connection, its name and place without space around them. Raises ModelError saying what is wrong."""
    name, place = entered.name.strip(), entered.place.strip()
    if name not in BUILT_IN:
        _check_name(name)
        place = _checked_folder(place) if entered.kind == "folder" else checked_url(place, name)
    elif place:
        raise ModelError("bad-request", f"'{name}' is built in. Choose another name for another address.")
    if scrub(name + place, None) != name + place:
        raise ModelError("bad-request", "The name or address looks as if it held a key. Enter keys in their own field.")
    _check_numbers(entered)
    return replace(entered, name=name, place=place)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ModelError(
            "bad-request",
            "A connection's name has 2 to 40 small letters, digits and hyphens, a letter first: it begins the names "
            "of its models, as in my-box:llama3.",
        )


def _checked_folder(place: str) -> str:
    folder = Path(place).expanduser()
    if not place or not folder.is_dir():
        raise ModelError("bad-request", f"There is no folder '{place}' on this machine.")
    return str(folder.resolve())


def _check_numbers(entered: SavedConnection) -> None:
    if entered.concurrency is not None and not 1 <= entered.concurrency <= MOST_AT_ONCE:
        raise ModelError("bad-request", f"Requests at once: 1 to {MOST_AT_ONCE:,}.")
    if entered.per_minute is not None and not 1 <= entered.per_minute <= MOST_PER_MINUTE:
        raise ModelError("bad-request", f"Requests per minute: 1 to {MOST_PER_MINUTE:,}.")
    if entered.temperature is not None and not 0 <= entered.temperature <= HOTTEST:
        raise ModelError("bad-request", f"The temperature is between 0 and {HOTTEST:g}.")
    prices = entered.prices
    if prices is not None and not all(0 <= price < 1e6 for price in (prices.input, prices.output, prices.requests)):
        raise ModelError("bad-request", "A price is 0 or more US dollars.")
