"""Ready-made strategy sets: read from data, and filled with the models that can be used here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from reranking.providers.settings import ModelInfo
from reranking.requests import KINDS, Request
from reranking.strategies.base import AsksModel, Strategy
from reranking.strategies.catalogue import each, fill_model, make, strategies

LOCAL = ("embedded:", "hf:", "ollama:", "vllm:")
SIMULATED = "simulated:"
FEWEST_OF_SEVERAL = 2


@dataclass(frozen=True, slots=True)
class ReadySet:
    """A set as the data has it. `models` says what it is filled with: local models, one chat model, or each chosen."""

    name: str
    about: str
    needs: str
    models: Literal["local", "one", "each"]
    strategies: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Filled:
    """The specifications of a filled set, and what is missing for those that had to be left out."""

    specs: tuple[dict[str, Any], ...]
    missing: tuple[str, ...]


@lru_cache(maxsize=1)
def ready_sets() -> tuple[ReadySet, ...]:
    """All ready-made sets."""
    found = json.loads(Path(__file__).with_name("ready_sets.json").read_text(encoding="utf-8"))
    return tuple(ReadySet(**{**one, "strategies": tuple(one["strategies"])}) for one in found)


def chat_models(rows: Sequence[ModelInfo]) -> list[str]:
    """Models that write text and can be used here: those that were made for it first, simulated ones last."""
    usable = [row.name for row in rows if row.available and "generate" in row.answers]
    return sorted(usable, key=lambda name: (name.startswith(SIMULATED), name.startswith("embedded:")))


def filled(ready: ReadySet, rows: Sequence[ModelInfo], chats: Sequence[str]) -> Filled:
    """The set with models in place; `chats` are the chat models to take, the first one where one is asked for."""
    usable = [row for row in rows if row.available and not row.name.startswith(SIMULATED)]
    encoders = [row for row in usable if "generate" not in row.answers]
    by_name = {row.name: row for row in rows}
    chosen = [by_name[name] for name in chats if name in by_name]
    if ready.models == "local":
        local = sorted((row for row in usable if row.name.startswith(LOCAL)), key=lambda row: not _embedded(row))
        return _filled(ready, [local])
    if not chosen:
        return Filled((), (f"Needs {ready.needs}.",))
    if ready.models == "one":
        return _filled(ready, [[chosen[0], *encoders]])
    if len(chosen) < FEWEST_OF_SEVERAL:
        return Filled((), (f"Needs {ready.needs}; chosen: {chosen[0].name}.",))
    return _filled(ready, [[row, *encoders] for row in chosen])


def with_model(spec: dict[str, Any], model: str, answers: frozenset[type[Request]]) -> dict[str, Any]:
    """The specification with `model` in all its LLM strategies that it can serve; the others keep theirs."""
    given = make(spec)
    emptied = make(_without_models(given.spec()))
    changed = fill_model(emptied, model, answers).spec()
    found: dict[str, Any] = _merged(changed, given.spec())
    return found


def asks_an_llm(strategy: Strategy) -> bool:
    """Whether it, or a strategy in it, is an LLM strategy."""
    return any(part.family.startswith("LLM") for part in each(strategy))


def _embedded(row: ModelInfo) -> bool:
    return row.name.startswith("embedded:")


def _filled(ready: ReadySet, by_run: Sequence[Sequence[ModelInfo]]) -> Filled:
    """Each strategy once per list of models, and once only where the model makes no difference."""
    specs: list[dict[str, Any]] = []
    missing: dict[str, None] = {}
    for wanted in ready.strategies:
        for models in by_run:
            spec, lack = _made(wanted, models)
            if spec is None:
                missing[lack] = None
            elif spec not in specs:
                specs.append(spec)
    return Filled(tuple(specs), tuple(missing))


def _made(wanted: Any, models: Sequence[ModelInfo]) -> tuple[dict[str, Any] | None, str]:
    """The specification with models in place, or what is missing for it."""
    lacks = []
    for choice in _choices(wanted):
        strategy = make(choice)
        for row in models:
            strategy = fill_model(strategy, row.name, frozenset(KINDS[kind] for kind in row.answers))
        empty = [part for part in each(strategy) if isinstance(part, AsksModel) and part.model is None]
        if not empty:
            return strategy.spec(), ""
        kinds = " and ".join(kind.kind for kind in empty[0].wants())
        lacks.append(f"{strategy.title} is left out: no model that answers {kinds}.")
    return None, lacks[-1]


def _choices(wanted: Any) -> Iterator[Any]:
    """The specifications that the data allows, best first; alternatives stand under `first of`."""
    if isinstance(wanted, dict) and "first of" in wanted:
        yield from wanted["first of"]
        return
    places = [(at, name) for at, stage in enumerate(wanted.get("stages", ())) for name in stage]
    chosen = next(((at, name) for at, name in places if _open(wanted["stages"][at][name])), None)
    if chosen is None:
        yield wanted
        return
    at, name = chosen
    for choice in wanted["stages"][at][name]["first of"]:
        stages = [dict(stage) for stage in wanted["stages"]]
        stages[at][name] = choice
        yield from _choices({**wanted, "stages": stages})


def _open(value: Any) -> bool:
    return isinstance(value, dict) and "first of" in value


def _without_models(value: Any) -> Any:
    """A specification whose LLM strategies have no model."""
    if isinstance(value, list):
        return [_without_models(item) for item in value]
    if not isinstance(value, dict):
        return value
    copy = {name: _without_models(item) for name, item in value.items()}
    cls = strategies().get(value["kind"]) if isinstance(value.get("kind"), str) else None
    if cls is not None and cls.family.startswith("LLM") and "model" in copy:
        copy["model"] = None
    return copy


def _merged(new: Any, old: Any) -> Any:
    """`new`, with the old model wherever it has none."""
    if isinstance(new, dict) and isinstance(old, dict):
        return {
            name: old.get(name) if name == "model" and item is None else _merged(item, old.get(name))
            for name, item in new.items()
        }
    if isinstance(new, list) and isinstance(old, list) and len(new) == len(old):
        return [_merged(mine, theirs) for mine, theirs in zip(new, old, strict=True)]
    return new
