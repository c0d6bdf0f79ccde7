"""A real server on a database of its own, and a real Chromium."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
SHOTS = Path(__file__).parent / "screenshots"


class Server:
    """The app as its command starts it: no keys, and no way to a model hub."""

    def __init__(self, database, folder):
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.endswith("_API_KEY")},
            "RERANK_LENS_DB": str(database),
            "HF_HUB_OFFLINE": "1",
            "HOME": str(folder),
        }
        self.process = None
        self.log = folder / "server.log"

    def start(self):
        program = Path(sys.executable).with_name("rerank-lens")
        command = [program, "app", "--port", str(self.port), "--server.headless", "true"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdout=self.log.open("a"), stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1):
                    return self
            except OSError:
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.1)

    def stop(self, number=15):
        """Stop it, all its processes at once; 9 kills it in the middle of whatever it does."""
        os.killpg(self.process.pid, number)
        self.process.wait(20)
        deadline = time.monotonic() + 20
        while self._is_listening():
            assert time.monotonic() < deadline, "the server did not stop"
            time.sleep(0.1)

    def _is_listening(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@pytest.fixture
def server(tmp_path):
    running = Server(tmp_path / "browser.db", tmp_path).start()
    yield running
    if running.process.poll() is None:
        running.stop()


@pytest.fixture(scope="module")  # while Playwright is open its event loop counts as running, for all other tests too
def chromium():
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (extra dev)")
    sys.path.insert(0, str(ROOT / "scripts"))
    from browser import find

    path = find()
    if path is None:
        pytest.skip("no Chromium: python scripts/browser.py installs one")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1440, "height": 1600})
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def idle(page):
    """Wait until the screen is drawn: until then buttons move, and a click may land beside them."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")
    page.wait_for_timeout(500)


def shot(page, name):
    """A screenshot for people to look at."""
    SHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")
