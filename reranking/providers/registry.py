"""From a model's name to the model: `provider:name`, or the object itself.

Provider modules are imported when one of their models is named; each offers
`open_model(prefix, name, settings)`, `listing(settings)` and `serves()`, and those that a named
connection can speak through `offers(saved, settings)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from threading import RLock
from types import ModuleType

from reranking.models import Model, ModelError, ModelRef
from reranking.providers.abilities import Abilities
from reranking.providers.connection import Connection, holds_key
from reranking.providers.saved import SavedConnection
from reranking.providers.settings import ModelInfo, Settings, key_variable
from reranking.requests import Request

MODULES = {
    "openai": "openai_chat",
    "ollama": "openai_chat",
    "vllm": "openai_chat",
    "lmstudio": "openai_chat",
    "llamacpp": "openai_chat",
    "openai-compatible": "openai_chat",
    "anthropic": "anthropic_messages",
    "rerank": "rerank_endpoint",
    "hf": "huggingface",
    "embedded": "embedded",
    "simulated": "simulated",
}
"""Prefix of a model's name -> module of this package."""

MODULES_BY_KIND = {
    "openai": "openai_chat",
    "anthropic": "anthropic_messages",
    "rerank": "rerank_endpoint",
    "folder": "huggingface",
}
"""Kind of a connection that a person named -> module."""

LOCAL = frozenset({"embedded"})
"""Prefixes of models that take time to load on this machine."""


class Registry:
    """Opens models by name, each once: all strategies share one object per model.

    Opening loads nothing heavy and calls nobody; a model does that with its first answer.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings if settings is not None else Settings()
        self._models: dict[str, Model] = {}
        self._lock = RLock()

    def resolve(self, ref: ModelRef) -> Model:
        """The model that `ref` names; an object is returned as it is.

        Raises ModelError: `unknown-model`, `not-installed` or what else keeps it from being opened. A
        missing key does not: what was recorded can be replayed without it, and asking says `no-key`.
        """
        if not isinstance(ref, str):
            return ref
        name = ref.strip()
        with self._lock:
            if name not in self._models:
                self._models[name] = _open(name, self.settings)
            return self._models[name]

    def answers(self, ref: ModelRef) -> frozenset[type[Request]]:
        """What the model can be asked, even without its key. Raises ModelError as `resolve`."""
        return self.resolve(ref).answers

    def listing(self) -> list[ModelInfo]:
        """The models that providers offer, and why those that cannot be used cannot. Names are free text.

        What a test found out about a model is what it answers; servers are asked side by side.
        """
        named = [saved for saved in self.settings.connections.values() if saved.place]
        modules = list(dict.fromkeys(MODULES.values()))
        with ThreadPoolExecutor(max_workers=max(1, len(named) + 1)) as threads:
            own = [threads.submit(self._of_connection, saved) for saved in named]
            found = [row for module in modules for row in self._of_module(module)]
            found += [row for future in own for row in future.result()]
        return [self._as_tested(row) for row in found]

    def _of_module(self, module: str) -> list[ModelInfo]:
        try:
            rows: list[ModelInfo] = _module(module).listing(self.settings)
        except ModelError as error:
            prefix = next(prefix for prefix, name in MODULES.items() if name == module)
            return [ModelInfo(f"{prefix}:NAME", (), False, error.message)]
        return rows

    def _of_connection(self, saved: SavedConnection) -> list[ModelInfo]:
        module = MODULES_BY_KIND[saved.kind]
        try:
            rows: list[ModelInfo] = _module(module).offers(saved, self.settings)
        except ModelError as error:
            return [ModelInfo(f"{saved.name}:NAME", (), False, error.message)]
        return rows

    def _as_tested(self, row: ModelInfo) -> ModelInfo:
        found = self._findings(row.name)
        return row if found is None else replace(row, answers=found.answers)

    def _findings(self, name: str) -> Abilities | None:
        """What a test found of a model, if it holds where the model is asked today."""
        known = self.settings.tested.get(name)
        if known is None or not known.answers or not known.place.startswith("http"):
            return None
        try:
            place = getattr(self.resolve(name), "place", None)
        except ModelError:
            return None
        return self.settings.found(name, place) if place is not None else None

    def warm_up(self, names: Iterable[str]) -> None:
        """Load local models in the background, so that their first answer is quick. Returns at once.

        One that cannot be loaded is left alone: the strategy that asks it says why.
        """
        for name in names:
            prefix, _, rest = name.partition(":")
            if prefix in LOCAL:
                with suppress(ModelError):
                    _module(MODULES[prefix]).warm_up(rest)

    @property
    def asked(self) -> int:
        """How many requests were sent to the servers of opened models, those that they refused included."""
        with self._lock:
            servers = {id(server): server for model in self._models.values() if (server := _server(model)) is not None}
        return sum(server.asked for server in servers.values())

    async def aclose(self) -> None:
        """Close what opened models hold on the running event loop, such as sockets."""
        for model in list(self._models.values()):
            close = getattr(model, "aclose", None)
            if close is not None:
                await close()


def serves(prefix: str) -> frozenset[type[Request]]:
    """The kinds of request that models with this prefix can answer; none if its packages are missing."""
    try:
        found: frozenset[type[Request]] = _module(MODULES[prefix]).serves()
    except ModelError:
        return frozenset()
    return found


def _server(model: Model) -> Connection | None:
    found: Connection | None = getattr(model, "server", None)
    return found


def _open(ref: str, settings: Settings) -> Model:
    prefix, _, name = (part.strip() for part in ref.partition(":"))
    saved = settings.connections.get(prefix)
    module = MODULES.get(prefix) or (MODULES_BY_KIND[saved.kind] if saved is not None else None)
    if module is None:
        known = ", ".join([*MODULES, *settings.connections.keys() - MODULES.keys()])
        raise ModelError(
            "unknown-model", f"There is no provider '{prefix}'. Write provider:name, with one of: {known}."
        )
    if holds_key(name):
        raise ModelError(
            "bad-request",
            f"The name after '{prefix}:' looks as if it held a key. Set {key_variable(prefix)}, or enter it under "
            "Connections.",
        )
    if not name:
        raise ModelError("unknown-model", f"Name a model after '{prefix}:'.")
    model: Model = _module(module).open_model(prefix, name, settings)
    return model


def _module(name: str) -> ModuleType:
    try:
        return import_module(f"reranking.providers.{name}")
    except ImportError as error:
        missing = error.name or "a package"
        raise ModelError("not-installed", f"Models of '{name}' need {missing}, which is not installed.") from error
