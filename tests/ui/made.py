"""Comparisons made of rankings, for what the screens draw of them."""

from reranking.jobs import JobStatus, Part
from reranking.strategies.input_order import InputOrder
from reranking.views.compared import Compared
from reranking.views.naming import Naming


def compared(rankings, query="", strategies=None):
    """A comparison that is over, with these rankings of the same candidates."""
    chosen = strategies or [InputOrder()] * len(rankings)
    candidates = tuple(sorted((item.candidate for item in rankings[0]), key=lambda item: item.index))
    order = tuple(item.index for item in candidates)
    parts = [
        Part(at, 0, strategy, order, ranking=ranking)
        for at, (strategy, ranking) in enumerate(zip(chosen, rankings, strict=True))
    ]
    return Compared.of(JobStatus("job", "session", "comparison", query, candidates, parts, "done", 0.0), Naming())
