"""How long Compare takes to draw itself again, in a real browser."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.app_server import IDLE, RUNNING, browsing, new_session, painted, serving, there
from benchmarks.harness import Row, benchmark

DOCUMENTS = 100
RERUNS = 9
SPECS: list[dict[str, Any]] = [
    {"kind": "input-order"},
    {"kind": "bm25"},
    {"kind": "bm25", "tokens": "spaces"},
    {"kind": "grade", "model": "simulated:overlap?noise=0.1"},
    {"kind": "yes-no", "model": "simulated:overlap?noise=0.2"},
    {"kind": "listwise", "model": "simulated:overlap?primacy=0.5"},
]


@benchmark("compare")
def compare() -> list[Row]:
    """Seconds from a click until the page with 100 documents and 6 finished strategies is drawn again."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "benchmark.db"
        session = new_session(database, DOCUMENTS, SPECS, run=True)
        with serving(database) as address:
            first, reruns = _measure(f"{address}/?session={session}")
    name = f"Compare with {DOCUMENTS} documents and {len(SPECS)} finished strategies"
    return [
        Row(f"{name}: rerun after a click", statistics.median(reruns), "s", "<= 0.5"),
        Row(f"{name}: opened by its address, first view", first, "s", None),
    ]


def _measure(url: str) -> tuple[float, list[float]]:
    """Seconds until the first full view, and of each rerun until all is drawn."""
    with browsing() as page:
        clock = time.perf_counter()
        page.goto(url)
        there(page, ".rl-columns .rl-title")
        there(page, IDLE)
        first = time.perf_counter() - clock
        page.wait_for_timeout(1000)
        box = page.locator("[data-testid=stSidebar] [data-testid=stCheckbox] label").first
        reruns = []
        for _ in range(RERUNS):
            clock = time.perf_counter()
            box.click()
            there(page, RUNNING)
            there(page, IDLE)
            painted(page)
            reruns.append(time.perf_counter() - clock)
            page.wait_for_timeout(300)
    return first, reruns
