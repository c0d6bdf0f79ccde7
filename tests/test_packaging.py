"""What is shipped, what is pinned, what set-up does, and what an import may load."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import tomllib
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from reranking.charts import palette
from scripts import pins, setup

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
PINNED = {canonicalize_name(name): version for name, version in setup.pins().items()}

HEAVY = ("torch", "transformers", "sentence_transformers", "openai", "anthropic", "streamlit")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        yield archive


def tracked(folder: str, pattern: str) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / folder).glob(pattern)) if path.is_file()]


def test_the_wheel_carries_the_app_with_its_pages_settings_and_examples(wheel):
    shipped = [".streamlit/config.toml", "app.py", *tracked("pages", "*.py"), *tracked("data/examples", "*.json")]
    for name in shipped:
        assert wheel.read(f"reranking/_app/{name}") == (ROOT / name).read_bytes(), name


def test_the_wheel_carries_every_module_and_data_file_of_the_package(wheel):
    assert tracked("reranking/prompts", "*.toml")
    wanted = {name for name in tracked("reranking", "**/*") if "__pycache__" not in name}
    assert sorted(wanted - set(wheel.namelist())) == []


def test_the_wheel_carries_nothing_local(wheel):
    local = re.compile(r"__pycache__|\.pyc$|\.db(-|$)|secrets\.toml")
    assert [name for name in wheel.namelist() if local.search(name)] == []


def test_the_wheel_carries_the_licence(wheel):
    text = next(wheel.read(name).decode() for name in wheel.namelist() if name.endswith("licenses/LICENSE"))
    assert text == (ROOT / "LICENSE").read_text()
    for part in ("Apache License", "Version 2.0, January 2004", "9. Accepting Warranty", "END OF TERMS AND CONDITIONS"):
        assert part in text
    assert PROJECT["license"] == "Apache-2.0"


def test_importing_the_package_loads_no_model_library_and_no_streamlit():
    code = f"import sys, reranking; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "line", [*PROJECT["dependencies"], *(item for extra in PROJECT["optional-dependencies"].values() for item in extra)]
)
def test_every_named_dependency_is_pinned_within_its_bounds(line):
    requirement = Requirement(line)
    assert requirement.specifier.contains(PINNED[canonicalize_name(requirement.name)])


def test_everything_that_set_up_installs_is_pinned():
    assert sorted(set(pins.closure()) - set(PINNED)) == []


def test_pins_are_exact_and_name_no_build():
    lines = [line for line in setup.CONSTRAINTS.read_text().splitlines() if not line.startswith("#")]
    for line in lines:
        _, version = line.split("==")
        assert Version(version).local is None, line


def test_no_pinned_package_is_under_the_gpl():
    found = []
    for name in pins.closure():
        about = metadata(name)
        licences = [about.get("License-Expression") or "", *(about.get_all("Classifier") or [])]
        # The old free-text field may hold a whole licence; its first line names it.
        licences += (about.get("License") or "").splitlines()[:1]
        if any(re.search(r"\bA?GPL|GNU (Affero )?General Public", text) for text in licences):
            found.append(name)
    assert found == []


def test_the_server_is_for_this_machine_only():
    server = CONFIG["server"]
    assert (server["address"], server["allowedHosts"]) == ("127.0.0.1", ["localhost", "127.0.0.1"])
    assert server["showEmailPrompt"] is False
    assert CONFIG["browser"]["gatherUsageStats"] is False


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_theme_uses_the_colours_of_the_charts(mode):
    dark = mode == "dark"
    theme = CONFIG["theme"][mode]
    assert theme["chartCategoricalColors"] == [palette.colour(at, dark) for at in range(8)]
    assert theme["chartSequentialColors"] == [palette.at(palette.sequential(dark), at / 9) for at in range(10)]
    assert theme["chartDivergingColors"] == [palette.at(palette.diverging(dark), at / 9) for at in range(10)]
    assert theme["backgroundColor"] == palette.background(dark)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_links_and_button_labels_meet_wcag_aa(mode):
    theme = CONFIG["theme"][mode]
    for surface in ("backgroundColor", "secondaryBackgroundColor"):
        assert contrast(theme["textColor"], theme[surface]) >= 4.5
        assert contrast(theme["linkColor"], theme[surface]) >= 4.5
    assert contrast("#FFFFFF", theme["primaryColor"]) >= 4.5


@pytest.fixture(scope="module")
def fresh_venv(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fresh") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def made(tmp_path, monkeypatch, fresh_venv):
    """A project folder of its own, whose set-up notes installations instead of making them; the list of these."""
    for name in ("pyproject.toml", "constraints.txt"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(setup, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(setup, "CONSTRAINTS", tmp_path / "constraints.txt")
    monkeypatch.setattr(setup, "cpu_wheels", list)
    monkeypatch.setattr(setup, "_create_venv", lambda: shutil.copytree(fresh_venv, setup.VENV, symlinks=True))
    steps: list[str] = []
    monkeypatch.setattr(setup, "pip", lambda what, *arguments: steps.append(what))
    return steps


def test_a_current_set_up_installs_nothing_again(made):
    assert setup.main("dev") == 0
    assert made
    made.clear()
    assert setup.main("dev") == setup.main("app") == 0
    assert made == []


def test_a_set_up_for_the_app_is_not_enough_for_the_checks(made):
    setup.main("app")
    made.clear()
    setup.main("dev")
    assert made


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_dependency_file_sets_up_again(made, tmp_path, name):
    setup.main("app")
    made.clear()
    with (tmp_path / name).open("a") as file:
        file.write("# changed\n")
    setup.main("app")
    assert made


def test_a_set_up_that_failed_goes_on_where_it_stopped(made, monkeypatch, capsys):
    def no_network(what: str, *arguments: str) -> None:
        raise setup.SetupError(f"pip could not install {what}")

    working = setup.pip
    monkeypatch.setattr(setup, "pip", no_network)
    assert setup.main("app") == 1
    assert "pip could not install" in capsys.readouterr().err
    monkeypatch.setattr(setup, "pip", working)
    assert setup.main("app") == 0
    assert "Creating .venv" not in capsys.readouterr().out
    assert made


def test_a_package_cut_short_while_installing_is_installed_again(made, tmp_path):
    setup.main("app")
    site = next((tmp_path / ".venv").glob("lib/python*/site-packages"))
    whole, half = site / "whole-1.0.dist-info", site / "half-1.0.dist-info"
    for folder in (whole, half):
        folder.mkdir()
        (folder / "METADATA").write_text("Name: x\n")
    (whole / "RECORD").write_text("")
    setup.set_up("app")
    assert whole.exists()
    assert not half.exists()


def test_a_page_that_does_not_answer_is_given_up_on():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert not setup.answers(f"http://127.0.0.1:{silent.getsockname()[1]}/", 0.2)
    assert not setup.answers("http://no-such-host.invalid/", 0.2)


def test_a_page_that_answers_is_used():
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert setup.answers(f"http://127.0.0.1:{server.server_port}/", 10)
        server.shutdown()


def test_make_says_what_to_do_where_python_is_too_old(tmp_path):
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for name in ("python3.11", "python3.12", "python3.13"):
        (tmp_path / name).symlink_to(old)
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["make", "run"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr
