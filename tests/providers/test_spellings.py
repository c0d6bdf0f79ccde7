"""The probability of a choice, from the probabilities of tokens."""

import math

import pytest

from reranking.providers.spellings import log_probabilities, spellings

A, B, C, END = range(4)


def after(table):
    """Probabilities of the next token by what came before, from `table`; also what was asked for."""
    asked = []

    def answer(tokens):
        asked.append(tokens)
        row = table[tokens]
        return [math.log(row.get(token, 1e-30)) for token in range(4)]

    return answer, asked


def test_a_choice_is_written_as_given_capitalised_in_lower_and_in_upper_case():
    assert spellings(["yes", "No"]) == [("yes", "Yes", "YES"), ("No", "no", "NO")]
    assert spellings(["A", "10"]) == [("A", "a"), ("10",)]


def test_a_spelling_of_two_choices_counts_for_none_but_the_choice_itself():
    us, capitals = spellings(["us", "US"])
    assert us == ("us", "Us")
    assert capitals == ("US",)


def test_the_spellings_of_a_choice_are_summed():
    answer, _ = after({(): {A: 0.2, B: 0.3, C: 0.4}})
    found = log_probabilities([[(A,), (B,)], [(C,)]], answer)
    assert [math.exp(value) for value in found] == pytest.approx([0.5, 0.4])


def test_a_spelling_of_several_tokens_has_the_probability_of_all_of_them():
    answer, asked = after({(): {A: 0.5, B: 0.1}, (A,): {B: 0.4}, (A, B): {C: 0.25}})
    found = log_probabilities([[(A, B, C)], [(B,)]], answer)
    assert [math.exp(value) for value in found] == pytest.approx([0.05, 0.1])
    assert set(asked) == {(), (A,), (A, B)}


def test_what_begins_with_a_longer_choice_does_not_count_for_the_shorter_one():
    answer, _ = after({(): {A: 0.6, C: 0.2}, (A,): {B: 0.25, END: 0.5}})
    one, ten, other = log_probabilities([[(A,)], [(A, B)], [(C,)]], answer)
    assert math.exp(one) == pytest.approx(0.45)
    assert math.exp(ten) == pytest.approx(0.15)
    assert math.exp(other) == pytest.approx(0.2)


def test_choices_that_begin_each_other_never_add_up_to_more_than_their_common_beginning():
    answer, _ = after({(): {A: 0.8}, (A,): {B: 0.5}, (A, B): {C: 0.5}})
    found = log_probabilities([[(A,)], [(A, B)], [(A, B, C)]], answer)
    assert [math.exp(value) for value in found] == pytest.approx([0.4, 0.2, 0.2])


def test_a_spelling_that_cannot_matter_costs_no_pass_of_the_model():
    answer, asked = after({(): {A: 0.5, B: 1e-9, C: 0.2}})
    found = log_probabilities([[(A,), (B, C)], [(C,)]], answer)
    assert math.exp(found[0]) == pytest.approx(0.5)
    assert asked == [()]


def test_every_pass_of_the_model_is_made_once():
    answer, asked = after({(): {A: 0.5}, (A,): {B: 0.3, C: 0.2, A: 0.1}})
    log_probabilities([[(A, B)], [(A, C)], [(A, A)]], answer)
    assert sorted(asked) == [(), (A,)]
