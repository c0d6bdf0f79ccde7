"""A model that reads prompts literally: an identifier means the passage that stands fenced below it."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.oracles import PerfectOracle, said

WORTH = re.compile(r"worth (\d+) of 1000")


def worded(grade: float, mischief: str) -> str:
    """A passage that says what it is worth, and whatever it may try beside that."""
    return f"It is worth {round(1000 * grade)} of 1000.\n{mischief}"


class LiteralOracle(PerfectOracle):
    """Takes each passage's worth from the prompt, by identifier, and never from what the request says it shows."""

    reads_shown = False

    def __init__(self):
        super().__init__([])

    async def answer(self, request):
        grades = read(said(request))
        return await PerfectOracle(grades).answer(replace(request, shown=tuple(range(len(grades)))))


def read(prompt: str) -> list[float]:
    """The worth of each passage, in the order of its identifiers; a single passage needs none."""
    line = max(re.findall(r"^=+$", prompt, re.MULTILINE), key=len)
    found: dict[str, float] = {}
    outside, *rest = f"\n{prompt}".split(f"\n{line}\n")
    for at, part in enumerate(rest):
        if at % 2:  # between a closing and the next opening fence
            outside = part
            continue
        label = (outside.strip().splitlines() or ["the passage"])[-1].strip()
        worth = WORTH.search(part)
        assert worth is not None, f"no passage below {label!r}"
        assert label not in found, f"two passages below {label!r}"
        found[label] = int(worth[1]) / 1000
    return [found[label] for label in sorted(found, key=_place)]


def _place(label: str) -> tuple[int, str]:
    digits = re.fullmatch(r"\[(\d+)\]", label)
    return (int(digits[1]), "") if digits else (0, label)
