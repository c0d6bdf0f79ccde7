"""From a model's name to the model: `provider:name`, or the object itself.

Provider modules are imported when one of their models is named; each offers
`open_model(prefix, name, settings)`, `listing(settings)` and `serves()`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from threading import RLock
from types import ModuleType

from reranking.models import Model, ModelError, ModelRef
from reranking.providers.settings import ModelInfo, Settings
from reranking.requests import Request

MODULES = {
    "openai": "openai_chat",
    "ollama": "openai_chat",
    "vllm": "openai_chat",
    "openai-compatible": "openai_chat",
    "anthropic": "anthropic_messages",
    "rerank": "rerank_endpoint",
    "hf": "huggingface",
    "embedded": "embedded",
    "simulated": "simulated",
}
"""Prefix of a model's name -> module of this package."""


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
        """The models that providers offer, and why those that cannot be used cannot. Names are free text."""
        found: list[ModelInfo] = []
        for module in dict.fromkeys(MODULES.values()):
            try:
                found += _module(module).listing(self.settings)
            except ModelError as error:
                prefix = next(prefix for prefix, name in MODULES.items() if name == module)
                found.append(ModelInfo(f"{prefix}:NAME", (), False, error.message))
        return found

    def warm_up(self, names: Iterable[str]) -> None:
        """Load local models in the background, so that their first answer is quick. Returns at once.

        One that cannot be loaded is left alone: the strategy that asks it says why.
        """
        for name in names:
            prefix, _, rest = name.partition(":")
            if prefix in LOCAL:
                with suppress(ModelError):
                    _module(MODULES[prefix]).warm_up(rest)

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


def _open(ref: str, settings: Settings) -> Model:
    prefix, _, name = (part.strip() for part in ref.partition(":"))
    if prefix not in MODULES:
        known = ", ".join(MODULES)
        raise ModelError(
            "unknown-model", f"There is no provider '{prefix}'. Write provider:name, with one of: {known}."
        )
    if not name:
        raise ModelError("unknown-model", f"Name a model after '{prefix}:'.")
    model: Model = _module(MODULES[prefix]).open_model(prefix, name, settings)
    return model


def _module(name: str) -> ModuleType:
    try:
        return import_module(f"reranking.providers.{name}")
    except ImportError as error:
        missing = error.name or "a package"
        raise ModelError("not-installed", f"Models of '{name}' need {missing}, which is not installed.") from error
