"""Runs one of the peers' scripts, but only the named methods of it; prints what it measured as JSON.

Run as `python peer_runner.py SCRIPT MODE REPEATS METHOD ...` in the peer's environment, with PORT set.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

MARK = "MEASURED "


def main(script: str, mode: str, repeats: int, methods: list[str]) -> None:
    """Run `script`, whose `bench` measures `methods` that many times and passes over the others."""
    sys.path.insert(0, str(Path(script).parent))
    import common

    whole = common.bench

    def bench(package, method, n, fn, lat=None, reps=None, note=""):
        if method in methods:
            whole(package, method, n, fn, lat=lat, reps=repeats, note=note)

    common.bench = bench
    common.save = lambda name: None
    sys.argv = [script, mode]
    runpy.run_path(script, run_name="__main__")
    print(MARK + json.dumps(common.RESULTS))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:])
