from itertools import combinations, permutations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.analysis.pairwise_bias import pairwise_bias
from reranking.analysis.slot_answers import SlotAnswer


def answers(count, choose, runs=1):
    """One answer to each ordered pair in each run; `choose(first, second)` gives the slot, or None."""
    found = []
    for run in range(runs):
        for pair in permutations(range(count), 2):
            slot = choose(*pair)
            found.append(SlotAnswer(run, pair, () if slot is None else (slot,)))
    return found


def two_sided(first, second):
    """Exact binomial p of a fair coin, by its symmetry."""
    n, least = first + second, min(first, second)
    return min(1.0, 2 * sum(comb(n, at) for at in range(least + 1)) / 2**n)


def test_a_model_that_always_says_a_prefers_the_first_side_in_every_pair():
    found = pairwise_bias(answers(6, lambda *_: 0))
    assert (found.pairs, found.consistent, found.first, found.second) == (15, 0, 15, 0)
    assert (found.consistency, found.preference) == (0, -1)
    assert found.p == pytest.approx(two_sided(15, 0))
    assert (found.triads, found.cyclic) == (0, 0)
    assert all(cell == "first side" for i, row in enumerate(found.matrix) for j, cell in enumerate(row) if i != j)


def test_a_model_that_goes_by_quality_alone_is_consistent_and_has_no_circles():
    found = pairwise_bias(answers(5, lambda one, two: int(two < one)))
    assert (found.consistency, found.preference, found.p) == (1, 0, 1)
    assert (found.triads, found.cyclic) == (10, 0)
    assert found.matrix[1] == ("lost", None, "won", "won", "won")


def test_verdicts_that_go_in_a_circle_are_counted():
    beats = {(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)}
    found = pairwise_bias(answers(4, lambda one, two: 0 if (one, two) in beats else 1))
    assert (found.triads, found.cyclic) == (4, 1)


def test_a_hand_worked_mixture():
    """0-1 decided, 0-2 by the first side, 1-2 by the second side."""
    slots = {(0, 1): 0, (1, 0): 1, (0, 2): 0, (2, 0): 0, (1, 2): 1, (2, 1): 1}
    found = pairwise_bias(answers(3, lambda *pair: slots[pair]))
    assert (found.pairs, found.consistent, found.first, found.second) == (3, 1, 1, 1)
    assert found.consistency == pytest.approx(1 / 3)
    assert (found.preference, found.p) == (0, 1)
    assert found.matrix == (
        (None, "won", "first side"),
        ("lost", None, "second side"),
        ("first side", "second side", None),
    )


@given(st.lists(st.sampled_from([0, 1, None]), min_size=20, max_size=20), st.integers(1, 3))
def test_counts_follow_the_definition_and_repeating_all_answers_changes_nothing(chosen, runs):
    slots = dict(zip(permutations(range(5), 2), chosen, strict=True))
    found = pairwise_bias(answers(5, lambda *pair: slots[pair], runs))
    both = [(slots[a, b], slots[b, a]) for a, b in combinations(range(5), 2)]
    heard = [pair for pair in both if None not in pair]
    first, second = heard.count((0, 0)), heard.count((1, 1))
    assert (found.pairs, found.unanswered) == (len(heard), 10 - len(heard))
    assert (found.first, found.second, found.consistent) == (first, second, len(heard) - first - second)
    if heard:
        assert found.preference == pytest.approx((second - first) / len(heard))
        assert found.p == pytest.approx(two_sided(first, second))
    else:
        assert (found.consistency, found.preference, found.p) == (None, None, None)


def test_of_several_runs_the_answer_that_most_gave_counts_and_an_even_split_decides_nothing():
    def shown(*slots):
        return [SlotAnswer(run, (0, 1), (slot,)) for run, slot in enumerate(slots)]

    other = [SlotAnswer(0, (1, 0), (1,))]
    assert pairwise_bias([*shown(0, 0, 1), *other]).matrix[0][1] == "won"
    assert pairwise_bias([*shown(0, 1), *other]).matrix[0][1] == "even"
    assert pairwise_bias([*shown(0, 1), *other]).consistency == 0


def test_a_side_that_wins_nearly_all_pairs_is_named_and_one_that_wins_many_is_not():
    def counting(contradicting):
        others = iter(range(10))
        return pairwise_bias(answers(5, lambda one, two: 0 if one < two or next(others) < contradicting else 1))

    assert [counting(number).side for number in (7, 8, 10)] == [None, "first", "first"]
    assert counting(8).one_sided == 8
    assert pairwise_bias(answers(4, lambda *_: 1)).side == "second"
    assert pairwise_bias(answers(4, lambda one, two: int(two < one))).side is None
    assert pairwise_bias([]).side is None


def test_a_preferred_side_cancels_out_only_where_each_run_asks_both_orders():
    both = answers(3, lambda *_: 0, runs=2)
    assert pairwise_bias(both).cancels
    assert not pairwise_bias(both[1:]).cancels
    apart = [SlotAnswer(run, pair, (0,)) for run, pair in enumerate(((0, 1), (1, 0)))]
    assert pairwise_bias(apart).pairs == 1
    assert not pairwise_bias(apart).cancels
    assert not pairwise_bias([]).cancels


def test_pairs_that_were_not_asked_are_known_from_the_number_of_documents():
    found = pairwise_bias([SlotAnswer(0, pair, (0,)) for pair in ((0, 1), (1, 0), (2, 3), (3, 2), (3, 0))])
    assert (found.possible, found.pairs, found.unanswered) == (6, 2, 1)


def test_a_pair_that_was_asked_in_one_order_alone_is_not_counted():
    found = pairwise_bias([SlotAnswer(0, (3, 1), (0,))])
    assert (found.pairs, found.unanswered, found.p) == (0, 1, None)
    assert found.documents == (1, 3)
    assert found.matrix == ((None, "unknown"), ("unknown", None))


def test_prompts_with_more_than_two_passages_are_passed_over():
    assert pairwise_bias([SlotAnswer(0, (0, 1, 2), (1,))]).documents == ()


def test_an_answer_names_slots_of_its_prompt_each_once():
    with pytest.raises(ValueError, match="slots of its prompt"):
        SlotAnswer(0, (5, 6), (2,))
    with pytest.raises(ValueError, match="each once"):
        SlotAnswer(0, (5, 6), (1, 1))
