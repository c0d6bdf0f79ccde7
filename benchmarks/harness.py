"""Rows, targets, and the file of results.

A benchmark is a function in a `benchmarks/bench_*.py`, marked with `@benchmark("name")`, that
returns rows. Whether a row meets its target is computed, never stated.
"""

from __future__ import annotations

import importlib
import json
import operator
import os
import pkgutil
import platform
import re
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results.json"

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure. `target` reads like `<= 0.5`; `peers` are others' figures in the same unit.

    Raises ValueError for a target that cannot be read.
    """

    name: str
    value: float
    unit: str
    target: str | None = None
    peers: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.target is not None:
            parse_target(self.target)

    @property
    def holds(self) -> bool | None:
        """Whether the value meets the target; None without a target."""
        if self.target is None:
            return None
        compare, bound = parse_target(self.target)
        return compare(self.value, bound)


Measure = Callable[[], Iterable[Row]]

_benchmarks: dict[str, Measure] = {}


def benchmark(name: str) -> Callable[[Measure], Measure]:
    """Register a function that measures and returns its rows. Raises ValueError for a name that is taken."""

    def register(measure: Measure) -> Measure:
        if name in _benchmarks:
            raise ValueError(f"there are two benchmarks named '{name}'")
        _benchmarks[name] = measure
        return measure

    return register


def discover() -> dict[str, Measure]:
    """All benchmarks by name, from every `benchmarks/bench_*.py`."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name.startswith("bench_"):
            importlib.import_module(f"benchmarks.{module.name}")
    return dict(_benchmarks)


def parse_target(text: str) -> tuple[Callable[[float, float], bool], float]:
    """The comparison and the bound of a target such as `<= 0.5`. Raises ValueError if it is none."""
    found = re.fullmatch(r"\s*(<=|>=|<|>|==)\s*([-+]?\d+(?:\.\d+)?)\s*", text)
    if found is None:
        raise ValueError(f"a target reads like '<= 0.5', not '{text}'")
    return COMPARISONS[found.group(1)], float(found.group(2))


def median_of(times: int, measure: Callable[[], float]) -> float:
    """The median of `times` measurements, in their unit."""
    return statistics.median(measure() for _ in range(times))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "os": _os(),
    }


def keep(benchmark_name: str, row: Row, path: Path = RESULTS) -> None:
    """Put one row into the file of results, in the place of an older one of that name.

    So what was measured is there, though the benchmark may never come to its end.
    """
    rows = read(path)
    new = _stored(benchmark_name, row)
    at = next((at for at, old in enumerate(rows) if _is_same(old, new)), None)
    _write(path, [*rows, new] if at is None else [*rows[:at], new, *rows[at + 1 :]])


def merge(benchmark_name: str, rows: Iterable[Row], path: Path = RESULTS) -> None:
    """Replace all rows of the benchmark in the file of results; those of other benchmarks stay."""
    kept = [row for row in read(path) if row["benchmark"] != benchmark_name]
    _write(path, kept + [_stored(benchmark_name, row) for row in rows])


def _stored(benchmark_name: str, row: Row) -> dict[str, Any]:
    today = datetime.now(UTC).date().isoformat()
    return {"benchmark": benchmark_name, **as_json(row), "machine": machine(), "date": today}


def _is_same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return (old["benchmark"], old["name"]) == (new["benchmark"], new["name"])


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    text = json.dumps(sorted(rows, key=lambda row: row["benchmark"]), indent=2, ensure_ascii=False)
    new = path.with_suffix(".new")
    new.write_text(text + "\n", encoding="utf-8")
    new.replace(path)  # whole or not at all


def read(path: Path = RESULTS) -> list[dict[str, Any]]:
    """The rows in the file of results; none if there is no file."""
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return found


def as_json(row: Row) -> dict[str, Any]:
    """A row as JSON-able values, with whether its target holds. Figures keep four significant digits."""
    return {
        "name": row.name,
        "value": _rounded(row.value),
        "unit": row.unit,
        "target": row.target,
        "holds": row.holds,
        "peers": {name: _rounded(value) for name, value in row.peers.items()},
    }


def table(rows: Iterable[Row]) -> str:
    """The rows as lines of text in columns."""
    cells = [("figure", "value", "target", "", "peers")]
    for row in rows:
        verdict = {True: "holds", False: "MISSED", None: ""}[row.holds]
        peers = ", ".join(f"{name} {_rounded(value):g}" for name, value in row.peers.items())
        cells.append((row.name, f"{_rounded(row.value):g} {row.unit}", row.target or "", verdict, peers))
    widths = [max(len(line[at]) for line in cells) for at in range(len(cells[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _cpu() -> str:
    """The processor's model; the architecture where the system does not tell it."""
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def _os() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"
