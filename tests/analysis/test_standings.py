import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.analysis.standings import Standing, standings, voting
from tests.analysis.test_agreement import broken, ordered, scored


def test_three_of_four_decide_and_the_fourth_widens_the_spread():
    found = standings([ordered(0, 1, 2), ordered(0, 1, 2), ordered(0, 2, 1), ordered(2, 1, 0)])
    # Document 0 is at 1, 1, 1, 3; document 1 at 2, 2, 3, 2; document 2 at 3, 3, 2, 1. Pairs against 0 1 2: the
    # third has one, the fourth three.
    assert found.rows == (
        Standing(0, 1, 1, 1, 1, 1.5, 3),
        Standing(1, 2, 2, 2, 2, 2.25, 3),
        Standing(2, 3, 1, 1.75, 2.5, 3, 3),
    )
    assert (found.rankings, found.exact, found.disagreements, found.pairs) == (4, True, 4, 12)


def test_what_failed_or_ties_everything_has_no_vote():
    rankings = [broken(3), ordered(2, 1, 0), scored(1.0, 1.0, 1.0), ordered(2, 1, 0)]
    assert voting(rankings) == [1, 3]
    found = standings(rankings)
    assert [(row.index, row.best, row.worst) for row in found.rows] == [(2, 1, 1), (1, 2, 2), (0, 3, 3)]
    assert found.rankings == 2
    assert standings(rankings[:3]) is None
    assert standings([]) is None


def test_documents_that_every_ranking_ties_share_their_place():
    found = standings([scored(1.0, 3.0, 3.0), scored(2.0, 5.0, 5.0)])
    assert [(row.index, row.place) for row in found.rows] == [(1, 1.5), (2, 1.5), (0, 3)]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6), st.integers(2, 8), st.integers(2, 6))
def test_every_document_stands_once_within_its_spread(seed, n, count):
    rng = random.Random(seed)
    rankings = [scored(*(float(rng.randrange(4)) for _ in range(n))) for _ in range(count)]
    found = standings(rankings)
    if found is None:
        assert len(voting(rankings)) < 2
        return
    assert sorted(row.index for row in found.rows) == list(range(n))
    kept = [rankings[at].mid_ranks() for at in voting(rankings)]
    for row in found.rows:
        ranks = [each[row.index] for each in kept]
        assert (row.best, row.median, row.worst) == (min(ranks), pytest.approx(np.median(ranks)), max(ranks))
        assert row.best <= row.lower_quartile <= row.median <= row.upper_quartile <= row.worst
    assert 0 <= found.lower_bound <= found.disagreements <= found.pairs / 2 or found.rankings < 2
