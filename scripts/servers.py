"""Runs the tests against servers that others wrote: LiteLLM's proxy, and infinity with a small cross-encoder.

Each server gets an environment of its own in .cache/servers, made with the first run; nothing is
installed elsewhere. LiteLLM answers from its configuration: no key is needed, nothing is paid.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from setup import ROOT, cpu_wheels, pins, say

HOME = ROOT / ".cache" / "servers"

SERVERS = {
    "litellm": ["litellm[proxy]==1.105.0"],
    # infinity's last releases need an optimum that still has BetterTransformer, and what that was made for.
    "infinity": [
        "infinity-emb[server,torch]==0.0.77", "transformers==4.48.3", "optimum==1.27.0", "numpy<2", "click<8.2",
        f"torch=={pins()['torch']}",
    ],
}  # fmt: skip
"""Name -> what is installed."""


def main(arguments: list[str]) -> int:
    """Set up what is missing, then run the tests; `arguments` go to pytest."""
    for name, packages in SERVERS.items():
        if not set_up(name, packages):
            print(f"pip could not install {name} (see above). Run the same command again.", file=sys.stderr)
            return 1
    command = [str(ROOT / ".venv" / "bin" / "python"), "-m", "pytest", "-q", "tests/test_servers_of_others.py"]
    environment = {**os.environ, "RERANK_LENS_TEST_SERVERS": str(HOME)}
    return subprocess.run([*command, *arguments], cwd=ROOT, env=environment, check=False).returncode


def set_up(name: str, packages: list[str]) -> bool:
    """Make the environment `name` unless it is there as it should be; whether that worked."""
    folder = HOME / name
    stamp = folder / ".set-up"
    wanted = "\n".join(packages)
    if stamp.exists() and stamp.read_text() == wanted:
        return True
    say(f"Installing {name} in {folder.relative_to(ROOT)}")
    python = Path(sys.executable)
    if subprocess.run([str(python), "-m", "venv", str(folder)], check=False).returncode:
        return False
    page = cpu_wheels() if name == "infinity" else []
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq"]
    if subprocess.run([*pip, *page, *packages], check=False).returncode:
        return False
    stamp.write_text(wanted)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
