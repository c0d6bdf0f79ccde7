"""Where keys and base URLs come from, and what a provider says about a model it offers.

Keys stay in memory: nothing here is written down, logged, or part of a model's identity.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from reranking.providers.abilities import Abilities
    from reranking.providers.saved import SavedConnection

DEFAULT_BASE_URLS = {
    "ollama": "http://localhost:11434/v1",
    "vllm": "http://localhost:8000/v1",
    "lmstudio": "http://localhost:1234/v1",
    "llamacpp": "http://localhost:8080/v1",
}

BUILT_IN = frozenset(
    {
        "openai", "anthropic", "cohere", "voyage", "jina", *DEFAULT_BASE_URLS, "openai-compatible", "rerank", "hf",
        "embedded", "simulated",
    }
)  # fmt: skip
"""Names that need no setting up, so that no connection of one's own can have them."""

KeySource = Literal["session", "environment", "secrets"]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that can be named: what it answers, and whether it can be used here and now.

    `answers` holds kinds of request (`generate`, `choose`, ...). `reason` is empty if the model
    is available, else it says what is missing and how to mend it. `note` is what to know before
    choosing it, such as `embedded (weak)`.
    """

    name: str
    answers: tuple[str, ...]
    available: bool
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, eq=False)
class Settings:
    """How keys and base URLs are found; it does not change. For a new key, make new settings.

    `keys` are those of one browser session, by provider. `environment` defaults to the process's,
    `secrets` looks a variable such as `OPENAI_API_KEY` up elsewhere and returns None if it is not
    there. `connections` are those that a person set up, by name; `tested` is what tests found, by
    the full name of the model.
    """

    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    secrets: Callable[[str], str | None] | None = field(default=None, repr=False)
    connections: Mapping[str, SavedConnection] = field(default_factory=dict)
    tested: Mapping[str, Abilities] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("keys", "connections", "tested"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def key(self, provider: str) -> str | None:
        """The API key of `provider`: of this session, the environment or the secrets; None if unset."""
        return (self.keys.get(provider) or "").strip() or self._look(key_variable(provider))

    def key_source(self, provider: str) -> KeySource | None:
        """Where `key` finds the key of `provider`; None if it finds none."""
        if (self.keys.get(provider) or "").strip():
            return "session"
        if (self.environment.get(key_variable(provider)) or "").strip():
            return "environment"
        return "secrets" if self._look(key_variable(provider)) else None

    def base_url(self, provider: str) -> str | None:
        """The base URL set for `provider`, or that of a local server; None if the provider's own holds."""
        saved = self.connections.get(provider)
        if saved is not None and saved.place:
            return saved.place
        return self._look(url_variable(provider)) or DEFAULT_BASE_URLS.get(provider)

    def found(self, model: str, place: str) -> Abilities | None:
        """What a test of `model` at `place` found; None if it was not tested there, or did not answer."""
        found = self.tested.get(model)
        return found if found is not None and found.place == place and not found.problem else None

    def _look(self, variable: str) -> str | None:
        found = self.environment.get(variable) or ""
        if not found.strip() and self.secrets is not None:
            found = self.secrets(variable) or ""
        return found.strip() or None


def key_variable(provider: str) -> str:
    """The environment variable of a provider's key, such as `OPENAI_API_KEY`."""
    return f"{provider.upper().replace('-', '_')}_API_KEY"


def url_variable(provider: str) -> str:
    """The environment variable of a provider's base URL, such as `OLLAMA_BASE_URL`."""
    return f"{provider.upper().replace('-', '_')}_BASE_URL"


def no_key(provider: str) -> str:
    """The sentence for a provider whose key is missing."""
    return f"No API key for '{provider}'. Set {key_variable(provider)}, or add it to .streamlit/secrets.toml."
