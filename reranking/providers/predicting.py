"""What a request is going to cost where it is paid, before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reranking.models import Predicted
from reranking.providers.connection import Connection
from reranking.providers.prices import list_price
from reranking.requests import Choose, Generate, Likelihood, Request, Score

CHARACTERS_PER_TOKEN = 4
TOKENS_OF_A_MESSAGE = 16
"""More than what marks the beginning and the end of a message."""

Price = Callable[[int | None, int | None], float | None]
"""US dollars for so many tokens read and written, None if that is not known."""


def price_of(server: Connection, model: str) -> Price:
    """What calls to `model` cost: what a person says of the connection, else what the price list says."""
    if server.saved is not None and server.saved.prices is not None:
        return server.saved.prices.cost
    return lambda tokens, written: list_price(server.speaks, model, tokens, written, server.base_url)


def predicted(request: Request, price: Price, outputs: Sequence[int]) -> Predicted | None:
    """What `request` is going to cost; None if there is no price.

    `outputs` holds the most tokens that each call may write: of the one that is made first, and of
    those that may have to follow it.
    """
    texts = _texts(request)
    likely = sum(map(len, texts)) // CHARACTERS_PER_TOKEN
    read, both = price(likely, 0), price(likely, sum(outputs))
    safe = sum(map(_tokens_at_most, texts))
    calls = [price(safe, written) for written in outputs]
    if read is None or both is None or None in calls:
        return None
    return Predicted(read, max(0.0, both - read), sum(cost for cost in calls if cost is not None))


def _texts(request: Request) -> list[str]:
    """All that the model is shown."""
    if isinstance(request, Generate | Choose | Likelihood):
        texts = [message.text for message in request.messages]
        if isinstance(request, Generate) and request.schema is not None:
            texts.append(request.schema)
        return [*texts, request.continuation] if isinstance(request, Likelihood) else texts
    if isinstance(request, Score):
        return [text for candidate in request.texts for text in (request.query, candidate)]
    return []


def _tokens_at_most(text: str) -> int:
    """More tokens than prose has in any language: one for two ASCII characters, and for each byte of others."""
    ascii_characters = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    others = 0 if text.isascii() else len(text.encode("utf-8", "surrogatepass")) - ascii_characters
    return ascii_characters // 2 + others + TOKENS_OF_A_MESSAGE
