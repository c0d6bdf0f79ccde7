"""The bump chart in words: ties are told as ties."""

from reranking.documents import as_candidates
from reranking.ranking import by_order, by_score, failed
from reranking.views.bump import aloud
from tests.ui.made import compared

ITEMS = as_candidates(["a", "b", "c", "d"])


def test_tied_documents_on_top_are_told_with_the_places_that_they_share():
    said = aloud(compared([by_order(ITEMS, [3, 2, 1, 0]), by_score(ITEMS, [1, 3, 3, 0], "x")]))
    assert "“d”, “c”, “b”" in said
    assert "“b” (tied 1–2), “c” (tied 1–2), “a”" in said


def test_a_strategy_that_tells_no_two_documents_apart_puts_none_on_top_and_a_failed_one_is_not_told():
    found = compared([by_order(ITEMS, [3, 2, 1, 0]), by_score(ITEMS, [0, 0, 0, 0], "x"), failed(ITEMS, [])])
    assert f"{found.names[1]}: all tied" in aloud(found)
    assert found.names[2] not in aloud(found)
