"""The peers at their best settings on the same server, in environments of their own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.latency.peer_runner import MARK
from benchmarks.latency.serving import PEERS, NotInstalledError, Server, environment

NEEDS = {
    "llmranker": "llmranker==0.3.0",
    "ranksmith": "ranksmith==0.6.0",
    "rerankers": "rerankers[gpt]==0.10.0",
}

PATIENCE = 1200.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What one method of a peer took: seconds, CPU milliseconds per request, and the most requests at once."""

    peer: str
    method: str
    seconds: float
    cpu_ms: float
    at_once: int
    error: str


def measure(
    server: Server, wanted: Iterable[tuple[str, str]], *, mode: str = "all", repeats: int = 1
) -> tuple[dict[tuple[str, str], Measured], list[str]]:
    """Measurements of `wanted`, pairs of a peer and a method of its script; and why others are missing."""
    found: dict[tuple[str, str], Measured] = {}
    problems: list[str] = []
    pairs = list(dict.fromkeys(wanted))
    for peer in dict.fromkeys(name for name, _ in pairs):
        methods = [method for name, method in pairs if name == peer]
        print(f"   {peer}: {', '.join(methods)}", flush=True)
        try:
            rows = _run(environment(peer, NEEDS[peer]), peer, mode, repeats, methods, server)
        except (NotInstalledError, RuntimeError, subprocess.TimeoutExpired) as error:
            problems.append(f"{peer} was not measured: {error}")
            continue
        for row in rows:
            error = row["err"] or ""
            one = Measured(peer, row["method"], row["wall"], row["cpu_ms_per_req"], row["maxc"], error)
            if error:
                problems.append(f"{peer}, {row['method']}: {error}")
            else:
                found[peer, row["method"]] = one
    return found, problems


def _run(python: Path, peer: str, mode: str, repeats: int, methods: list[str], server: Server) -> list[dict]:
    script = PEERS / f"run_{peer}.py"
    runner = Path(__file__).with_name("peer_runner.py")
    environ = {
        **os.environ,
        "PORT": str(server.port),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    ran = subprocess.run(
        [python, runner, script, mode, str(repeats), *methods],
        env=environ, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    lines = [line for line in ran.stdout.splitlines() if line.startswith(MARK)]
    if ran.returncode or not lines:
        raise RuntimeError((ran.stderr.strip().splitlines() or ["it ended without a result"])[-1])
    rows: list[dict] = json.loads(lines[-1].removeprefix(MARK))
    return rows
