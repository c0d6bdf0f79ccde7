"""How the figures of bias tests are written, the same in all tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from reranking.analysis.bias_model import Estimate
from reranking.analysis.verdict import Finding, Verdict, decimal, p_value, percent
from reranking.documents import Candidate

FINDINGS: dict[Finding, str] = {
    "primacy": "earlier favoured",
    "recency": "later favoured",
    "middle-loss": "middle loses",
    "middle-gain": "middle favoured",
    "none found": "none found",
    "no effect": "exactly none",
    "all tied": "all tied",
    "cannot tell": "cannot tell",
    "repairs": "no verdict: broken replies",
    "failed": "failed",
}


ABOUT_W = "W (Kendall's) tells how alike the rankings of all shuffles are: 1 the same every time, 0 unrelated."
ABOUT_FLIPS = (
    "Flip rate: how often two documents stand the other way round in another shuffle; 0 % never, 50 % as by lot."
)


def word(verdict: Verdict) -> str:
    """The finding in a table, with the side that the model goes by."""
    found = FINDINGS[verdict.finding]
    return f"picks the {verdict.side} side: {found}" if verdict.side else found


def interval(effect: Estimate | None) -> str:
    """`6.2 (4.8 to 7.5)`; a dash where it cannot be told."""
    if effect is None:
        return "–"
    if effect.low is None or effect.high is None:
        return decimal(effect.value)
    return f"{decimal(effect.value)} ({decimal(effect.low)} to {decimal(effect.high)})"


def figure(value: float | None) -> str:
    """A figure from -1 to 1, which is never rounded to its ends; a dash where it is undefined."""
    if value is None:
        return "–"
    text = f"{value:.2f}"
    if abs(value) < 1 <= abs(float(text)):
        return "> 0.99" if value > 0 else "< −0.99"
    return (text if float(text) else "0.00").replace("-", "−")


def places(value: float | None) -> str:
    """A number of places; a dash where it is undefined."""
    return "–" if value is None else decimal(value)


def share(value: float | None) -> str:
    """A share in percent; a dash where it is undefined."""
    return "–" if value is None else percent(value)


def p(value: float | None) -> str:
    """A p-value; a dash where there is no test."""
    return "–" if value is None else p_value(value).removeprefix("= ")


def table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers_from: int = 1,
    marked: int | None = None,
    narrow: bool = False,
) -> str:
    """An HTML table of plain texts.

    Columns from `numbers_from` on are right-aligned, row `marked` stands out; `narrow` is as wide
    as it must be.
    """
    head = "".join(
        f"<th scope=col{' class=rl-num' if at >= numbers_from else ''}>{escape(text)}</th>"
        for at, text in enumerate(heads)
    )
    lines = [
        f"<tr{' class=rl-recommended' if number == marked else ''}>"
        + "".join(
            f"<td{' class=rl-num' if at >= numbers_from else ''}>{escape(text)}</td>" for at, text in enumerate(row)
        )
        + "</tr>"
        for number, row in enumerate(rows)
    ]
    return (
        f"<div class='rl-scroll'><table class='rl-table{' rl-narrow' if narrow else ''}'><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )


def document_names(candidates: Sequence[Candidate]) -> list[str]:
    """What each document is called on charts, by original position: its title, else how its text begins."""
    return [f"{item.index + 1}. {' '.join((item.title or item.text).split())[:80]}" for item in candidates]


def document_ids(candidates: Sequence[Candidate]) -> list[str]:
    """Ids by original position, with the position where two are equal."""
    count = Counter(item.id for item in candidates)
    taken = [item.id if count[item.id] == 1 else f"{item.id} ({item.index + 1})" for item in candidates]
    return taken if len(set(taken)) == len(taken) else [f"{item.index + 1}: {item.id}" for item in candidates]
