"""Quality is set against what a strategy takes, not against how fast its kept answers came back."""

from dataclasses import replace

import pytest

from reranking.documents import as_candidates
from reranking.ranking import Usage, by_order
from reranking.views.quality_price import about, aloud, points_of
from tests.ui.made import compared

ITEMS = as_candidates(["one", "two"])
GRADES = ((0, 3), (1, 0))


def took(**usage):
    return replace(by_order(ITEMS, [0, 1]), usage=Usage(**usage))


def seconds(*rankings):
    """Place in the comparison -> the seconds at which it is drawn."""
    return {point.position: point.price for point in points_of(compared(rankings), GRADES, "seconds")}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"seconds": 0.961}, {0: 0.961}),
        ({"seconds": 2.0, "requests": 4, "model_seconds": 7.1}, {0: 2.0}),  # four at a time
        ({"seconds": 0.044, "requests": 4, "cached": 4, "model_seconds": 7.1}, {0: 7.1}),
        ({"seconds": 0.9, "requests": 4, "cached": 1, "model_seconds": 7.1}, {0: 7.1}),
        ({"seconds": 9.0, "requests": 4, "cached": 1, "model_seconds": 7.1}, {0: 9.0}),
        ({"seconds": 0.044, "requests": 4, "cached": 4, "model_seconds": None}, {}),
        ({"seconds": 0.044, "requests": 4, "cached": 4, "model_seconds": 0.0}, {0: 0.044}),  # known to take none
        ({"seconds": 0.044, "requests": 4, "cached": 4, "shared": 4, "model_seconds": 7.1}, {0: 7.1}),
    ],
)
def test_kept_answers_count_with_the_time_of_their_model_and_not_at_all_if_it_is_unknown(usage, expected):
    assert seconds(took(**usage)) == expected


def test_what_has_no_known_time_is_named_and_where_times_are_the_models_that_is_said():
    kept = took(seconds=0.01, requests=2, cached=2, model_seconds=3.0)
    unknown = took(seconds=0.01, requests=2, cached=2, model_seconds=None)
    for rankings, is_said, missing in (([kept, unknown], True, True), ([took(seconds=1.0)] * 2, False, False)):
        found = compared(rankings)
        points = points_of(found, GRADES, "seconds")
        said = about(found, points, "seconds")
        assert ("what the model took for all of them" in said) is is_said
        assert (f"without a known time: {found.names[1]}" in said) is missing
        assert "0.01" not in aloud(points, "seconds")


def test_costs_are_those_of_kept_answers_too():
    found = compared([took(seconds=0.01, requests=2, cached=2, model_seconds=None, cost_usd=0.25)])
    assert [point.price for point in points_of(found, GRADES, "dollars")] == [0.25]
