"""How long a person waits: importing the library, and the server from start to answering."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from benchmarks.harness import ROOT, Row, benchmark, median_of

IMPORT = "import time; start = time.perf_counter(); import reranking; print(time.perf_counter() - start)"
PATIENCE = 60.0


@benchmark("start")
def start() -> list[Row]:
    """Seconds to import `reranking` and until the server answers, with compiled bytecode in place."""
    import_seconds()
    return [
        Row("import reranking", median_of(5, import_seconds), "s", "<= 0.5"),
        Row("server answers after start", median_of(3, server_seconds), "s", "<= 2"),
    ]


def import_seconds() -> float:
    """Seconds that `import reranking` takes in a fresh process."""
    done = subprocess.run([sys.executable, "-c", IMPORT], cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


def server_seconds() -> float:
    """Seconds from starting `streamlit run app.py` until its health page answers. Raises RuntimeError."""
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", f"--server.port={port}", "--server.headless=true"]
    clock = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "RERANK_LENS_DB": str(Path(folder) / "benchmark.db")}
        log = Path(folder) / "server.log"
        with log.open("w") as output:
            server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        try:
            while not _healthy(port):
                if server.poll() is not None or time.perf_counter() - clock > PATIENCE:
                    raise RuntimeError(f"the server ended or did not answer within {PATIENCE:.0f} s: {log.read_text()}")
                time.sleep(0.02)
            return time.perf_counter() - clock
        finally:
            server.terminate()
            server.wait()


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
