"""Which strategies there are, and how one is made from a name, a mapping or an instance.

Strategies are found, not listed: every class in a module of this folder that has a `kind`,
and every class offered under the entry-point group `reranking.strategies`.
"""

from __future__ import annotations

import ast
import importlib
import logging
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Annotated, Any, cast, get_args

from pydantic import BaseModel, BeforeValidator, SerializeAsAny, ValidationError

import reranking.strategies
from reranking.models import Model
from reranking.requests import Request
from reranking.strategies.base import AsksModel, Family, Strategy

logger = logging.getLogger(__name__)

ENTRY_POINTS = "reranking.strategies"


class UnknownStrategyError(ValueError):
    """There is no strategy of that kind, or its parameters are wrong; the message says which."""


@cache
def strategies() -> dict[str, type[Strategy]]:
    """All strategies by kind, ours first, in the order of the families."""
    modules = pkgutil.iter_modules(reranking.strategies.__path__, "reranking.strategies.")
    found = [item for entry in modules for item in vars(importlib.import_module(entry.name)).values()]
    classes = [item for item in found if isinstance(item, type) and issubclass(item, Strategy)]
    by_kind = {kind_of(cls): cls for cls in classes if "kind" in cls.model_fields}
    for entry in entry_points(group=ENTRY_POINTS):
        plugged = _plugged(entry, by_kind)
        if plugged is not None:
            by_kind[kind_of(plugged)] = plugged
    order = get_args(Family)
    return dict(sorted(by_kind.items(), key=lambda item: order.index(item[1].family)))


def _plugged(entry: EntryPoint, taken: Mapping[str, type[Strategy]]) -> type[Strategy] | None:
    """The strategy that another package offers; None, and a line in the log, if it cannot be used."""
    try:
        cls = entry.load()
    except Exception:  # another package's fault must not take our strategies away
        logger.exception("The strategy '%s' (%s) cannot be loaded and is left out.", entry.name, entry.value)
        return None
    problem = None
    if not (isinstance(cls, type) and issubclass(cls, Strategy)):
        problem = "it is no Strategy"
    elif not isinstance(getattr(cls.model_fields.get("kind"), "default", None), str):
        problem = "it has no kind"
    elif not isinstance(getattr(cls, "title", None), str) or getattr(cls, "family", None) not in get_args(Family):
        problem = "it has no title, or no family that there is"
    elif taken.get(kind_of(cls), cls) is not cls:
        problem = f"there is a '{kind_of(cls)}' already"
    if problem is not None:
        logger.warning("The strategy '%s' (%s) is left out: %s.", entry.name, entry.value, problem)
        return None
    return cast(type[Strategy], cls)


def kind_of(cls: type[Strategy]) -> str:
    """The kind of a strategy class: the fixed name used in the CLI, JSON and database."""
    return cast(str, cls.model_fields["kind"].default)


def make(value: Any) -> Strategy:
    """A strategy from an instance, a mapping with `kind`, or a name such as `bm25` or `bm25(k1=2)`.

    Raises UnknownStrategyError with a message that says what is wrong.
    """
    if isinstance(value, Strategy):
        return value
    if isinstance(value, str):
        value = parse_name(value)
    if not isinstance(value, Mapping) or not isinstance(value.get("kind"), str):
        raise UnknownStrategyError("a strategy is a name, a mapping with 'kind', or a Strategy")
    cls = strategies().get(value["kind"])
    if cls is None:
        raise UnknownStrategyError(f"no strategy '{value['kind']}'; there are {', '.join(strategies())}")
    try:
        return cls(**value)
    except ValidationError as error:
        raise UnknownStrategyError(f"{value['kind']}: {_problems(error)}") from error


Nested = Annotated[SerializeAsAny[Strategy], BeforeValidator(make)]
"""A strategy as a parameter of another one."""


def each(strategy: Strategy) -> Iterator[Strategy]:
    """The strategy and all strategies nested in its parameters."""
    yield strategy
    for field in type(strategy).model_fields:
        yield from _nested(getattr(strategy, field))


