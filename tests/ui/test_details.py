"""Whatever a strategy keeps beside its list is shown by its shape, and foreign text in it stays text."""

import re

import pytest

from reranking.documents import as_candidates
from reranking.ranking import by_order
from reranking.strategies.catalogue import make
from reranking.views import details
from tests.support import rank
from tests.ui.made import compared

ITEMS = as_candidates([{"text": f"apple {at} pie", "title": f"Title {at}"} for at in range(5)])


def tables(kept):
    found = compared([by_order(ITEMS, range(5), details=kept)])
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", details.tables(found, 0)))


def test_single_values_records_and_lists_of_records_are_tables():
    shown = tables({"tau": 0.5, "exact": True, "consensus": {"lower_bound": 3}, "runs": [{"outcome": "partial"}] * 40})
    assert "mean agreement of the runs (tau, 1 = same order) 0.5" in shown
    assert "exact yes" in shown
    assert "fewest disagreements that any order could have 3" in shown
    assert shown.count("partial") == details.ROWS_SHOWN
    assert "and 10 more" in shown


def test_positions_are_told_by_title_and_strategies_by_name():
    shown = tables(
        {"stages": [{"strategy": make({"kind": "bm25"}).spec(), "order": [3, 0, 1, 2, 4]}], "cyclic": [[0, 2]]}
    )
    assert "BM25" in shown
    assert "Title 3 &gt; Title 0 &gt; Title 1" in shown
    assert "Title 0, Title 2" in shown


def test_a_square_table_beside_its_documents_is_a_matrix_and_nothing_else_is():
    kept = {"documents": [0, 1], "wins": [[None, 1.0], [0.0, None]], "heads": [[12, 3], [14, 0], [1, 1]], "compared": 1}
    (matrix,) = details.matrices(kept)
    assert (matrix.name, matrix.documents) == ("wins", (0, 1))
    assert details.matrices({"wins": [[None, 1.0], [0.0, None]]}) == []
    shown = tables(kept)
    assert "12, 3" in shown
    assert "Wins" not in shown


def test_foreign_text_in_details_is_escaped():
    found = compared(
        [by_order(as_candidates(["<b>x</b>"]), [0], details={"<i>": "<script>", "runs": [{"<u>": "<img>"}]})]
    )
    assert not re.search("<(i|script|u|img|b)>", details.tables(found, 0))


@pytest.mark.parametrize(
    "spec",
    [
        {"kind": "pairwise-all", "model": "simulated:overlap"},
        {"kind": "pairwise-sort", "k": 2, "model": "simulated:overlap"},
        {"kind": "self-consistency", "runs": 3, "base": {"kind": "listwise", "model": "simulated:overlap"}},
        {"kind": "cascade", "stages": [{"strategy": {"kind": "bm25"}, "keep": 2}]},
        {"kind": "selective", "first": {"kind": "bm25"}, "dearer": {"kind": "listwise", "model": "simulated:overlap"}},
        {"kind": "fusion", "method": "kemeny", "strategies": [{"strategy": {"kind": "bm25"}}]},
    ],
    ids=lambda spec: spec["kind"],
)
def test_every_kind_of_detail_that_strategies_keep_is_shown_whole(spec):
    strategy = make(spec)
    ranking = rank(strategy, ITEMS, "apple pie", through=simulated())
    assert ranking.outcome != "failed"
    found = compared([ranking], strategies=[strategy])
    drawn = {matrix.name for matrix in details.matrices(ranking.details)}
    shown = details.tables(found, 0)
    for name in set(ranking.details) - drawn - {"documents"}:
        assert details.words(name).casefold() in shown.casefold(), name


def simulated():
    from reranking.gateway import Gateway
    from reranking.providers.registry import Registry

    return Gateway(Registry().resolve)
