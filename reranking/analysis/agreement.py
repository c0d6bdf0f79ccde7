"""How far rankings of the same candidates agree: Kendall's tau-b, matrices, and one sentence about them.

All figures are on mid-ranks, so that the order in which tied documents are listed does not
count. Failed rankings are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement
from statistics import median

from reranking.analysis.failures import told
from reranking.documents import Candidate
from reranking.ranking import Ranking
from reranking.wording import listed

LABEL_LENGTH = 40

Measure = Callable[[Ranking, Ranking], float | None]
"""How far two rankings agree, up to 1 for the same order; None where that is undefined."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """How far rankings differ on one document, by original position: its best and its worst mid-rank."""

    index: int
    best: float
    worst: float

    @property
    def spread(self) -> float:
        """Places between the best and the worst rank."""
        return self.worst - self.best


def kendall_tau_b(a: Ranking, b: Ranking) -> float | None:
    """Kendall's tau-b of two rankings of the same candidates, from -1 (reversed) to 1 (the same).

    None where it is undefined: a ranking that failed or ties everything, fewer than two
    documents. Raises ValueError if the candidates differ.
    """
    first, second = a.mid_ranks(), b.mid_ranks()
    if not first or not second:
        return None
    if first.keys() != second.keys():
        raise ValueError("only rankings of the same candidates can be compared")
    return tau_b([*first.values()], [second[index] for index in first])


def tau_b(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Kendall's tau-b of two lists of mid-ranks of the same documents; None where one of them ties everything."""
    if len(set(first)) < 2 or len(set(second)) < 2:
        return None
    if first == second:  # the library's square roots may miss 1 and -1 by a rounding error
        return 1.0
    if all(one + other == len(first) + 1 for one, other in zip(first, second, strict=True)):
        return -1.0
    from scipy.stats import kendalltau  # takes most of a second to import

    return float(kendalltau(first, second, variant="b", method="asymptotic").statistic)


def ties_everything(ranking: Ranking) -> bool:
    """Whether it tells no two of its documents apart; a failed ranking does not even say that."""
    return ranking.outcome != "failed" and len(ranking) > 1 and len({item.tie for item in ranking}) == 1


def agreement_matrix(rankings: Sequence[Ranking], measure: Measure = kendall_tau_b) -> list[list[float | None]]:
    """What a symmetric `measure` gives for every two rankings.

    None where it is undefined, where a ranking failed, and, since it holds no order, where one ties
    everything, whatever the measure makes of that.
    """
    matrix: list[list[float | None]] = [[None] * len(rankings) for _ in rankings]
    ordered = [at for at, ranking in enumerate(rankings) if not ties_everything(ranking)]
    for i, j in combinations_with_replacement(ordered, 2):
        matrix[i][j] = matrix[j][i] = measure(rankings[i], rankings[j])
    return matrix


def by_similarity(matrix: Sequence[Sequence[float | None]]) -> list[int]:
    """The order of rows in which those that agree stand beside each other.

    Average linkage on one less the agreement, its leaves ordered so that neighbours are as near
    as the tree allows (Bar-Joseph et al. 2001, https://doi.org/10.1093/bioinformatics/17.suppl_1.S22).
    Rows without any value come last. The first of the given rows is in the first half.
    """
    known = [at for at, row in enumerate(matrix) if row[at] is not None]
    last = [at for at in range(len(matrix)) if at not in known]
    if len(known) < 3:
        return known + last
    from scipy.cluster.hierarchy import leaves_list, linkage  # loads with scipy.stats

    apart = [1 - (matrix[i][j] or 0.0) for i, j in combinations(known, 2)]
    order = [known[at] for at in leaves_list(linkage(apart, "average", optimal_ordering=True))]
    if order.index(known[0]) >= len(order) / 2:
        order.reverse()
    return order + last


