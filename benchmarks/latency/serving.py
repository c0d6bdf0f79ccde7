"""Environments of other people's packages, and the server that is asked."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT

PEERS = ROOT.parent / "shared" / "peers"
"""The server and the peers' scripts; not part of the product."""

CACHE = ROOT / ".cache" / "latency"
SERVER_NEEDS = "aiohttp>=3.10,<4"
PATIENCE = 30.0


class NotInstalledError(RuntimeError):
    """A package could not be installed; the message says which and why."""


def environment(name: str, needs: str) -> Path:
    """The Python of an environment that has the package `needs`; it is made on first use.

    Raises NotInstalledError.
    """
    folder = CACHE / name
    python, done = folder / "bin" / "python", folder / "installed.txt"
    if done.exists() and done.read_text(encoding="utf-8") == needs:
        return python
    print(f"   installing {needs} in {folder.relative_to(ROOT)}", flush=True)
    for command in ([sys.executable, "-m", "venv", folder], [python, "-m", "pip", "install", "-q", needs]):
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            last = (ran.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise NotInstalledError(f"{needs} cannot be installed: {last}")
    done.write_text(needs, encoding="utf-8")
    return python


class Server:
    """The running server: its address and what it has seen."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}/v1"

    def reset(self, latency: float) -> None:
        """Forget all requests, and answer each after `latency` seconds from now on."""
        self._call("/_reset", {"latency": latency})

    def stats(self) -> dict[str, Any]:
        """Requests since the reset, the most at once, and more."""
        return self._call("/_stats", None)

    def _call(self, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            found: dict[str, Any] = json.load(reply)
        return found


@contextmanager
def serving(latency: float) -> Iterator[Server]:
    """The server, for as long as the block lasts.

    Raises FileNotFoundError without the peers' folder, NotInstalledError without aiohttp, and
    RuntimeError if the server does not start.
    """
    if not (PEERS / "server.py").is_file():
        raise FileNotFoundError(f"There is no server at {PEERS}; this benchmark needs it.")
    python = environment("server", SERVER_NEEDS)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        server = Server(int(probe.getsockname()[1]))
    log = CACHE / "server.log"
    with log.open("w") as output:
        script = Path(__file__).with_name("server.py")
        command = [python, script, str(server.port), str(latency), PEERS]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _wait_for(server, process, log)
        yield server
    finally:
        process.terminate()
        process.wait()


def _wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    clock = time.perf_counter()
    while process.poll() is None and time.perf_counter() - clock < PATIENCE:
        try:
            server.stats()
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"The server did not start: {log.read_text()}")
