"""Where keys and base URLs come from, and what a provider says about a model it offers.

Keys stay in memory: nothing here is written down, logged, or part of a model's identity. And each
goes to one address only: everybody who can open the app can name a connection and give it any
address, so a name alone gets no key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from reranking.providers.abilities import Abilities
    from reranking.providers.saved import SavedConnection

OWN_URLS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com",
    "cohere": "https://api.cohere.com/v2",
    "voyage": "https://api.voyageai.com/v1",
    "jina": "https://api.jina.ai/v1",
}
"""Where the hosted providers answer themselves."""

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

_ENDING = re.compile(r"(/+v\d+)?(/+rerank)?/*$")
_PORTS = {"http": ":80", "https": ":443"}


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

    `keys` are those of one browser session, by provider, for the `address` that it has under these
    settings. `environment` defaults to the process's, `secrets` looks a variable such as
    `OPENAI_API_KEY` up elsewhere and returns None if it is not there. `connections` are those that
    a person set up, by name; `tested` is what tests found, by the full name of the model. `serial`
    counts on with all settings that are made: of two, those with the higher one know the
    connections as they are now.
    """

    keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    secrets: Callable[[str], str | None] | None = field(default=None, repr=False)
    connections: Mapping[str, SavedConnection] = field(default_factory=dict)
    tested: Mapping[str, Abilities] = field(default_factory=dict)
    serial: int = field(default_factory=count(1).__next__)

    def __post_init__(self) -> None:
        for name in ("keys", "connections", "tested"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def key(self, provider: str, address: str) -> str | None:
        """The API key of `provider` that may be sent to `address`; None if there is none for it.

        One of this session holds for the provider's `address`. One of the environment or the
        secrets holds where the provider is by default, or where the variable of its base URL says,
        such as `MY_BOX_API_KEY` where `MY_BOX_BASE_URL` says: whoever sets the one sets the other.
        """
        source = self._source(provider, address)
        if source is None:
            return None
        return self.keys[provider].strip() if source == "session" else self._look(key_variable(provider))

    def key_source(self, provider: str, address: str | None = None) -> KeySource | None:
        """Where `key` finds the key of `provider` for `address`, by default its own; None if it finds none."""
        return self._source(provider, self.address(provider) if address is None else address)

    def base_url(self, provider: str) -> str | None:
        """The base URL set for `provider`, or that of a local server; None if the provider's own holds."""
        saved = self.connections.get(provider)
        if saved is not None and saved.place:
            return saved.place
        return self._look(url_variable(provider)) or DEFAULT_BASE_URLS.get(provider)

    def address(self, provider: str) -> str:
        """Where `provider` is asked: its base URL or folder; empty where the model's name tells it, or none is."""
        return self.base_url(provider) or OWN_URLS.get(provider, "")

    def _source(self, provider: str, address: str) -> KeySource | None:
        """Where there is a key of `provider` that may be sent to `address`."""
        if (self.keys.get(provider) or "").strip() and same_address(address, self.address(provider)):
            return "session"
        variable = key_variable(provider)
        if not same_address(address, self._given_address(provider)) or not self._look(variable):
            return None
        return "environment" if (self.environment.get(variable) or "").strip() else "secrets"

    def _given_address(self, provider: str) -> str:
        """Where `provider` is by default or by the environment, whatever the connection of that name says."""
        default = DEFAULT_BASE_URLS.get(provider) or OWN_URLS.get(provider, "")
        return self._look(url_variable(provider)) or default

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


def same_address(one: str, other: str) -> bool:
    """Whether two base URLs lead to the same server and, apart from `/v1` or `/rerank` at the end, the same path.

    What cannot be read as a URL leads nowhere.
    """
    try:
        return bool(one) and _plain(one) == _plain(other)
    except ValueError:
        return False


def _plain(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url.strip())
    # The part with host and port as it is written: what is equal for us is equal for every reader of addresses.
    place = parts.netloc.lower().removesuffix(_PORTS.get(parts.scheme, ""))
    return parts.scheme, place, _ENDING.sub("", parts.path, count=1)


def no_key(provider: str, address: str = "") -> str:
    """The sentence for a provider whose key is missing, for `address` if that is not its own by default."""
    default = DEFAULT_BASE_URLS.get(provider) or OWN_URLS.get(provider, "")
    if not address or same_address(address, default):
        return f"No API key for '{provider}'. Set {key_variable(provider)}, or add it to .streamlit/secrets.toml."
    return (
        f"No API key for '{provider}' at {address}. Enter one under Connections, or set both {key_variable(provider)} "
        f"and, to this address, {url_variable(provider)}: a key goes to the address that it is set for, nowhere else."
    )
