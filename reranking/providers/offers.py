"""Which models a provider offers: suggestions for hosted ones, what a local server tells of its own.

Names are free text; a list of them is never complete.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from reranking.models import ModelError
from reranking.providers.connection import LABELS, checked_key, checked_url
from reranking.providers.saved import SavedConnection
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

    reason = missing(provider, settings)
    return [
        ModelInfo(f"{provider}:{model.id}", ANSWERS, not reason, reason, note="from the price list")
        for entry in providers
        if entry.id == provider
        for model in entry.models
        if not model.deprecated and (model.context_window or 0) >= _LARGE_CONTEXT and not _NOT_FOR_US.search(model.id)
    ]


def missing(provider: str, settings: Settings) -> str:
    """What keeps models of a hosted provider from being asked: its address or its key; empty if nothing does."""
    try:
        address = checked_url(settings.address(provider), provider)
    except ModelError as error:  # which does not repeat an address that may hold a key
        return error.message
    return "" if settings.key_source(provider) else no_key(provider, address)


def served(provider: str, settings: Settings) -> list[ModelInfo]:
    """The models that a local server names, or one line that says why it names none."""
    return _served(provider, LABELS[provider], settings, f"Start it, or set {url_variable(provider)}.")


def named(saved: SavedConnection, settings: Settings, answers: tuple[str, ...] = ANSWERS) -> list[ModelInfo]:
    """The models that the server of a named connection names, and those that were tested there."""
    tested = [
        name.partition(":")[2]
        for name, found in settings.tested.items()
        if name.partition(":")[0] == saved.name and found.place.startswith("http") and not found.problem
    ]
    return _served(saved.name, f"'{saved.name}'", settings, "Start it, or change the address.", answers, tested)


def _served(
    provider: str,
    label: str,
    settings: Settings,
    fix: str,
    answers: tuple[str, ...] = ANSWERS,
    known: Sequence[str] = (),
) -> list[ModelInfo]:
    names, reason = list(known), ""
    try:
        base_url = checked_url(settings.base_url(provider) or "", provider)
        key = checked_key(settings.key(provider, base_url), provider)
        names += [name for name in _names(label, base_url, key) if name not in known]
        reason = "" if names else f"{label} at {urlsplit(base_url).netloc} has no models yet."
    except ModelError as error:
        names, reason = [], error.message
    except ConnectionError as error:
        names, reason = [], f"{error} {fix}"
    except OSError as error:
        reason = "" if names else f"{error} {fix}"
    if reason:
        return [ModelInfo(f"{provider}:NAME", answers, False, reason)]
    return [ModelInfo(f"{provider}:{name}", answers, True) for name in names]


def _names(label: str, base_url: str, key: str | None) -> list[str]:
    """Model ids from `GET /models`, or `GET /v1/models` where that is not there.

    Raises ConnectionError, with a sentence, if nobody answers, another OSError if it is not a list of models.
    """
    import httpx2

    headers = {"Authorization": f"Bearer {key}", "x-api-key": key} if key else {}
    headers["anthropic-version"] = "2023-06-01"  # other servers pass it over
    place = urlsplit(base_url).netloc
    paths = ("/models",) if base_url.endswith("/v1") else ("/models", "/v1/models")
    for path in paths:
        try:
            response = httpx2.get(f"{base_url}{path}", headers=headers, timeout=PATIENCE)
        except httpx2.HTTPError:
            raise ConnectionError(f"No {label} server at {place}.") from None
        if response.status_code != 404:
            break
    try:
        return [str(entry["id"]) for entry in response.raise_for_status().json()["data"]]
    except (httpx2.HTTPError, LookupError, TypeError, ValueError):
        raise OSError(f"What runs at {place} does not list models ({response.status_code}).") from None
