"""`hf:ORG/NAME` and `hf:/folder`: models of the model hub or of a folder, told apart by their own files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Event, Lock
from typing import Any

from reranking.models import FREE, Model, ModelError, Predicted
from reranking.providers import causal, encoders, hub
from reranking.providers.local import Handler, LocalModel, Worker, folder_fingerprint
from reranking.providers.saved import SavedConnection
from reranking.providers.settings import ModelInfo, Settings
from reranking.replies import Reply
from reranking.requests import Attend, Choose, Generate, Likelihood, Request, Score

SUGGESTED = {
    "cross-encoder/ms-marco-MiniLM-L6-v2": (Score,),
    "HuggingFaceTB/SmolLM2-360M-Instruct": (Generate, Choose, Likelihood, Attend),
}
"""Models to name where none is on this machine."""

OPEN_MODELS = 4
"""Models that stay loaded when nothing refers to them any more."""


@dataclass(frozen=True)
class Form:
    """What a model folder holds: how it answers, and how it is loaded (name, folder)."""

    handlers: Mapping[type[Request], Handler]
    load: Callable[[str, str], Any]


def open_model(prefix: str, name: str, settings: Settings) -> Model:
    """The model of a folder (a path) or of the hub (ORG/NAME).

    A hub model that is not on this machine is downloaded with its first answer. Raises ModelError
    for a folder without a model, or with one that cannot rerank.
    """
    full = f"{prefix}:{name}"
    saved = settings.connections.get(prefix)
    if saved is not None and saved.place:
        folder = _inside(full, Path(saved.place), name)
        return _opened(full, str(folder), folder_fingerprint(_checked(full, folder)))
    if _is_path(name):
        folder = Path(name).expanduser().resolve()
        return _opened(full, str(folder), folder_fingerprint(_checked(full, folder)))
    found = hub.cached(name)
    if found is None:
        return HubModel(full, name)
    return _opened(full, str(found), f"{name}@{hub.revision(found)}")


def serves() -> frozenset[type[Request]]:
    """The kinds of request that models of this module can answer; a single one may answer fewer."""
    handlers = (causal.handlers(), encoders.encoder_handlers(), encoders.scorer_handlers())
    return frozenset(kind for each in handlers for kind in each)


def listing(settings: Settings) -> list[ModelInfo]:
    """The hub's models on this machine, and suggestions. Any other name or folder can be given too."""
    found = []
    names = hub.downloaded()
    for name in names:
        full = f"hf:{name}"
        try:
            answers = recognise(full, hub.cached(name) or Path()).handlers
        except ModelError:
            continue  # not a reranker: a tokenizer, an image model, ...
        found.append(ModelInfo(full, tuple(kind.kind for kind in answers), True, note="downloaded"))
    reason = "Not on this machine yet: it is downloaded from the model hub with its first use."
    for name, kinds in SUGGESTED.items():
        if name not in names:
            found.append(ModelInfo(f"hf:{name}", tuple(kind.kind for kind in kinds), False, reason))
    return found


def offers(saved: SavedConnection, settings: Settings) -> list[ModelInfo]:
    """The models in the folder of a named connection: in its subfolders, or in itself (named `.`)."""
    place, found = Path(saved.place), []
    try:
        folders = [place, *sorted(path for path in place.iterdir() if path.is_dir())]
    except OSError as error:
        reason = f"The folder {place} cannot be read ({error.strerror})."
        return [ModelInfo(f"{saved.name}:NAME", (), False, reason)]
    for folder in folders:
        full = f"{saved.name}:{folder.relative_to(place).as_posix()}"
        try:
            found.append(ModelInfo(full, tuple(kind.kind for kind in recognise(full, folder).handlers), True))
        except ModelError:
            continue  # no model, or none that can rerank
    return found or [ModelInfo(f"{saved.name}:NAME", (), False, f"There is no model that can rerank in {place}.")]


class HubModel:
    """A model that is not on this machine: what it answers is found out when it is downloaded.

    Until then it has no fingerprint, so that its first replies are not cached under a name that
    may mean another revision later.
    """

    concurrency = LocalModel.concurrency
    deterministic = LocalModel.deterministic

    def __init__(self, name: str, repository: str) -> None:
        self.name = name
        self.fingerprint: str | None = None
        self._repository = repository
        self._answers = serves()
        self._worker = Worker(self._download)

    @property
    def answers(self) -> frozenset[type[Request]]:
        """What it may be asked: the guess before, the truth after the download."""
        return self._answers

    async def answer(self, request: Request) -> Reply:
        """Answer `request`, after the download if it is the first. Raises ModelError."""
        model = await self._worker.run(_itself)
        return await model.answer(request)

    def predicted(self, request: Request) -> Predicted:
        """Nothing: it runs on this machine."""
        return FREE

    def _download(self) -> LocalModel:
        folder = hub.cached(self._repository) or hub.fetch(self._repository)
        model = _opened(self.name, str(folder), f"{self._repository}@{hub.revision(folder)}")
        self._answers, self.fingerprint = model.answers, model.fingerprint
        return model


