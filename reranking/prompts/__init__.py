"""Prompt templates: TOML files beside this one, each a `system` and a `user` Jinja template.

A template must use each of its `placeholders`, may use its `optional` ones, and nothing else.
What a user writes instead is held to the same rule.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from reranking.requests import Message

if TYPE_CHECKING:
    from jinja2 import Template


class PromptError(ValueError):
    """A prompt template is malformed; the message says how."""


class Wording(BaseModel):
    """A user's own words for a prompt, in place of the file's; Jinja templates."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str = Field("", max_length=20_000, description="What the model is told about its task")
    user: str = Field(min_length=1, max_length=20_000, description="The question, with its placeholders")

    @property
    def label(self) -> str:
        """What names of strategies say of it."""
        return "own"


@dataclass(frozen=True)
class Prompt:
    """A prompt: what it is for, the placeholders it must and may use, and its two templates."""

    title: str
    placeholders: tuple[str, ...]
    system: str
    user: str
    optional: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise PromptError unless the templates show all placeholders, whatever else they do, and no unknown ones."""
        used: set[str] = set()
        for part, text in (("system", self.system), ("user", self.user)):
            used |= _names(f"{self.title}: {part} part", text)
        unknown = sorted(used - {*self.placeholders, *self.optional})
        if unknown:
            able = _named([*self.placeholders, *self.optional])
            raise PromptError(f"{self.title}: no value for {_named(unknown)}; there are {able}")
        for given in ("given", ""):  # a placeholder must stand outside of what depends on the optional ones
            marks = {name: _Mark(f"\ue000{name}\ue001") for name in self.placeholders}
            values = {name: _Mark(given) for name in self.optional}
            shown = "".join(message.text for message in self.messages(**values, **marks))
            if missing := [name for name, mark in marks.items() if mark not in shown]:
                raise PromptError(f"{self.title}: the prompt must show {_named(missing)}")

    @cached_property
    def _templates(self) -> tuple[Template, Template]:
        return _environment().from_string(self.system), _environment().from_string(self.user)

    def messages(self, **values: Any) -> tuple[Message, ...]:
        """The chat messages with `values` in place. Raises PromptError if one of them is missing."""
        missing = {*self.placeholders, *self.optional} - set(values)
        if missing:
            raise PromptError(f"{self.title}: no value for {_named(sorted(missing))}")
        system, user = (_rendered(self.title, template, values) for template in self._templates)
        return (Message("system", system), Message("user", user))


@cache
def load(name: str) -> Prompt:
    """The prompt in the file `<name>.toml`. Raises PromptError if there is none or it is malformed."""
    file = files(__name__) / f"{name}.toml"
    if not file.is_file():
        raise PromptError(f"there is no prompt '{name}'")
    value = tomllib.loads(file.read_text(encoding="utf-8"))
    optional = tuple(value.get("optional", ()))
    return Prompt(value["title"], tuple(value["placeholders"]), value["system"], value["user"], optional)


@lru_cache(maxsize=64)
def worded(name: str, wording: Wording) -> Prompt:
    """The prompt `name` in the user's own words. Raises PromptError if they break its rule."""
    given = load(name)
    return Prompt(given.title, given.placeholders, wording.system, wording.user, given.optional)


class _Mark(str):
    """Stands for a value while a prompt is tried; a half of it is itself."""

    __slots__ = ()

    def __floordiv__(self, other: object) -> _Mark:
        return self


def _names(where: str, text: str) -> set[str]:
    """The names that a template uses. Raises PromptError if it does more than show values and ask for them.

    Loops, calls and arithmetic are refused: a prompt comes with a shared session, too, and is
    rendered where everybody's work is done.
    """
    from jinja2 import TemplateSyntaxError, nodes

    allowed = (
        nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.If,
        nodes.Not, nodes.And, nodes.Or, nodes.FloorDiv,
    )  # fmt: skip
    names: set[str] = set()
    try:
        left: list[nodes.Node] = [_environment().parse(text)]
        while left:
            node = left.pop()
            if not isinstance(node, allowed):
                what = type(node).__name__.lower()
                raise PromptError(
                    f"{where}, line {node.lineno}: write {{{{ name }}}} or {{% if name %}}; '{what}' is not for prompts"
                )
            if isinstance(node, nodes.Name):
                names.add(node.name)
            left += node.iter_child_nodes()
        _environment().from_string(text)
    except TemplateSyntaxError as error:
        raise PromptError(f"{where}, line {error.lineno}: {error.message}") from error
    except RecursionError as error:
        raise PromptError(f"{where}: there are too many brackets in each other") from error
    return names


def _rendered(title: str, template: Template, values: dict[str, Any]) -> str:
    from jinja2 import TemplateError

    try:
        return template.render(**values).strip()
    except (TemplateError, TypeError, ArithmeticError) as error:  # such as half of a text
        raise PromptError(f"{title}: {error}") from error


def _named(names: list[str]) -> str:
    return ", ".join("{{ " + name + " }}" for name in names)


@cache
def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, trim_blocks=True)
