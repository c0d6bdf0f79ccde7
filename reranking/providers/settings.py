"""Where keys and base URLs come from, and what a provider says about a model it offers.

Keys stay in memory: nothing here is written down, logged, or part of a model's identity.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

DEFAULT_BASE_URLS = {
    "ollama": "http://localhost:11434/v1",
    "vllm": "http://localhost:8000/v1",
}


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
    there.
    """

    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    secrets: Callable[[str], str | None] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", MappingProxyType(dict(self.keys)))

    def key(self, provider: str) -> str | None:
        """The API key of `provider`: of this session, the environment or the secrets; None if unset."""
        return (self.keys.get(provider) or "").strip() or self._look(key_variable(provider))

    def base_url(self, provider: str) -> str | None:
        """The base URL set for `provider`, or that of a local server; None if the provider's own holds."""
        return self._look(url_variable(provider)) or DEFAULT_BASE_URLS.get(provider)

    def _look(self, variable: str) -> str | None:
        found = self.environment.get(variable) or (self.secrets(variable) if self.secrets is not None else None)
        return (found or "").strip() or None


def key_variable(provider: str) -> str:
    """The environment variable of a provider's key, such as `OPENAI_API_KEY`."""
    return f"{provider.upper().replace('-', '_')}_API_KEY"


def url_variable(provider: str) -> str:
    """The environment variable of a provider's base URL, such as `OLLAMA_BASE_URL`."""
    return f"{provider.upper().replace('-', '_')}_BASE_URL"


def no_key(provider: str) -> str:
    """The sentence for a provider whose key is missing."""
    return f"No API key for '{provider}'. Set {key_variable(provider)}, or add it to .streamlit/secrets.toml."