def recognise(name: str, folder: Path) -> Form:
    """What the folder's configuration says it is, without loading it.

    Raises ModelError: `unknown-model` if there is none, `cannot-answer` if it cannot rerank.
    """
    config, trained = _json(folder, "config.json"), _json(folder, "config_sentence_transformers.json")
    modules = _json(folder, "modules.json")
    if not config and not modules:
        raise ModelError("unknown-model", f"There is no model in {folder}: it has no config.json.")
    kind = (config.get("architectures") or [""])[0]
    declared = trained.get("model_type")
    if kind.endswith("ForRetrieval"):
        raise ModelError("cannot-answer", f"{name} compares texts with pictures, not with texts. Choose another model.")
    late = declared in {"MultiVectorEncoder", "ColBERT"} or kind == "HF_ColBERT"
    if late or any("pylate" in str(module.get("type")) for module in modules or ()):
        return Form(encoders.encoder_handlers(late=True), _load_late)
    if declared == "CrossEncoder" or (not modules and _scores_pairs(kind, folder)):
        return _cross_encoder(name, config, trained if modules else {})
    if declared == "SparseEncoder" or kind.endswith(("ForConditionalGeneration", "ForTokenClassification")):
        what = declared or kind
        raise ModelError("cannot-answer", f"{name} is a {what}, which cannot rerank here. Choose another model.")
    if not modules and kind.endswith(("ForCausalLM", "LMHeadModel")):
        return Form(causal.handlers(), causal.load)
    tokens = not modules or str(modules[0].get("type")).endswith("Transformer")
    return Form(encoders.encoder_handlers(tokens=tokens), encoders.load_encoder)


def _scores_pairs(architecture: str, folder: Path) -> bool:
    """Whether it is a classifier, or a language model whose chat template takes a query and a document."""
    if architecture.endswith("ForSequenceClassification"):
        return True
    if not architecture.endswith("ForCausalLM"):
        return False
    template = _chat_template(folder)
    return all(re.search(rf"role\W+(?:\w+\W+)?{role}\W", template) for role in ("query", "document"))


def _chat_template(folder: Path) -> str:
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    template = _json(folder, "tokenizer_config.json").get("chat_template")
    return template if isinstance(template, str) else ""


def _cross_encoder(name: str, config: Mapping[str, Any], trained: Mapping[str, Any]) -> Form:
    """A cross-encoder; `trained` is what sentence-transformers saved with it, which outdoes the model's own config."""
    if config.get("id2label") and str(config["architectures"][0]).endswith("ForSequenceClassification"):
        encoders.check_labels(name, len(config["id2label"]))
    activation = (
        trained.get("activation_fn")
        or (config.get("sentence_transformers") or {}).get("activation_fn")
        or config.get("sbert_ce_default_activation_function")
    )

    def load(name: str, folder: str) -> encoders.PairScorer:
        return encoders.load_scorer(name, folder, activation)

    return Form(encoders.scorer_handlers(), load)


def _load_late(name: str, folder: str) -> encoders.Encoder:
    return encoders.load_encoder(name, folder, late=True)


_opening = Lock()


def _opened(name: str, folder: str, fingerprint: str) -> LocalModel:
    with _opening:
        return _open(name, folder, fingerprint)


@lru_cache(maxsize=OPEN_MODELS)
def _open(name: str, folder: str, fingerprint: str) -> LocalModel:
    form = recognise(name, Path(folder))
    return LocalModel(name, fingerprint, Worker(lambda: form.load(name, folder)), form.handlers)


def _is_path(name: str) -> bool:
    return name.startswith(("/", ".", "~")) or "\\" in name or Path(name).is_dir()


def _inside(full: str, place: Path, name: str) -> Path:
    folder = (place / name).resolve()
    if not folder.is_relative_to(place.resolve()):
        raise ModelError("unknown-model", f"{full} lies outside of {place}. Name one of its subfolders.")
    return folder


def _checked(name: str, folder: Path) -> Path:
    if not folder.is_dir():
        raise ModelError("unknown-model", f"There is no folder {folder}. Check the path after 'hf:'.")
    recognise(name, folder)
    return folder


def _json(folder: Path, file: str) -> Any:
    """The content of a JSON file, or an empty mapping if it is not there. Raises ModelError if it is not JSON."""
    path = folder / file
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError("internal", f"{path} is not JSON: {error}") from error


def _itself(model: LocalModel, _: Event) -> LocalModel:
    return model
