"""Prompt templates: TOML files beside this one, each a `system` and a `user` Jinja template.

A template may use only the placeholders that it declares, and must use each of them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from reranking.requests import Message

if TYPE_CHECKING:
    from jinja2 import Template


class PromptError(ValueError):
    """A prompt template is malformed; the message says how."""


@dataclass(frozen=True)
class Prompt:
    """A prompt: what it is for, the placeholders it must use, and its two templates."""

    title: str
    placeholders: tuple[str, ...]
    system: str
    user: str

    def __post_init__(self) -> None:
        """Raise PromptError unless the templates use exactly the declared placeholders."""
        from jinja2 import TemplateSyntaxError, meta

        try:
            used = set().union(
                *(meta.find_undeclared_variables(_environment().parse(text)) for text in (self.system, self.user))
            )
        except TemplateSyntaxError as error:
            raise PromptError(f"{self.title}: line {error.lineno}: {error.message}") from error
        if used != set(self.placeholders):
            wrong = ", ".join(sorted(used ^ set(self.placeholders)))
            raise PromptError(f"{self.title}: placeholders missing or unknown: {wrong}")

    @cached_property
    def _templates(self) -> tuple[Template, Template]:
        return _environment().from_string(self.system), _environment().from_string(self.user)

    def messages(self, **values: Any) -> tuple[Message, ...]:
        """The chat messages with `values` in place. Raises PromptError if one is missing."""
        missing = set(self.placeholders) - set(values)
        if missing:
            raise PromptError(f"{self.title}: no value for {', '.join(sorted(missing))}")
        system, user = (template.render(**values).strip() for template in self._templates)
        return (Message("system", system), Message("user", user))


@cache
def load(name: str) -> Prompt:
    """The prompt in the file `<name>.toml`. Raises PromptError if there is none or it is malformed."""
    file = files(__name__) / f"{name}.toml"
    if not file.is_file():
        raise PromptError(f"there is no prompt '{name}'")
    value = tomllib.loads(file.read_text(encoding="utf-8"))
    return Prompt(value["title"], tuple(value["placeholders"]), value["system"], value["user"])


@cache
def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, trim_blocks=True)
