"""Where the Chromium of the browser tests is.

`python scripts/browser.py` prints its path, and installs one if there is none: with apt-get
where that is possible, else through Playwright. Tests ask `find()`. The environment variable
CHROMIUM names another one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path of a Chromium that starts, or None: CHROMIUM, then the usual names, then Playwright's own."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    installed = (path for name in NAMES if (path := shutil.which(name)) is not None)
    return next((path for path in installed if _starts(path)), None) or _playwrights_own()


def install() -> str | None:
    """Install a Chromium and return its path, or None if that did not succeed. Reports on stderr."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "--yes", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "-qq", *command], env=environment, stdout=sys.stderr, check=False)
        if path := find():
            return path
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], stdout=sys.stderr, check=False)
    return find()


def _starts(path: str) -> bool:
    """Some systems have a script of that name which only says how to install one."""
    return subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if os.path.exists(path) else None


if __name__ == "__main__":
    path = find()
    if path is None:
        print("- Installing Chromium for the browser tests ...", file=sys.stderr, flush=True)
        path = install()
    if path is None:
        sys.exit("No Chromium for the browser tests. Install chromium or google-chrome, or set CHROMIUM to its path.")
    print(path)
