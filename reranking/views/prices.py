"""The table of what every strategy took and, once documents are judged, how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from math import ceil, floor

from reranking.analysis.agreement import ties_everything
from reranking.analysis.failures import why_failed
from reranking.analysis.metrics import QualityRange, Range, quality_range
from reranking.ranking import Ranking, Usage
from reranking.views import marks
from reranking.views.amounts import cost, spent, time_taken, tokens
from reranking.views.compared import Compared
from reranking.views.grades import GRADES, Grades


def table(found: Compared, grades: Mapping[int, int]) -> str:
    """A row per strategy: outcome, requests, tokens, cost, time and, with `grades`, quality; below, what was paid."""
    heads = ["strategy", "outcome", "requests", "cached", "tokens in", "tokens out", "cost", "time"]
    heads += ["nDCG@10", "MRR", "P@1", "unjudged"] if grades else []
    rows = []
    for at, (ranking, name) in enumerate(zip(found.rankings, found.names, strict=True)):
        usage = ranking.usage
        outcome = f"<span class='rl-state rl-{ranking.outcome}'>{ranking.outcome}</span>"
        if ties_everything(ranking):
            outcome += " <span class='rl-all-tied' title='It tells no two documents apart.'>all tied</span>"
        cells = [f"{marks.mark(at)}{escape(name)}", outcome, f"{usage.requests:,}", f"{usage.cached:,}",
                 _tokens(usage.input_tokens, usage), _tokens(usage.output_tokens, usage), cost(ranking),
                 time_taken(usage)]  # fmt: skip
        cells += _quality(quality_range(ranking, grades, max(GRADES))) if grades else []
        rows.append("<tr>" + "".join(_cell(at, cell) for at, cell in enumerate(cells)) + "</tr>")
        rows.append(_reason(ranking, len(cells)))
    rows.append(_paid(found, len(heads)))
    head = "".join(f"<th{'' if at < 2 else ' class=rl-num'}>{text}</th>" for at, text in enumerate(heads))
    return (
        "<div class='rl-scroll' tabindex='0' role='region' aria-label='What every strategy took'>"
        f"<table class='rl-table rl-prices'><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


REASON_SHOWN = 1000
"""Characters of a reason, which has the width of the table."""

UNCOUNTED = "Some models state no tokens, and scores and vectors from the cache are kept without them."


def _tokens(count: int, usage: Usage) -> str:
    text = tokens(count, usage)
    return f"<span title='{UNCOUNTED}'>{text}</span>" if usage.uncounted else text


def _paid(found: Compared, columns: int) -> str:
    """The requests that were sent, and what they cost all together: strategies share replies, or find them cached."""
    usages = [ranking.usage for ranking in found.rankings]
    costs = [usage.spent_usd for usage in usages]
    total = None if None in costs else sum(dollars for dollars in costs if dollars is not None)
    if len(usages) < 2 or total == 0:
        return ""
    sent = sum(usage.requests - usage.cached + usage.resumed for usage in usages)
    what = "paid in this run" if len(usages) == len(found.job.parts) else "paid for these"
    cells = [what, "", f"{sent:,} sent", "", "", "", spent(total), *[""] * (columns - 7)]
    return f"<tr class='rl-paid'>{''.join(_cell(at, cell) for at, cell in enumerate(cells))}</tr>"


def _reason(ranking: Ranking, columns: int) -> str:
    """Why it failed, as a row below its figures."""
    reason = why_failed(ranking, REASON_SHOWN)
    return (
        f"<tr class='rl-why-failed'><td></td><td colspan='{columns - 1}'><div>{escape(reason)}</div></td></tr>"
        if reason
        else ""
    )


def about_quality(documents: int, grades: Grades, judge: str = "you") -> str:
    """What the figures mean, and how much of them is still open. `judge` is who gave one's own grades."""
    own, judged = len(grades.own), len(grades.all)
    by = [f"{own} by {judge}"] if own else []
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


def _cell(at: int, text: str) -> str:
    return f"<td>{text}</td>" if at < 2 else f"<td class='rl-num'>{text}</td>"
