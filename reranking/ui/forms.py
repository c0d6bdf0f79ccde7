"""Forms made from strategy classes: one widget per parameter, whatever the strategy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reranking.providers.connection import holds_key
from reranking.requests import Request
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import kind_of, make, strategies
from reranking.strategies.llm import LLMStrategy
from reranking.ui import notices, state
from reranking.ui.examples_form import examples_form
from reranking.ui.prompt_form import domain_form, prompt_form

NO_MODEL = "none chosen"


def strategy_form(spec: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Widgets for all parameters of the strategy in `spec`; returns the specification as edited."""
    strategy = make(dict(spec))
    edited: dict[str, Any] = {"kind": spec["kind"]}
    fields = type(strategy).model_fields
    for name in _in_order(type(strategy)):
        edited[name] = _field(name, fields[name], getattr(strategy, name), f"{key}-{name}", strategy)
    return edited


def _in_order(cls: type[Strategy]) -> list[str]:
    """The model first, then what is the strategy's own, then what all LLM strategies share."""
    shared = [name for name in LLMStrategy.model_fields if name in cls.model_fields and name not in {"kind", "model"}]
    own = [name for name in cls.model_fields if name not in {"kind", "model", *shared}]
    return [*(["model"] if "model" in cls.model_fields else []), *own, *shared]


def model_options(wants: tuple[type[Request], ...]) -> list[str]:
    """Names of models that can answer all of `wants`, available ones first."""
    kinds = {kind.kind for kind in wants}
    rows = [row for row in state.models() if kinds <= set(row.answers)]
    return [row.name for row in sorted(rows, key=lambda row: not row.available)]


def _field(name: str, info: FieldInfo, value: Any, key: str, owner: BaseModel) -> Any:
    label = info.title or name.replace("_", " ").capitalize()
    annotation: Any = info.annotation
    form = _format(owner, name)
    if form == "model":
        return _model(label, value, key, owner)
    if form == "domain":
        return domain_form(value, key, info.description)
    if form == "judged-examples":
        return examples_form(label, value, key)
    if form == "prompt" and isinstance(owner, LLMStrategy):
        return prompt_form(owner, key)
    if isinstance(value, Strategy):
        return _nested(label, value, key)
    items = _item_class(annotation)
    if isinstance(value, tuple | list) and items is not None:
        return _items(label, value, key, items, fewest=_fewest(info))
    if isinstance(value, tuple | list):
        return _values(label, value, key, info)
    options = get_args(annotation) if get_origin(annotation) is not None else ()
    if options and all(isinstance(option, str) for option in options):
        return st.selectbox(label, options, index=options.index(value), key=key, help=info.description)
    if isinstance(value, bool):
        return st.toggle(label, value=value, key=key, help=info.description)
    if type(None) in options and (value is None or isinstance(value, int | float)):
        return _optional_number(label, value, info, key)
    if isinstance(value, int | float):
        low, high = _bounds(info)
        kind = type(value)
        return st.number_input(
            label, value=value, key=key, help=info.description, step=1 if kind is int else 0.05,
            min_value=None if low is None else kind(low), max_value=None if high is None else kind(high),
        )  # fmt: skip
    return st.text_input(label, value=str(value), key=key, help=info.description)


def _model(label: str, value: Any, key: str, owner: BaseModel) -> str | None:
    options = model_options(owner.wants() if isinstance(owner, Strategy) else ())
    kept: str | None = value
    if kept is not None and kept not in options:
        options = [kept, *options]
    chosen: str | None = st.selectbox(
        label, options, index=options.index(kept) if kept is not None else None, key=key, accept_new_options=True,
        placeholder=NO_MODEL, help="Choose one, or write any name such as openai:gpt-5-mini or hf:/folder.",
    )  # fmt: skip
    if chosen is not None and chosen not in options and holds_key(chosen):  # what is returned is stored
        notices.notice("error", "This name looks as if it held a key, so it is not used. Enter keys under Connections.")
        return kept
    reason = next((row.reason for row in state.models() if row.name == chosen and not row.available), "")
    if reason:
        notices.caption(reason)
    return chosen


