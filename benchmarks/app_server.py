"""The app on a port and a database of its own, a browser in front of it, and a comparison to look at."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT

IDLE = "[data-testid=stApp][data-test-script-state=notRunning]"
RUNNING = "[data-testid=stApp][data-test-script-state=running]"
WORDS = ["harbour", "lantern", "velvet", "marble", "orchid", "copper", "thunder", "meadow", "pillow", "anchor"]


@contextmanager
def serving(database: Path) -> Iterator[str]:
    """Run the app on this database and give its address; end it afterwards.

    Raises RuntimeError if it does not answer within a minute.
    """
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    environment = {**os.environ, "RERANK_LENS_DB": str(database)}
    with database.with_suffix(".log").open("w") as output:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


@contextmanager
def browsing(width: int = 1440, height: int = 1600) -> Iterator[Any]:
    """A page of a browser (Playwright's) in a window of that size."""
    from playwright.sync_api import sync_playwright

    sys.path.insert(0, str(ROOT / "scripts"))
    from browser import find  # type: ignore[import-not-found]

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_page(viewport={"width": width, "height": height})
        browser.close()


def there(page: Any, selector: str, text: str = "") -> None:
    """Wait until something that the CSS selector names is shown, with this text in it; looked for with every frame.

    Playwright's own search pauses for up to half a second between two looks.
    """
    found = """([selector, text]) => [...document.querySelectorAll(selector)].some(
      each => each.checkVisibility() && each.textContent.includes(text))"""
    page.wait_for_function(found, arg=[selector, text])


def painted(page: Any) -> None:
    """Wait until what is there has been painted."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def new_session(database: Path, documents: int, specs: Sequence[dict[str, Any]], *, run: bool) -> str:
    """Store a session with made-up documents and these strategies, on request with a finished comparison."""
    from reranking.documents import Document
    from reranking.jobs import Jobs
    from reranking.providers.registry import Registry
    from reranking.store import open_store
    from reranking.ui.state import Draft, Entry

    texts = (" ".join(WORDS[(at * 7 + step * step) % 10] for step in range(80)) for at in range(documents))
    given = [Document(f"{text} number {at}", title=f"Document {at}") for at, text in enumerate(texts)]
    draft = Draft(query="harbour lantern number 7", shelf=[Entry(spec) for spec in specs])
    draft.load(given, "a benchmark")
    store, registry = open_store(database), Registry()
    session = store.sessions.new(draft.to_json())
    if run:
        jobs = Jobs(store, registry.resolve)
        jobs.wait(jobs.start(session, "comparison", draft.query, given, draft.strategies(), registry.resolve), 120)
    store.close()
    return session


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
