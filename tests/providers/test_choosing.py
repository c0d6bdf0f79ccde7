"""From tokens and texts to choices."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.providers.choosing import by_logprobs, by_text


def test_spellings_are_summed_and_what_was_not_returned_is_unknown():
    yes, no, other = by_logprobs(["Yes", "no", "other"], {"yes": math.log(0.3), " YES": math.log(0.2), "No": -9999.0})
    assert yes == pytest.approx(math.log(0.5))
    assert no == -9999.0  # what servers send for "next to nothing"
    assert other is None


@settings(deadline=None)
@given(st.lists(st.floats(-50, 0), min_size=1, max_size=20))
def test_a_sum_of_probabilities_is_never_more_than_certain(logprobs):
    first = {" " * at + "a": value for at, value in enumerate(logprobs)}
    total = by_logprobs(["A"], first)[0]
    assert total == pytest.approx(min(0.0, math.log(math.fsum(map(math.exp, logprobs)))), abs=1e-9)
    assert total <= 0


def test_numbers_that_are_none_are_passed_over():
    assert by_logprobs(["A", "B"], {"A": float("-inf"), "B": -1.0, " b": float("nan")}) == (None, -1.0)


def test_only_a_beginning_that_was_returned_alone_is_ambiguous_and_leaves_nothing_known():
    assert by_logprobs(["1", "10", "2"], {"1": -0.1, "2": -3.0}) == (None, None, None)
    assert by_logprobs(["1", "10"], {"10": -0.1}) == (None, -0.1)
    assert by_logprobs(["1", "10"], {"10": -0.1, "1": -3.0}) == (-3.0, -0.1)
    assert by_logprobs(["1", "10", "2"], {"2": -0.1}) == (None, None, -0.1)


def test_choices_that_differ_only_in_case_are_told_apart():
    assert by_logprobs(["a", "A"], {"a": -1.0, " A": -2.0}) == (-1.0, -2.0)
    assert by_text(["a", "A"], "A.") == (None, 0.0)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("Yes", "yes"),
        ("**Yes**, because ...", "yes"),
        ("“No”", "no"),
        ("no.\n\nIt is about dogs.", "no"),
        ("<think>yes? yes!</think>\n\nNo", "no"),
        ("[10]", "10"),
        ("1.", "1"),
        ("Passage B.", "Passage B"),
        ("10/10", None),
        ("-1", None),
        ("1.5", None),
        ("yesterday", None),
        ("The answer is yes", None),
        ("<think>yes", None),
        ("...", None),
        ("", None),
    ],
)
def test_a_text_chooses_what_it_is_or_begins_with(text, chosen):
    choices = ("yes", "no", "1", "10", "Passage B")
    assert by_text(choices, text) == tuple(0.0 if choice == chosen else None for choice in choices)
