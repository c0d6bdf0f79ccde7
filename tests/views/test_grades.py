"""Whose grades a figure rests on."""

import pytest

from reranking.views.grades import Grades, whose

NONE, OWN, TAKEN = Grades({}, {}), Grades({0: 1}, {}), Grades({}, {0: 2, 1: 0})


@pytest.mark.parametrize(
    ("every", "said"),
    [
        ([OWN], "your"),
        ([TAKEN], "the example's"),
        ([Grades({0: 1}, {0: 2, 1: 0})], "your and the example's"),
        ([Grades({0: 1, 1: 1}, {0: 2, 1: 0})], "your"),
        ([NONE, OWN, TAKEN], "your and the example's"),
        ([NONE], "your"),
    ],
)
def test_grades_are_said_to_be_of_those_whose_count(every, said):
    assert whose(every) == said
    assert whose(every, "the author's") == said.replace("your", "the author's")
