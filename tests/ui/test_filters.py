"""Which documents are listed: every filter alone, together, and in which order."""

from reranking.documents import Document, as_candidates
from reranking.ranking import by_order, by_score, failed
from reranking.ui.filters import DISAGREEMENT, INPUT, Filters, listed
from tests.ui.made import compared

ITEMS = as_candidates(
    [Document(f"text {at}", id=f"id-{at}", title="Blue Shoe" if at == 3 else None) for at in range(6)]
)
FOUND = compared(
    [
        by_order(ITEMS, [0, 1, 2, 3, 4, 5]),
        by_order(ITEMS, [5, 0, 1, 2, 4, 3]),
        failed(ITEMS, []),
        by_score(ITEMS, [1, 1, 1, 1, 1, 2], "x"),
    ]
)


def shown(top=6, against=None, order=INPUT, **filters):
    return listed(FOUND, Filters(top, **filters), against, order)


def test_without_filters_every_document_is_listed_in_input_order():
    assert shown() == (0, 1, 2, 3, 4, 5)


def test_top_keeps_what_any_strategy_lists_there():
    assert shown(top=1) == (0, 5)


def test_moved_is_measured_against_the_input_or_a_strategy():
    assert shown(moved=2) == (3, 5)
    assert shown(moved=5) == (5,)
    assert shown(moved=2, against=1) == (3, 5)
    assert shown(moved=1, against=2) == ()


def test_disagreement_is_the_distance_between_best_and_worst_place_with_ties_at_their_middle():
    assert shown(apart=5) == (5,)
    assert shown(apart=2) == (0, 1, 3, 5)  # 0: 1, 2 and tied 2-6; 1: 2, 3 and 4; 3: 4, 6 and 4
    assert shown(order=DISAGREEMENT)[0] == 5


def test_contains_looks_into_title_text_and_id_in_any_letter_case():
    assert shown(contains="SHOE") == (3,)
    assert shown(contains="id-2") == (2,)
    assert shown(contains="  text 4 ") == (4,)
    assert shown(contains="nothing") == ()


def test_filters_count_together_and_rows_follow_a_strategys_rank():
    assert shown(moved=1, contains="text", order=1) == (5, 0, 1, 2, 3)
    assert shown(order=1) == (5, 0, 1, 2, 4, 3)
    assert shown(order=2) == (0, 1, 2, 3, 4, 5)


def test_nothing_is_listed_where_every_strategy_failed_but_the_documents():
    only = compared([failed(ITEMS, [])])
    assert listed(only, Filters(6), None, INPUT) == (0, 1, 2, 3, 4, 5)
    assert listed(only, Filters(6, apart=1), None, INPUT) == ()
