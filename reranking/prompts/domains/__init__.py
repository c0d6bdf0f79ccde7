"""Domain contexts: what counts in a field, told to every LLM that judges there.

The TOML files beside this one come with the package; a user's own are in `data/domains`
(`RERANK_LENS_DOMAINS` names another folder). Each has a title, a preamble and priorities.
"""

from __future__ import annotations

import os
import re
import tomllib
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}")


class DomainError(ValueError):
    """There is no domain context of that name, or its file is malformed; the message says which."""


class Domain(BaseModel):
    """What a model should know about a field before it judges relevance there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1, max_length=80, description="The field's name")
    preamble: str = Field("", max_length=4_000, description="Who searches, and for what")
    priorities: tuple[str, ...] = Field((), max_length=12, description="What counts, the most important first")

    @property
    def label(self) -> str:
        """What names of strategies say of it."""
        return self.title

    def text(self) -> str:
        """The context as it stands in a prompt."""
        parts = [f"Domain: {self.title}."]
        if self.preamble.strip():
            parts.append(self.preamble.strip())
        if self.priorities:
            listed = [f"{number}. {priority.strip()}" for number, priority in enumerate(self.priorities, start=1)]
            parts.append("\n".join(["What counts, the most important first:", *listed]))
        return "\n".join(parts)


def domains() -> dict[str, Domain]:
    """All domain contexts by name: those of the package, and the user's own. `problems` tells what is missing."""
    found = {}
    for name in sorted({*_shipped(), *_own()}):
        with suppress(DomainError):
            found[name] = domain(name)
    return found


def problems() -> list[str]:
    """What is wrong with the user's own files, a sentence for each that cannot be used."""
    found = []
    for name in _own():
        try:
            domain(name)
        except DomainError as error:
            found.append(str(error))
    for file in sorted(_folder().glob("*.toml")):
        if not _NAME.fullmatch(file.stem):
            found.append(f"the domain file {file.name} needs a name of lower-case letters, digits, - and _")
    return found


def domain(name: str) -> Domain:
    """The domain context of that name; a user's own file goes before the package's. Raises DomainError."""
    known = sorted({*_shipped(), *_own()})
    if not _NAME.fullmatch(name) or name not in known:
        raise DomainError(f"there is no domain '{name}'; there are {', '.join(known)}")
    file: Any = _folder() / f"{name}.toml" if name in _own() else files(__name__) / f"{name}.toml"
    try:
        return Domain(**tomllib.loads(file.read_text(encoding="utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError, UnicodeDecodeError, TypeError, OSError) as error:
        raise DomainError(f"the domain file {name}.toml cannot be read: {error}") from error


def _shipped() -> list[str]:
    return sorted(Path(item.name).stem for item in files(__name__).iterdir() if item.name.endswith(".toml"))


def _own() -> list[str]:
    return sorted(file.stem for file in _folder().glob("*.toml") if _NAME.fullmatch(file.stem))


def _folder() -> Path:
    return Path(os.environ.get("RERANK_LENS_DOMAINS") or Path("data") / "domains")


def _named(value: Any) -> Any:
    """A name stands for its file, and an empty one for none."""
    if isinstance(value, str):
        return domain(value.strip()) if value.strip() else None
    return value


DomainField = Annotated[Domain | None, BeforeValidator(_named)]
"""A domain context as a parameter: by name, as a mapping, or None. Serialises to its full text."""
