"""Which of a record's fields is the text, the id, the title and the query; the rest is metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

Role = Literal["text", "id", "title", "query"]
ROLES: tuple[Role, ...] = get_args(Role)

NAMES: Mapping[Role, tuple[str, ...]] = {
    "text": ("text", "content", "contents", "page_content", "body", "passage", "document", "segment"),
    "id": ("id", "_id", "docid", "doc_id"),
    "title": ("title",),
    "query": ("query",),
}
"""Field names by role, best first; upper and lower case are the same."""

Columns = Mapping[Role, str | None]
"""The user's choice of a field per role; None means that no field has it. Other roles are guessed."""


def guess(fields: Iterable[str], chosen: Columns | None = None) -> dict[Role, str]:
    """The field of each role that has one: the chosen field if it is there, else the best known name."""
    present = {field.strip().casefold(): field for field in reversed(list(fields))}
    roles: dict[Role, str] = {}
    for role in ROLES:
        names: tuple[str, ...] = NAMES[role]
        if chosen is not None and role in chosen:
            name = chosen[role]
            names = () if name is None else (name.strip().casefold(),)
        for name in names:
            if name in present:
                roles[role] = present[name]
                break
    return roles


def accepted(role: Role, chosen: Columns | None = None) -> str:
    """The names that `guess` looks for, as a phrase."""
    if chosen is not None and chosen.get(role):
        return f"'{chosen[role]}'"
    *rest, last = (f"'{name}'" for name in NAMES[role])
    return f"{', '.join(rest)} or {last}" if rest else last