def most_disputed(rankings: Sequence[Ranking]) -> list[Dispute]:
    """Every document with its best and worst mid-rank, the widest spread first.

    Equal spreads stay in input order. Empty if all rankings failed.
    """
    ranks = [ranking.mid_ranks() for ranking in rankings if ranking.outcome != "failed"]
    if not ranks:
        return []
    disputes = [
        Dispute(index, min(each[index] for each in ranks), max(each[index] for each in ranks))
        for index in sorted(ranks[0])
    ]
    return sorted(disputes, key=lambda dispute: -dispute.spread)


def summary(rankings: Sequence[Ranking], names: Sequence[str]) -> str | None:
    """What the rankings show, in a sentence or two of plain text; None without any ranking.

    Names and document titles appear as they are: escape the text before it is shown as Markdown.
    """
    if not rankings:
        return None
    usable = [at for at, ranking in enumerate(rankings) if ranking.outcome != "failed"]
    lost = told(rankings, names)
    if not usable:
        return " ".join(["Nothing to compare.", *lost])
    kept, kept_names = [rankings[at] for at in usable], [names[at] for at in usable]
    if len(kept[0]) < 2:
        found = "With one document there is no order to compare."
    elif len(kept) == 1:
        found = f"Only {kept_names[0]} gave a ranking: nothing to compare it with."
    else:
        found = _finding(kept, kept_names)
    return " ".join([found, *lost])


def _finding(rankings: Sequence[Ranking], names: Sequence[str]) -> str:
    """The sentence for two or more rankings that did not fail."""
    matrix = agreement_matrix(rankings)
    pairs = {(i, j): tau for i, j in combinations(range(len(rankings)), 2) if (tau := matrix[i][j]) is not None}
    flat = [names[at] for at in range(len(rankings)) if matrix[at][at] is None]
    ties = f" {listed(flat)} {'ties' if len(flat) == 1 else 'tie'} every document." if flat else ""
    if not pairs:
        return f"Too many ties to say how far {listed(names)} agree.{ties}"
    if all(tau == 1 for tau in pairs.values()):
        agreeing = [name for name in names if name not in flat]
        which = f"All {len(agreeing)} strategies" if len(agreeing) > 2 else listed(agreeing)
        return f"{which} give the same order.{ties}"
    top = most_disputed([ranking for at, ranking in enumerate(rankings) if matrix[at][at] is not None])[0]
    moved = f"“{_label(rankings[0], top.index)}” moves {_places(top.spread)}"
    if len(pairs) == 1:
        ((i, j), tau) = next(iter(pairs.items()))
        return f"{names[i]} and {names[j]} {_verdict(tau)} (tau {number(tau)}); {moved}.{ties}"
    middle = median(pairs.values())
    (i, j), lowest = min(pairs.items(), key=lambda entry: entry[1])
    most = f"{names[i]} and {names[j]} disagree most (tau {number(lowest)}); {moved}."
    return f"They {_verdict(middle)} (median tau {number(middle)}). {most}{ties}"


_VERDICTS = (
    (0.9, "agree almost fully"),
    (0.6, "mostly agree"),
    (0.3, "agree in part"),
    (-0.1, "hardly agree"),
    (-0.6, "disagree"),
    (-1.0, "contradict each other"),
)
"""From which tau on it is said that rankings do so. Around 0 they have as good as nothing to do with each other."""


def _verdict(tau: float) -> str:
    return next(words for least, words in _VERDICTS if tau >= least or least == -1)


def number(agreement: float) -> str:
    """Two decimals without the leading zero; never rounded up to 1 or down to -1."""
    if 0.995 <= abs(agreement) < 1:
        return ">.99" if agreement > 0 else "<-.99"
    text = f"{agreement:.2f}"
    return {"1.00": "1", "-1.00": "-1", "-0.00": "0", "0.00": "0"}.get(text, text.replace("0.", ".", 1))


def _places(spread: float) -> str:
    return f"{spread:g} place{'' if spread == 1 else 's'}"


def _label(ranking: Ranking, index: int) -> str:
    candidate: Candidate = next(item.candidate for item in ranking if item.index == index)
    text = candidate.label
    return text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 1].rstrip() + "…"
