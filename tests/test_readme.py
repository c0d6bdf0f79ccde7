"""The README tells the truth: its example runs, and its figures are the measured ones."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_example_runs_as_written(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) == 5
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == "water ['complete', 'complete']\n"


def test_every_figure_is_one_of_the_results():
    rows = {row["name"]: row for row in json.loads((ROOT / "benchmarks" / "results.json").read_text())}
    table = README.split("## Measured", 1)[1].split("## Development", 1)[0]
    shown = re.findall(r"^\| (.+?) \| ([\d.,]+) (\S+) \| (.+?) \|$", table, re.MULTILINE)
    assert shown
    for name, value, unit, target in shown:
        row = rows[name]
        assert (float(value.replace(",", "")), unit) == (row["value"], row["unit"])
        assert target == (row["target"].replace("<= ", "at most ").replace(">= ", "at least ") + f" {unit}")


def test_every_strategy_and_provider_is_named():
    from reranking.providers.registry import MODULES
    from reranking.strategies.catalogue import strategies

    for prefix in MODULES:
        assert f"`{prefix}:" in README or f"{prefix}:" in README
    for cls in strategies().values():
        assert cls.title.split(",")[0].split(" bi-")[0].lower() in README.lower()
