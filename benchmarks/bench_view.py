"""How long the results of Compare take to appear, and to answer what is chosen in them, in a real browser."""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.app_server import IDLE, browsing, new_session, painted, serving, there
from benchmarks.harness import Row, benchmark

DOCUMENTS = 100
ROUNDS = 5
FIRST_VIEW = "<= 1.5"
ANSWER = "<= 0.5"
SPECS: list[dict[str, Any]] = [
    {"kind": "bm25"},
    {"kind": "bm25", "tokens": "spaces", "k1": 3.0},
    {"kind": "grade", "model": "simulated:overlap?noise=0.1"},
    {"kind": "yes-no", "model": "simulated:overlap?noise=0.2"},
    {"kind": "grade-all", "model": "simulated:overlap?noise=0.4"},
    {"kind": "listwise", "model": "simulated:overlap?primacy=0.5"},
    {"kind": "listwise-window", "model": "simulated:overlap?noise=0.3"},
    {"kind": "setwise", "model": "simulated:overlap?noise=0.3"},
]

DRAWN = """points => document.querySelectorAll(".st-key-bump .trace .point").length === points
  && document.querySelectorAll(".st-key-agreement-matrix .hm image").length === 1"""
"""Both charts, with a point for every document in every column, and the matrix's colours."""

Done = Callable[[Any], None]
"""Waits until a page shows what was asked for."""


@benchmark("view")
def view() -> list[Row]:
    """Seconds from the end of the run to the full view, and from each kind of choice until the page shows it.

    The full view has the finding, all charts drawn, the table and the columns. Each figure is a
    median; after "slowest" stands the worst of the rounds.
    """
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "benchmark.db"
        sessions = [new_session(database, DOCUMENTS, SPECS, run=False) for _ in range(ROUNDS)]
        with serving(database) as address, browsing() as page:
            page.set_default_timeout(60_000)
            first = [_first_view(page, f"{address}/?session={session}", database, session) for session in sessions]
            choices = {name: measure(page) for name, measure in CHOICES.items()}
    what = f"Compare with {DOCUMENTS} documents and {len(SPECS)} strategies"
    rows = _rows(f"{what}: results to first full view", first, FIRST_VIEW)
    for name, times in choices.items():
        rows += _rows(f"{what}: {name}", times, ANSWER)
    return rows


def _rows(name: str, times: Sequence[float], target: str) -> list[Row]:
    return [Row(name, statistics.median(times), "s", target), Row(f"{name}, slowest", max(times), "s", None)]


def _first_view(page: Any, url: str, database: Path, session: str) -> float:
    """Seconds between what the store has as the end of the run and the full view."""
    page.goto(url)
    run = page.get_by_role("button", name="Run", exact=False).first
    there(page, IDLE)
    page.wait_for_timeout(500)
    run.click()
    there(page, ".rl-finding")
    there(page, ".rl-prices")
    there(page, ".rl-dispute")
    page.wait_for_function(DRAWN, arg=DOCUMENTS * (len(SPECS) + 1))  # the input has a column too
    there(page, ".rl-columns button.rl-open")
    there(page, IDLE)
    painted(page)
    seen = time.time()
    with sqlite3.connect(database) as connection:
        (finished,) = connection.execute("SELECT finished FROM jobs WHERE session = ?", (session,)).fetchone()
    return seen - float(finished)


def _times(page: Any, steps: Sequence[tuple[Callable[[], None], Done]]) -> list[float]:
    """Seconds of each step: what is done, until the page shows it and has nothing more to draw."""
    found = []
    for act, done in steps:
        page.wait_for_timeout(400)
        clock = time.perf_counter()
        act()
        done(page)
        there(page, IDLE)
        painted(page)
        found.append(time.perf_counter() - clock)
    return found


def _says(text: str) -> Done:
    """Until a remark begins with the text."""
    found = "text => [...document.querySelectorAll('.rl-caption')].some(each => each.textContent.startsWith(text))"
    return lambda page: page.wait_for_function(found, arg=text)


def _there(selector: str, text: str = "") -> Done:
    return lambda page: there(page, selector, text)


def _measures(page: Any) -> list[float]:
    """Another measure of agreement."""
    said = {"RBO": "Rank-biased overlap", "tau": "Kendall's tau-b"}
    buttons = page.locator(".st-key-agreement-by")
    return _times(
        page,
        [
            (buttons.get_by_text(name, exact=True).click, _says(said[name]))
            for name in ("RBO", "tau") * (ROUNDS // 2 + 1)
        ],
    )


def _cuts(page: Any) -> list[float]:
    """Another top-k cut, which the columns, the overlap and the scores follow."""
    more = page.locator(".st-key-cut [data-testid=stNumberInputStepUp]")
    shown = "text => document.querySelector('.st-key-agreement-by').textContent.includes(text)"

    def follows(at: int) -> Done:
        return lambda page: page.wait_for_function(shown, arg=f"top {at}")

    return _times(page, [(more.click, follows(at)) for at in range(11, 11 + ROUNDS)])


def _documents(page: Any) -> list[float]:
    """Another document, whose card opens."""
    buttons = page.locator(".rl-dispute button.rl-open")
    steps = []
    for at in range(ROUNDS):
        button = buttons.nth(at)
        steps.append((button.click, _there(".st-key-document-card .rl-card-title", button.inner_text())))
    times = _times(page, steps)
    page.keyboard.press("Escape")
    page.locator(".st-key-document-card").wait_for(state="detached")
    return times


def _alignments(page: Any) -> list[float]:
    """The columns aligned the other way."""
    buttons = page.locator(".st-key-aligned")
    names = {"by document": ".rl-by-document", "by rank": ".rl-by-rank"}
    order = ("by document", "by rank") * (ROUNDS // 2 + 1)
    return _times(page, [(buttons.get_by_text(name, exact=True).click, _there(names[name])) for name in order])


def _filters(page: Any) -> list[float]:
    """Only the documents that contain a word."""
    if not page.get_by_label("Contains").is_visible():
        page.get_by_text("Filter and sort", exact=True).click()
    box = page.get_by_label("Contains")

    def search(word: str) -> Callable[[], None]:
        def act() -> None:
            box.fill(word)
            box.press("Enter")

        return act

    listed = "title => [...document.querySelectorAll('.rl-columns button.rl-open')].every(at => at.innerText === title)"

    def left(title: str) -> Done:
        return lambda page: page.wait_for_function(listed, arg=title)

    # From 17 on each number is in the text of one document only.
    return _times(page, [(search(f"number {at}"), left(f"Document {at}")) for at in range(17, 17 + ROUNDS)])


CHOICES: dict[str, Callable[[Any], list[float]]] = {
    "agreement by another measure": _measures,
    "another top-k cut": _cuts,
    "a document's card": _documents,
    "columns aligned the other way": _alignments,
    "filtered by a word": _filters,
}
