"""What strategies share that make one ranking out of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reranking.analysis.consensus import Consensus
from reranking.documents import Candidates
from reranking.ranking import Diagnostic, Outcome, Ranking, by_groups


def ranks_in(ranking: Ranking, candidates: Candidates) -> list[float]:
    """The mid-ranks that a ranking gives, in the order of `candidates`. It must not have failed."""
    ranks = ranking.mid_ranks()
    return [ranks[item.index] for item in candidates]


def joint_outcome(rankings: Sequence[Ranking]) -> Outcome:
    """Failed if all failed, partial if one gave less than all, repaired if one was mended, else complete."""
    outcomes = {ranking.outcome for ranking in rankings}
    if outcomes == {"failed"}:
        return "failed"
    return "partial" if outcomes & {"failed", "partial"} else "repaired" if "repaired" in outcomes else "complete"


def by_consensus(
    candidates: Candidates,
    consensus: Consensus,
    *,
    outcome: Outcome,
    diagnostics: Sequence[Diagnostic],
    details: Mapping[str, Any],
) -> Ranking:
    """The ranking of a Kemeny order; if that is approximate, it says so."""
    notes = list(diagnostics)
    found = {
        "disagreements": consensus.disagreements,
        "lower_bound": consensus.lower_bound,
        "approximate": not consensus.exact,
    }
    if not consensus.exact:
        message = (
            "The exact consensus was out of reach; this is the best order found. It contradicts the rankings in "
            f"{consensus.disagreements:g} pairs, and no order does in fewer than {consensus.lower_bound:g}."
        )
        notes.append(Diagnostic("approximate", message, data=found))
    details = {**details, "consensus": found}
    return by_groups(candidates, consensus.groups, outcome=outcome, diagnostics=notes, details=details)
