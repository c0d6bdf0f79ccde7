"""Runs every check, also after one failed, and says at the end which failed.

`python scripts/check.py` checks format, lint, types and layers; `--tests` runs pytest, too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

CHECKS = {
    "ruff format": ["ruff", "format", "--check", "--quiet", "."],
    "ruff check": ["ruff", "check", "--quiet", "."],
    "mypy": ["mypy"],
    "lint-imports": ["lint-imports"],
}


def main(tests: bool) -> int:
    """Run the checks, and the tests if asked for; 0 if all passed, else 1."""
    failed = [name for name, command in CHECKS.items() if not passes(name, [str(BIN / command[0]), *command[1:]])]
    if tests:
        browser = subprocess.run([sys.executable, "scripts/browser.py"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        if browser.returncode:
            failed.append("Chromium")
        if not passes("pytest", [sys.executable, "-m", "pytest"], CHROMIUM=browser.stdout.strip()):
            failed.append("pytest")
    print(f"\nFailed: {', '.join(failed)}." if failed else "\nAll checks passed.")
    return 1 if failed else 0


def passes(name: str, command: list[str], **environment: str) -> bool:
    """Run one check with its output shown; True if it exited with 0."""
    print(f"\n== {name}", flush=True)
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main("--tests" in sys.argv[1:]))
