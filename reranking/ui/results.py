"""The results of a comparison: a sentence, a picture, a table, and the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from math import ceil, floor
from typing import Any

import streamlit as st

from reranking.analysis.agreement import summary
from reranking.analysis.metrics import QualityRange, Range, quality_range
from reranking.charts.bump import BumpColumn, bump_chart
from reranking.jobs import JobStatus, Part
from reranking.strategies.catalogue import each, with_defaults
from reranking.strategies.input_order import InputOrder
from reranking.ui import columns, example_grades, inspecting, notices, page, state
from reranking.ui.names import short_names, with_parameters

LISTED = (10, 25, 50, 100, 500)


def show(status: JobStatus) -> None:
    """Everything about a comparison that is over."""
    parts = [part for part in status.parts if part.ranking is not None]
    if not parts:
        return
    names = short_names([part.strategy for part in parts])
    rankings = [part.ranking for part in parts if part.ranking is not None]
    finding = summary(rankings, names)
    if finding:
        page.html(f"<p class='rl-finding'>{escape(finding)}</p>")
    documents = [item.document for item in status.candidates]
    own, given = state.grades(status.query, documents), example_grades.in_use(status.query, documents)
    grades = {**given, **own}
    _chart(status, parts, names)
    page.html(_table(parts, names, grades))
    if grades:
        notices.caption(_about_quality(len(documents), len(own), len(grades)))
    example_grades.control(status.query, documents)
    count = len(status.candidates)
    top = count
    if count > LISTED[0]:
        options = [number for number in LISTED if number < count] + [count]
        top = st.segmented_control(
            "Documents listed per strategy", options, default=min(count, 25) if min(count, 25) in options else count,
            key="listed", format_func=lambda number: "all" if number == count else str(number), required=True,
        ) or count  # fmt: skip
    notes = tuple(_note(part) for part in parts)
    said = {**{at: f"example's grade {grade}" for at, grade in given.items()},
            **{at: f"your grade {grade}" for at, grade in own.items()}}  # fmt: skip
    page.html(columns.LEGEND)
    page.html(_columns_of(_Parts(status.id, tuple(parts)), status.query, top, tuple(sorted(said.items())), notes))
    inspecting.opener(status, parts)


class Finished:
    """The columns of the strategies that are over while others still run; each is built once."""

    def __init__(self) -> None:
        self._built: dict[int, str] = {}

    def __call__(self, parts: Sequence[Part], query: str) -> None:
        """Show the columns that are there by now."""
        for part in parts:
            if part.ranking is not None and part.position not in self._built:
                self._built[part.position] = columns.column(part, query, LISTED[1], {}, _note(part))
        if self._built:
            page.html(columns.side_by_side([self._built[position] for position in sorted(self._built)]))


class _Parts:
    """The parts of a job that is over, hashable by the job and how many there are."""

    def __init__(self, job: str, parts: tuple[Part, ...]) -> None:
        self.parts = parts
        self._key = (job, tuple((part.position, id(part.ranking)) for part in parts))

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Parts) and self._key == other._key


@lru_cache(maxsize=8)
def _columns_of(
    parts: _Parts, query: str, top: int, grades: tuple[tuple[int, str], ...], notes: tuple[str, ...]
) -> str:
    return columns.columns(parts.parts, query, top, dict(grades), notes, with_calls=True)


def _note(part: Part) -> str:
    """What must be known of the models that a strategy asks, such as `embedded (weak)`."""
    models = {model for nested in each(part.strategy) if (model := state.part_model(nested))}
    return ", ".join(sorted({note for model in models if (note := state.model_note(model))}))


@lru_cache(maxsize=8)
def _figure(parts: _Parts, names: tuple[str, ...], titles: tuple[str, ...], dark: bool) -> Any:
    drawn = [BumpColumn(name, part.ranking) for name, part in zip(names, parts.parts, strict=True) if part.ranking]
    return bump_chart(drawn, titles, dark)


def _chart(status: JobStatus, parts: Sequence[Part], names: Sequence[str]) -> None:
    """The bump chart, with the input order as its first column."""
    if len(status.candidates) < 2:
        return
    titles = tuple(item.label for item in status.candidates)
    drawn, labels = list(parts), list(names)
    if not any(isinstance(part.strategy, InputOrder) for part in parts):
        drawn.insert(0, _input_part(status))
        labels.insert(0, "Input order")
    figure = _figure(_Parts(f"{status.id} chart", tuple(drawn)), tuple(labels), titles, page.is_dark())
    st.plotly_chart(figure, key="bump", theme=None, config={"displaylogo": False}, alt=f"Ranks by {', '.join(labels)}")


_inputs: dict[str, Part] = {}


def _input_part(status: JobStatus) -> Part:
    """The input order as a part, the same object for the same job so that its figure is found again."""
    if status.id not in _inputs:
        from reranking.ranking import by_order

        ranking = by_order(status.candidates, range(len(status.candidates)))
        _inputs.clear()
        _inputs[status.id] = Part(-1, 0, InputOrder(), tuple(range(len(status.candidates))), ranking=ranking)
    return _inputs[status.id]


def _table(parts: Sequence[Part], names: Sequence[str], grades: Mapping[int, int]) -> str:
    """Price and, once documents are judged, quality of every strategy."""
    heads = ["strategy", "outcome", "requests", "cached", "tokens in", "tokens out", "cost", "time"]
    heads += ["nDCG@10", "MRR", "P@1", "unjudged"] if grades else []
    rows = []
    for part, name in zip(parts, names, strict=True):
        ranking = part.ranking
        assert ranking is not None
        usage = ranking.usage
        outcome = f"<span class='rl-state rl-{ranking.outcome}'>{ranking.outcome}</span>"
        cells = [escape(name), outcome, f"{usage.requests:,}", f"{usage.cached:,}", f"{usage.input_tokens:,}",
                 f"{usage.output_tokens:,}", columns.cost(ranking), columns.seconds(usage.seconds)]  # fmt: skip
        cells += _quality(quality_range(ranking, grades, max(state.GRADES))) if grades else []
        rows.append("<tr>" + "".join(_cell(at, cell) for at, cell in enumerate(cells)) + "</tr>")
    head = "".join(f"<th{'' if at < 2 else ' class=rl-num'}>{text}</th>" for at, text in enumerate(heads))
    return f"<table class='rl-table rl-prices'><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _quality(found: QualityRange | None) -> list[str]:
    if found is None:
        return ["–"] * 4
    figures = [_figure_text(value) for value in (found.ndcg_at_10, found.reciprocal_rank, found.precision_at_1)]
    return [*figures, f"{found.unjudged} of {found.judged + found.unjudged}"]


def _figure_text(value: Range) -> str:
    """A figure, the range that it may still take (rounded outwards), or a dash where it is open altogether."""
    if value.high - value.low < 0.0005:
        return f"{value.low:.3f}"
    low, high = floor(round(value.low * 100, 6)) / 100, ceil(round(value.high * 100, 6)) / 100
    return "–" if (low, high) == (0, 1) else f"{low:.2f} to {high:.2f}"


def _about_quality(documents: int, own: int, judged: int) -> str:
    """What the figures mean, and how much of them is still open."""
    by = [f"{own} by you"] if own else []
    by += [f"{judged - own} by the example's author"] if judged > own else []
    left = documents - judged
    ranges = (
        f"{left} of {documents} documents are unjudged: a range goes from the worst to the best that their grades can "
        "still make of it, and – means that nothing is decided yet. "
        if left
        else ""
    )
    return (
        f"{ranges}Judged: {', '.join(by)}. nDCG@10 with linear gain; MRR and P@1 count grades of 1 and above as "
        "relevant. Ties count as the mean over their orders."
    )


def _cell(at: int, text: str) -> str:
    return f"<td>{text}</td>" if at < 2 else f"<td class='rl-num'>{text}</td>"


def outdated(status: JobStatus, entered: state.Draft) -> str:
    """What has changed since the results came, as a sentence; empty if they are for what is entered now."""
    changed = []
    if status.query != entered.query:
        changed.append(f"the query (they are for “{status.query}”)")
    if tuple(item.document for item in status.candidates) != entered.documents():
        changed.append(f"the documents (they are for {len(status.candidates)} as they were then)")
    ran = [part.strategy.spec() for part in status.parts]
    now = [with_defaults(strategy) for strategy in entered.strategies()]
    new = [with_parameters(strategy) for strategy in now if strategy.spec() not in ran]
    if new:
        changed.append(f"strategies not run as they are set now: {', '.join(new)}")
    return f"Changed since these results: {'; '.join(changed)}. Run again to update them." if changed else ""
