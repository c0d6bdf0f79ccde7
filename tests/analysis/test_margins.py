import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.analysis.margins import Margin, margin
from reranking.ranking import by_score
from tests.analysis.test_agreement import broken, ordered, pool, scored


def test_the_margin_is_the_gap_at_the_cut_against_the_spread():
    found = margin(scored(10.0, 9.0, 8.9, 4.0, 0.0), 2)
    assert found == Margin(2, 9.0, 8.9, 10.0, 2.5, 0, 0)
    assert found.gap == pytest.approx(0.1)
    assert found.share == pytest.approx(0.01)


@pytest.mark.parametrize(("k", "verdict"), [(1, "small"), (2, "clear"), (3, "middling"), (4, "small")])
def test_a_gap_below_half_an_average_step_is_small(k, verdict):
    # The spread is 10 and the average step 2.5; the gaps are 1, 5, 3 and 1.
    assert margin(scored(10.0, 9.0, 4.0, 1.0, 0.0), k).verdict == verdict


def test_a_tie_across_the_cut_is_named_with_how_many_are_inside():
    found = margin(scored(3.0, 2.0, 2.0, 2.0, 1.0), 3)
    assert (found.verdict, found.tied, found.inside, found.gap, found.share) == ("tied", 3, 2, 0, 0)
    above = margin(scored(3.0, 3.0, 2.0), 2)
    assert (above.tied, above.verdict) == (0, "clear")


def test_equal_scores_everywhere_are_tied_and_have_no_share():
    found = margin(scored(1.0, 1.0, 1.0), 1)
    assert (found.verdict, found.share, found.tied, found.inside) == ("tied", 0, 3, 1)


def test_without_scores_on_both_sides_there_is_no_margin():
    assert margin(broken(3), 1) is None
    assert margin(ordered(0, 1, 2), 1) is None
    assert margin(scored(2.0, 1.0), 2) is None
    partly = by_score(pool(3), [2.0, 1.0, None], "similarity")
    assert margin(partly, 2) is None
    assert margin(partly, 1) == Margin(1, 2.0, 1.0, 1.0, 1.0, 0, 0)
    with pytest.raises(ValueError, match="at least 1"):
        margin(partly, 0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.integers(1, 29))
def test_the_verdict_does_not_depend_on_the_unit_of_the_scores(scores, k):
    scores = [round(score, 3) for score in scores]
    first, second = (margin(scored(*(factor * score for score in scores)), k) for factor in (1.0, 8.0))
    assert (first and first.verdict) == (second and second.verdict)
