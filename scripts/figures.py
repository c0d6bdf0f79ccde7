"""Writes the measured figures into the README, docs/noveleval.md and docs/latency.md: `python scripts/figures.py`."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from reranking.wording import listed

ROOT = Path(__file__).resolve().parent.parent
IN_README = ("compare", "view", "engine", "start", "embedded", "overhead")
HEAD = "| | measured | target |\n| --- | --- | --- |\n"


NOVELEVAL = (
    "# Every strategy that runs offline, on NovelEval\n"
    "\n"
    "Written by `make bench ONLY=noveleval`. NovelEval-2306 has 21 queries with 20 judged passages each; "
    "nDCG is in %, with linear gain, ties counted as the mean over their orders. The passages are "
    "shuffled first (seed 20), so that what keeps its input gains nothing by it; a search engine's order,"
    " in which the data comes, has 64.29 / 58.24 / 65.03. LLM strategies ask `embedded:smollm2`, a model "
    "of 135 million parameters, and show it the first 60 words of a passage: it is weak, and a strategy's"
    " place in this table says little about its place with a strong model. Many of its figures are near "
    'those of the shuffled input, which is chance. "Ranked" counts the queries with a usable ranking, '
    'over which the means are taken, "whole" those without a lost reply. Seconds are those that the model'
    " needs for one query on the machine named in `benchmarks/results.json`.\n"
    "\n"
    "| strategy | nDCG@1 | nDCG@5 | nDCG@10 | requests | seconds | ranked | whole |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
)
LATENCY = (
    "# Every LLM method on a fixed clock\n\n"
    "Written by `make bench ONLY=latency`: a server that is always right and always takes 100 ms, 16 requests at "
    "once. The limit is the larger of the dependent steps and a sixteenth of the requests, times 100 ms. Medians of "
    "several lists, peers of one; a peer's figure is for its nearest method, at its best settings. Known steps are "
    "what a method's definition comes to or, where that hangs on the answers, what the best schedule took that is "
    "known from elsewhere. The limit leaves no time for the client's own work; at most {asked:g} times the limit is "
    "asked. "
    "The cores are kept awake, by idle-priority loops; where other work shares the machine, real-time priority "
    "(`chrt -r 5`) keeps it out. A second column has ours on cores that fall asleep whenever a client waits: "
    "{asleep}.\n\n"
    "| method | seconds | of the limit | falling asleep | steps | known | requests | peers, seconds |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n"
)
ASLEEP = "of the limit, on cores that fall asleep"
STEPS = ("seconds", "of the limit", ASLEEP, "dependent steps", "known", "requests")
FIGURES = ("nDCG@1", "nDCG@5", "nDCG@10", "requests", "seconds", "queries ranked", "queries without a lost reply")


def main() -> None:
    """Replace the tables by what was measured."""
    rows = json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))
    _write_readme([row for row in rows if row["target"] is not None and row["benchmark"] in IN_README])
    _write_noveleval([row for row in rows if row["benchmark"] == "noveleval"])
    _write_latency([row for row in rows if row["benchmark"] == "latency"])


def _write_latency(rows: list[dict[str, Any]]) -> None:
    found = _by_name(rows)
    for row in rows:
        if row["name"].endswith(" | dependent steps"):
            found[row["name"].split(" | ")[0]]["known"] = _bound(row)
    peers = {row["name"].split(" | ")[0]: row["peers"] for row in rows if row["name"].endswith(" | seconds")}
    methods = {name: figures for name, figures in found.items() if "dependent steps" in figures}
    lines = [
        f"| {name} | {' | '.join(_figure(figures.get(figure)) for figure in STEPS)} "
        f"| {'; '.join(f'{peer} {value:g}' for peer, value in peers.get(name, {}).items()) or 'none'} |\n"
        for name, figures in methods.items()
    ]
    if lines:
        asked = max(_bound(row) for row in rows if row["name"].endswith(" | of the limit") and row["target"])
        late = [f"{name} ({figures[ASLEEP]:g})" for name, figures in methods.items() if figures[ASLEEP] > asked]
        asleep = (
            f"more than {asked:g} there are {listed(late)}" if late else f"no method takes more than {asked:g} there"
        )
        (ROOT / "docs" / "latency.md").write_text(
            LATENCY.format(asked=asked, asleep=asleep) + "".join(lines), encoding="utf-8"
        )


def _bound(row: dict[str, Any]) -> float:
    """What a row may come to at most."""
    return float(row["target"].removeprefix("<= "))


def _by_name(rows: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Figures by what they are about: the last part of a row's name is the figure's."""
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        *_, name, figure = row["name"].split(" | ")
        found.setdefault(name, {})[figure] = row["value"]
    return found


def _write_noveleval(rows: list[dict[str, Any]]) -> None:
    found = _by_name(rows)
    lines = [
        f"| {name} | {' | '.join(_figure(figures.get(figure)) for figure in FIGURES)} |\n"
        for name, figures in found.items()
    ]
    if lines:
        (ROOT / "docs" / "noveleval.md").write_text(NOVELEVAL + "".join(lines), encoding="utf-8")


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"


def _write_readme(rows: list[dict[str, Any]]) -> None:
    """Replace the table under "Measured"."""
    lines = "".join(
        f"| {row['name']} | {row['value']:g} {row['unit']} | {_words(row['target'])} {row['unit']} |\n" for row in rows
    )
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(re.sub(re.escape(HEAD) + r"(?:\|.*\n|<!--.*\n)*", lambda _: HEAD + lines, text), encoding="utf-8")


def _words(target: str) -> str:
    return target.replace("<=", "at most").replace(">=", "at least")


if __name__ == "__main__":
    main()
