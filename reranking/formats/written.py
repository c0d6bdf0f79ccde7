"""Writers: queries with their documents as JSON that reads back equal, and rankings as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from reranking.formats.loaded import Input
from reranking.ranking import Ranking

_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")

RANKING_HEADER = (
    "query", "strategy", "outcome", "score_kind", "rank", "tie", "input_position", "id", "title", "score",
)  # fmt: skip


def inputs_json(inputs: Sequence[Input]) -> str:
    """One `{query, documents}` object, or a list of them for several; `read_json` gives equal inputs back."""
    objects = [_object(one) for one in inputs]
    return json.dumps(objects[0] if len(objects) == 1 else objects, ensure_ascii=False, indent=1) + "\n"


def rankings_csv(query: str, named: Sequence[tuple[str, Ranking]]) -> str:
    """One row per strategy and document, in the order of the ranking; `named` pairs each ranking with its name.

    Rank and tie are empty in a failed ranking, the score where the strategy gave none.
    `input_position` counts from 1.
    """
    rows: list[tuple[Any, ...]] = []
    for name, ranking in named:
        for item in ranking:
            candidate = item.candidate
            about = (candidate.index + 1, candidate.id, candidate.title)
            rows.append((query, name, ranking.outcome, ranking.score_kind, item.rank, item.tie, *about, item.score))
    return csv_text(RANKING_HEADER, rows)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV whose cells no spreadsheet takes for formulas; None is an empty cell."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([guarded(name) for name in header])
    writer.writerows([guarded(cell) for cell in row] for row in rows)
    return out.getvalue()


def guarded(cell: Any) -> Any:
    """The cell, a text that a spreadsheet might take for a formula behind an apostrophe; numbers stay numbers."""
    if not isinstance(cell, str):
        return cell
    # White space and control characters in front do not keep every spreadsheet from looking further.
    start = cell.lstrip("".join(map(chr, range(33))) + "\u00a0\ufeff")
    return f"'{cell}" if start.startswith(_STARTS) or cell[:1] in {"\t", "\r", "\n"} else cell


def _object(one: Input) -> dict[str, Any]:
    documents = []
    for item in one.documents:
        record: dict[str, Any] = {"id": item.id, "title": item.title, "text": item.text}
        record = {name: value for name, value in record.items() if value is not None}
        documents.append({**record, **({"metadata": dict(item.metadata)} if item.metadata else {})})
    return {**({} if one.query is None else {"query": one.query}), "documents": documents}
