"""Two strategies against each other: what the report says is what the two rankings hold."""

import re
from html import unescape

from reranking.documents import as_candidates
from reranking.ranking import Contribution, Explanation, by_order, by_score, failed
from reranking.strategies.encoders import Dense
from reranking.strategies.input_order import InputOrder
from reranking.strategies.lexical import BM25
from reranking.ui import diff
from tests.ui.made import compared

ITEMS = as_candidates([{"text": f"text {at}", "title": f"Title {at}"} for at in range(6)])


def report(first, second, k=3, strategies=None):
    found = compared([first, second], strategies=strategies or [BM25(), Dense()])
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", diff.report(found, 0, 1, k))))


def test_the_report_counts_what_is_shared_alone_and_in_opposite_order():
    shown = report(by_order(ITEMS, [0, 1, 2, 3, 4, 5]), by_order(ITEMS, [1, 0, 5, 2, 3, 4]))
    assert "BM25 and Dense bi-encoder have 2 of their top 3 in common" in shown
    assert "The two of them that both tell apart stand in opposite order." in shown
    assert "Only in BM25's: 1" in shown
    assert "Only in Dense bi-encoder's: 1" in shown
    assert "Title 0 before Title 1 by BM25 (1, 2), after it by Dense bi-encoder (2, 1)" in shown


def test_the_document_furthest_apart_is_told_with_the_evidence_of_both():
    parts = Explanation(contributions=(Contribution("arm", 8.3), Contribution("aid", 0.8)))
    first = by_score(ITEMS, [1, 9.1, 0.5, 0.4, 0.3, 0.2], "points", explanations=[None, parts, None, None, None, None])
    second = by_score(ITEMS, [0.9, 0.31, 0.8, 0.7, 0.6, 0.5], "similarity")
    shown = report(first, second)
    assert "Title 1 BM25 puts it at 1 , Dense bi-encoder at 6 ." in shown
    assert "score 9.100 (points), of which 8.300 from “arm” and 0.800 from “aid”." in shown
    assert "score 0.310 (similarity), the highest is 0.900." in shown


def test_equal_rankings_have_nothing_furthest_apart_and_nothing_alone():
    shown = report(by_order(ITEMS, range(6)), by_order(ITEMS, range(6)))
    assert "have 3 of their top 3 in common (tau 1" in shown
    assert "Furthest apart" not in shown
    assert "All 3 pairs among these stand in the same order." in shown
    assert "Only in BM25's: none" in shown


def test_a_tie_across_the_cut_is_said():
    shown = report(by_order(ITEMS, range(6)), by_score(ITEMS, [9, 8, 1, 1, 1, 0], "x"))
    assert "3 documents cannot be counted: a tie goes across the cut" in shown


def test_the_pair_shown_first_agrees_least_and_is_no_baseline_and_did_not_fail():
    rankings = [by_order(ITEMS, order) for order in ([5, 4, 3, 2, 1, 0], range(6), [1, 0, 2, 3, 4, 5])]
    rankings += [failed(ITEMS, []), by_order(ITEMS, [0, 1, 2, 5, 4, 3])]
    found = compared(rankings, strategies=[InputOrder(), BM25(), Dense(), BM25(k1=2), BM25(b=0)])
    assert diff.usable(found) == [0, 1, 2, 4]
    assert diff.least_agreeing(found) == (2, 4)
    assert diff.least_agreeing(compared(rankings[:2], strategies=[InputOrder(), BM25()])) == (0, 1)