def fill_model(strategy: Strategy, model: Model | str, answers: frozenset[type[Request]]) -> Strategy:
    """The strategy with `model` in every empty model field whose kinds of request it answers."""

    def fill(item: Strategy) -> Strategy:
        if not isinstance(item, AsksModel) or item.model is not None:
            return item
        wanted = item.wants()
        return item.model_copy(update={"model": model}) if wanted and set(wanted) <= answers else item

    return cast(Strategy, mapped(strategy, fill))


def with_defaults(strategy: Strategy) -> Strategy:
    """The strategy with its default model named in every model field that is still empty."""

    def fill(item: Strategy) -> Strategy:
        if isinstance(item, AsksModel) and item.model is None and item.default_model is not None:
            return item.model_copy(update={"model": item.default_model})
        return item

    return cast(Strategy, mapped(strategy, fill))


def without_model(strategy: Strategy) -> list[Strategy]:
    """The nested strategies that need a model and have neither one nor a default."""
    return [
        item
        for item in each(strategy)
        if isinstance(item, AsksModel) and item.model is None and item.default_model is None
    ]


def mapped(value: Any, change: Callable[[Strategy], Strategy]) -> Any:
    """`value`, a parameter or a strategy, with `change` applied to every strategy in it, innermost first."""
    if isinstance(value, list | tuple):
        return type(value)(mapped(item, change) for item in value)
    if not isinstance(value, BaseModel) or isinstance(value, Model):
        return value
    update = {field: mapped(getattr(value, field), change) for field in type(value).model_fields}
    copy = value.model_copy(update=update)
    return change(copy) if isinstance(copy, Strategy) else copy


def _nested(value: Any) -> Iterator[Strategy]:
    if isinstance(value, Strategy):
        yield from each(value)
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from _nested(getattr(value, field))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _nested(item)


def parse_name(text: str) -> dict[str, Any]:
    """The mapping that a name such as `bm25(k1=2)` stands for. Raises UnknownStrategyError."""
    kind, bracket, rest = text.strip().partition("(")
    if not bracket:
        return {"kind": kind}
    try:
        call = ast.parse(f"f({rest}", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError("only name=value pairs")
        values = {word.arg: ast.literal_eval(word.value) for word in call.keywords if word.arg}
    except (SyntaxError, ValueError) as error:
        raise UnknownStrategyError(f"cannot read '{text}': write {kind}(name=value, ...)") from error
    return {"kind": kind.strip(), **values}


def _problems(error: ValidationError) -> str:
    found = error.errors()
    # A list with a fault in an item is also told to be too short: the item is what has to be mended.
    within = {item["loc"][:1] for item in found if len(item["loc"]) > 1}
    return "; ".join(_problem(item) for item in found if item["type"] != "too_short" or item["loc"] not in within)


def _problem(item: Any) -> str:
    """What is wrong with one parameter, as a plain sentence with its name."""
    place = ".".join(str(part) for part in item["loc"])
    told, limits = item["type"], item.get("ctx", {})
    if told in _NUMBERS:
        return f"{place} must be {_NUMBERS[told].format(**limits)}, not {item['input']}"
    if told == "extra_forbidden":
        return f"there is no parameter {place}"
    if told == "missing":
        return f"{place} is missing"
    if told == "too_short":
        return f"{place} must hold at least {limits['min_length']}"
    if told == "literal_error":
        return f"{place} must be {limits['expected']}, not {item['input']!r}"
    if told.endswith(("_type", "_parsing")) and (kind := told.removesuffix("_type").removesuffix("_parsing")) in _KINDS:
        return f"{place} must be {_KINDS[kind]}, not {item['input']!r}"
    said = str(limits["error"]) if told == "value_error" and "error" in limits else item["msg"]
    return f"{place}: {said}" if place else said


_NUMBERS = {
    "less_than_equal": "at most {le:g}",
    "less_than": "less than {lt:g}",
    "greater_than_equal": "at least {ge:g}",
    "greater_than": "more than {gt:g}",
    "finite_number": "a finite number",
    "int_from_float": "a whole number",
}
_KINDS = {
    "int": "a whole number", "float": "a number", "bool": "true or false", "string": "a text", "list": "a list",
    "tuple": "a list",
}  # fmt: skip
