"""Which models a provider offers: suggestions for hosted ones, what a local server tells of its own.

Names are free text; a list of them is never complete.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from reranking.models import ModelError
from reranking.providers.connection import LABELS, checked_key, checked_url
from reranking.providers.settings import ModelInfo, Settings, no_key, url_variable

ANSWERS = ("generate", "choose")

PATIENCE = 1.0
"""Seconds that a local server may take to name its models."""

_LARGE_CONTEXT = 100_000
_NOT_FOR_US = re.compile(
    r"audio|image|realtime|vision|live|search|codex|oss|preview|safeguard|latest$|-pro$|\d{4}-\d\d-\d\d|^claude-[23]"
)


def hosted(provider: str, settings: Settings) -> list[ModelInfo]:
    """Suggested models of `provider`: what the price table knows and a reranker can use."""
    from genai_prices.data import providers

    reason = "" if settings.key(provider) else no_key(provider)
    return [
        ModelInfo(f"{provider}:{model.id}", ANSWERS, not reason, reason, note="from the price list")
        for entry in providers
        if entry.id == provider
        for model in entry.models
        if not model.deprecated and (model.context_window or 0) >= _LARGE_CONTEXT and not _NOT_FOR_US.search(model.id)
    ]


def served(provider: str, settings: Settings) -> list[ModelInfo]:
    """The models that a local server names, or one line that says why it names none."""
    try:
        base_url = checked_url(settings.base_url(provider) or "", provider)
        key = checked_key(settings.key(provider), provider)
        names = _names(LABELS[provider], base_url, key)
        reason = "" if names else f"{LABELS[provider]} at {urlsplit(base_url).netloc} has no models yet."
    except ModelError as error:
        names, reason = [], error.message
    except OSError as error:
        names, reason = [], f"{error} Start it, or set {url_variable(provider)}."
    if reason:
        return [ModelInfo(f"{provider}:NAME", ANSWERS, False, reason)]
    return [ModelInfo(f"{provider}:{name}", ANSWERS, True) for name in names]


def _names(label: str, base_url: str, key: str | None) -> list[str]:
    """Model ids from `GET /models`. Raises OSError, with a sentence, if the server does not answer like one."""
    import httpx2

    headers = {"Authorization": f"Bearer {key}"} if key else {}
    place = urlsplit(base_url).netloc
    try:
        response = httpx2.get(f"{base_url}/models", headers=headers, timeout=PATIENCE)
    except httpx2.HTTPError:
        raise OSError(f"No {label} server at {place}.") from None
    try:
        return [str(entry["id"]) for entry in response.raise_for_status().json()["data"]]
    except (httpx2.HTTPError, LookupError, TypeError, ValueError):
        raise OSError(f"What runs at {place} does not list models ({response.status_code}).") from None
