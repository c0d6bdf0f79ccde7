"""How long a prompt may be: what a server tells of a model without being asked a question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

PATIENCE = 2.0
"""Seconds for one look."""

_NAMES = (
    "max_model_len", "loaded_context_length", "context_length", "max_context_length", "max_input_tokens",
    "context_window", "n_ctx",
)  # fmt: skip
"""What servers call it; the length that is in force stands before the one that would be possible."""


def context_limit(base_url: str, key: str | None, model: str) -> int | None:
    """Tokens that `model` takes at most, as the server at `base_url` tells; None if it does not.

    vLLM, LM Studio, OpenRouter and Anthropic say so beside the model's name, llama.cpp among its
    properties, Ollama of the models that are loaded.
    """
    root = base_url.removesuffix("/v1")
    looks = (f"{root}/api/ps", f"{root}/props", f"{root}/api/v0/models", f"{root}/v1/models/{quote(model, safe='')}",
             f"{base_url}/models")  # fmt: skip
    for body in _answers(looks, key):
        found = _length(body, model)
        if found is not None:
            return found
    return None


def known_context(provider: str, model: str) -> int | None:
    """The context window of a hosted model by the price table; None if it does not know the model."""
    from genai_prices.data import providers

    for entry in providers:
        if entry.id == provider:
            found = entry.find_model(model)
            return None if found is None else found.context_window
    return None


def _answers(urls: Sequence[str], key: str | None) -> Iterator[Any]:
    import httpx2

    headers = {"Authorization": f"Bearer {key}", "x-api-key": key} if key else {}
    headers["anthropic-version"] = "2023-06-01"
    with httpx2.Client(headers=headers, timeout=PATIENCE) as client:
        for url in urls:
            try:
                response = client.get(url)
                if response.status_code == 200:
                    yield response.json()
            except httpx2.TimeoutException:
                return
            except (httpx2.HTTPError, ValueError):
                continue


def _length(body: Any, model: str) -> int | None:
    for entry in _entries(body, model):
        for inner in (entry, entry.get("meta"), entry.get("default_generation_settings")):
            if isinstance(inner, Mapping):
                found = next((value for name in _NAMES if _is_length(value := inner.get(name))), None)
                if found is not None:
                    return int(found)
    return None


def _entries(body: Any, model: str) -> Sequence[Mapping[str, Any]]:
    """What a reply says about `model`: of a list only the entry that names it."""
    if not isinstance(body, Mapping):
        return ()
    for name in ("data", "models"):
        if isinstance(body.get(name), list):
            rows = [row for row in body[name] if isinstance(row, Mapping)]
            return [row for row in rows if model in {row.get("id"), row.get("name"), row.get("model")}]
    return (body,)


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