def _nested(label: str, value: Strategy, key: str) -> dict[str, Any]:
    """A strategy inside another one: its kind, and its own form."""
    kinds = list(strategies())
    current = kind_of(type(value))
    chosen = st.selectbox(
        label, kinds, index=kinds.index(current), key=f"{key}-kind", format_func=lambda kind: strategies()[kind].title
    )
    spec = value.spec() if chosen == current else {"kind": chosen}
    return strategy_form(spec, f"{key}-{chosen}")


def _items(label: str, value: Any, key: str, cls: type[BaseModel], fewest: int) -> list[dict[str, Any]]:
    """A list of small forms, with buttons to add one and to remove one.

    Their widgets are known by place. After adding or removing they get new keys, since what
    they held belongs to other places then.
    """
    one = f"{label[:-3]}y" if label.endswith("ies") else label.removesuffix("s")
    generation = st.session_state.setdefault(f"{key}-generation", 0)
    edited = []
    removed = None
    for at, item in enumerate(value, start=1):
        st.markdown(f"**{one} {at}**")
        place = f"{key}-{generation}-{at}"
        edited.append(
            {
                name: _field(name, info, getattr(item, name), f"{place}-{name}", item)
                for name, info in cls.model_fields.items()
            }
        )
        if len(value) > fewest and st.button(f"Remove {one.lower()} {at}", key=f"{place}-remove"):
            removed = at - 1
    if removed is not None:
        del edited[removed]
        st.session_state[f"{key}-generation"] += 1
    # What has no defaults cannot begin empty; it comes from elsewhere, such as judgments.
    fresh = edited[-1] if edited else _default(cls)
    if fresh is not None and st.button(f"Add {one.lower()}", key=f"{key}-add"):
        edited.append(_renamed(dict(fresh), [item.get("name") for item in edited]))
        st.session_state[f"{key}-generation"] += 1
    return edited


def _renamed(item: dict[str, Any], taken: list[Any]) -> dict[str, Any]:
    """The item with a number behind its name, if it has one that is taken."""
    name, number = item.get("name"), 2
    while "name" in item and item["name"] in taken:
        item["name"] = f"{name} {number}"
        number += 1
    return item


def _default(cls: type[BaseModel]) -> dict[str, Any] | None:
    required = any(info.is_required() for info in cls.model_fields.values())
    return None if required else cls().model_dump(mode="json")


def _values(label: str, value: Any, key: str, info: FieldInfo) -> Any:
    """A list of plain values, written as JSON; what is not JSON goes on as it is and is refused by name."""
    text = st.text_input(label, value=json.dumps(value), key=key, help=info.description)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _optional_number(label: str, value: float | None, info: FieldInfo, key: str) -> float | None:
    """A number that may be none: the box can be emptied, since its value comes through the session's state."""
    low, high = _bounds(info)
    kind = float if float in get_args(info.annotation) else int
    st.session_state.setdefault(key, None if value is None else kind(value))
    found: float | None = st.number_input(
        label, value=None, key=key, help=info.description, step=1 if kind is int else 0.05, placeholder="none",
        min_value=None if low is None else kind(low), max_value=None if high is None else kind(high),
    )  # fmt: skip
    return None if found is None else kind(found)


def _item_class(annotation: Any) -> type[BaseModel] | None:
    for argument in get_args(annotation):
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            return argument
    return None


def _format(owner: BaseModel, name: str) -> str | None:
    schema = type(owner).model_json_schema()["properties"]
    found = schema.get(name, {}).get("format")
    return found if isinstance(found, str) else None


def _fewest(info: FieldInfo) -> int:
    return max((getattr(limit, "min_length", 0) for limit in info.metadata), default=0)


def _bounds(info: FieldInfo) -> tuple[float | None, float | None]:
    low = high = None
    for limit in info.metadata:
        low = getattr(limit, "ge", low) if getattr(limit, "ge", None) is not None else low
        high = getattr(limit, "le", high) if getattr(limit, "le", None) is not None else high
    return low, high
