"""Writes the measured figures into the README: `python scripts/figures.py`."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAD = "| | measured | target |\n| --- | --- | --- |\n"


def main() -> None:
    """Replace the table under "Measured" by the rows that have a target."""
    rows = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    lines = "".join(
        f"| {row['name']} | {row['value']:g} {row['unit']} | {_words(row['target'])} {row['unit']} |\n"
        for row in rows
        if row["target"] is not None
    )
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(re.sub(re.escape(HEAD) + r"(?:\|.*\n|<!--.*\n)*", lambda _: HEAD + lines, text), encoding="utf-8")


def _words(target: str) -> str:
    return target.replace("<=", "at most").replace(">=", "at least")


if __name__ == "__main__":
    main()
