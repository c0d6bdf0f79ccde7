"""How long Compare takes to draw itself again, in a real browser."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT, Row, benchmark

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
WORDS = ["harbour", "lantern", "velvet", "marble", "orchid", "copper", "thunder", "meadow", "pillow", "anchor"]


@benchmark("compare")
def compare() -> list[Row]:
    """Seconds from a click until the page with 100 documents and 6 finished strategies is drawn again."""
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "benchmark.db"
        session = _finished_session(database)
        port = _free_port()
        command = [
            sys.executable,
            "-m",
            "streamlit",
            "run",
            "app.py",
            f"--server.port={port}",
            "--server.headless=true",
        ]
        log = Path(folder) / "server.log"
        with log.open("w") as output:
            server = subprocess.Popen(
                command, cwd=ROOT, env={**os.environ, "RERANK_LENS_DB": str(database)}, stdout=output, stderr=output
            )
        try:
            _wait_for(port)
            first, reruns = _measure(f"http://127.0.0.1:{port}/?session={session}")
        finally:
            server.terminate()
            server.wait()
    name = f"Compare with {DOCUMENTS} documents and {len(SPECS)} finished strategies"
    return [
        Row(f"{name}: rerun after a click", statistics.median(reruns), "s", "<= 0.5"),
        Row(f"{name}: opened by its address, first view", first, "s", None),
    ]


def _finished_session(database: Path) -> str:
    from reranking.documents import Document
    from reranking.jobs import Jobs
    from reranking.providers.registry import Registry
    from reranking.store import open_store
    from reranking.ui.state import Draft, Entry

    texts = (" ".join(WORDS[(at * 7 + step * step) % 10] for step in range(80)) for at in range(DOCUMENTS))
    documents = [Document(f"{text} number {at}", title=f"Document {at}") for at, text in enumerate(texts)]
    draft = Draft(query="harbour lantern number 7", shelf=[Entry(spec) for spec in SPECS])
    draft.load(documents, "a benchmark")
    store, registry = open_store(database), Registry()
    session = store.sessions.new(draft.to_json())
    jobs = Jobs(store, registry.resolve)
    jobs.wait(jobs.start(session, "comparison", draft.query, documents, draft.strategies(), registry.resolve), 120)
    store.close()
    return session


def _measure(url: str) -> tuple[float, list[float]]:
    """Seconds until the first full view, and of each rerun until all is drawn."""
    from playwright.sync_api import sync_playwright

    sys.path.insert(0, str(ROOT / "scripts"))
    from browser import find  # type: ignore[import-not-found]

    idle = "[data-testid=stApp][data-test-script-state=notRunning]"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 1600})
        clock = time.perf_counter()
        page.goto(url)
        page.wait_for_selector(".rl-columns .rl-doc")
        page.wait_for_selector(idle)
        first = time.perf_counter() - clock
        page.wait_for_timeout(1000)
        box = page.locator("[data-testid=stSidebar] [data-testid=stCheckbox] label").first
        reruns = []
        for _ in range(RERUNS):
            clock = time.perf_counter()
            box.click()
            page.wait_for_selector("[data-testid=stApp][data-test-script-state=running]", timeout=5000)
            page.wait_for_selector(idle)
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            reruns.append(time.perf_counter() - clock)
            page.wait_for_timeout(300)
        browser.close()
    return first, reruns


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not answer within 60 s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
