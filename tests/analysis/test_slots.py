import numpy as np
import pytest

from reranking.analysis.slot_answers import SlotAnswer
from reranking.analysis.slots import slot_bias


def windows(count, size, runs, effect, *, noise=0.0, picks=False, seed=0):
    """Prompts with random windows, ordered by quality plus what the slot adds."""
    chance = np.random.default_rng(seed)
    quality = chance.random(count)
    found = []
    for run in range(runs):
        for _ in range(8):
            shown = chance.permutation(count)[:size]
            worth = quality[shown] + np.asarray(effect) + chance.normal(0, noise, size) * (noise > 0)
            order = np.argsort(-worth, kind="stable").tolist()
            found.append(SlotAnswer(run, tuple(shown.tolist()), tuple(order[:1] if picks else order)))
    return found


def by_dummies(answers, size):
    """Least squares over all compared pairs of slots, with a column for each document and slot."""
    documents = sorted({document for answer in answers for document in answer.shown})
    rows, outcomes = [], []
    for answer in answers:
        rank = {slot: place for place, slot in enumerate(answer.order)}
        for one in range(size):
            for two in range(one + 1, size):
                a, b = rank.get(one, size), rank.get(two, size)
                if a == b:
                    continue
                row = np.zeros(len(documents) + size)
                row[documents.index(answer.shown[one])] += 1
                row[documents.index(answer.shown[two])] -= 1
                row[len(documents) + one] += 1
                row[len(documents) + two] -= 1
                rows.append(row)
                outcomes.append(1 if a < b else -1)
    effects = np.linalg.lstsq(np.array(rows), np.array(outcomes), rcond=None)[0][-size:]
    return effects - effects.mean()


@pytest.mark.parametrize("picks", [False, True])
def test_slot_effects_are_least_squares_over_pairs_of_slots(picks):
    answers = windows(9, 4, 5, [0.3, 0.1, 0, -0.1], noise=0.1, picks=picks)
    (found,) = slot_bias(answers)
    effects = by_dummies(answers, 4)
    assert found.effects == pytest.approx(effects, abs=1e-8)
    assert found.first_to_last.value == pytest.approx(-3 * np.polyfit(range(4), effects, 1)[0])
    without = np.array([by_dummies([each for each in answers if each.run != run], 4) for run in range(5)])
    errors = np.sqrt(4 * without.var(axis=0))
    assert (found.high - found.low) / 2 / 2.7764451 == pytest.approx(errors, rel=1e-4)


def test_a_model_that_ignores_slots_has_exactly_no_slot_effect_if_every_pair_was_shown_both_ways():
    answers = [SlotAnswer(run, (a, b), (int(b < a),)) for run in range(3) for a in range(4) for b in range(4) if a != b]
    (found,) = slot_bias(answers)
    assert not found.effects.any()
    assert (found.first_to_last.value, found.first_to_last.low) == (0, 0)


def test_a_model_that_always_names_the_first_slot_gives_it_all_the_advantage_there_is():
    answers = [SlotAnswer(run, (a, b), (0,)) for run in range(3) for a in range(4) for b in range(4) if a != b]
    (found,) = slot_bias(answers)
    assert found.effects == pytest.approx([0.5, -0.5])
    assert found.best_share.tolist() == [1, 0]
    assert found.first_to_last.value == pytest.approx(1)


def test_what_a_slot_holds_is_not_taken_for_what_the_slot_does():
    """The better documents stand in the upper slots in most prompts, as in a window that slides."""
    chance = np.random.default_rng(4)
    answers = []
    for run in range(8):
        for _ in range(12):
            shown = chance.permutation(6)[:3]
            shown = np.sort(shown) if chance.random() < 0.7 else shown
            chosen = np.argsort(shown + chance.normal(0, 1.5, 3)).tolist()
            answers.append(SlotAnswer(run, tuple(shown.tolist()), tuple(chosen)))
    (found,) = slot_bias(answers)
    assert found.mean_place[0] < 1.7
    assert found.mean_place[2] > 2.3
    assert found.first_to_last.low < 0 < found.first_to_last.high


def test_results_come_by_size_of_prompt_with_the_most_frequent_first():
    answers = [*windows(6, 3, 2, [0, 0, 0]), *windows(6, 2, 3, [0, 0])]
    assert [(found.size, found.prompts, found.runs) for found in slot_bias(answers)] == [(2, 24, 3), (3, 16, 2)]


def test_prompts_without_an_answer_are_counted_and_one_run_gives_no_interval():
    answers = [*windows(6, 3, 1, [0, 0, 0]), SlotAnswer(0, (0, 1, 2), ())]
    (found,) = slot_bias(answers)
    assert (found.prompts, found.unanswered) == (9, 1)
    assert found.low is None
    assert found.first_to_last.low is None


def test_slots_that_always_hold_the_same_documents_cannot_be_told_from_them():
    (found,) = slot_bias([SlotAnswer(run, (0, 1, 2), (2, 0, 1)) for run in range(3)])
    assert found.effects is None
    assert found.first_to_last is None
    assert found.mean_place.tolist() == [2, 3, 1]


def test_nothing_heard_is_nothing_told():
    (found,) = slot_bias([SlotAnswer(0, (0, 1), ())])
    assert (found.effects, found.first_to_last, found.mean_place) == (None, None, None)
    assert slot_bias([]) == ()
