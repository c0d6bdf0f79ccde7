"""Top-down partitioning: the top is exact, in few requests, and nothing gets lost on the way."""

import asyncio
import random

import pytest

from reranking.models import ModelError
from reranking.replies import Text
from reranking.strategies.partition import Partition
from tests.oracles import PerfectOracle, Scripted
from tests.support import candidates, rank


def driven(grades, **parameters):
    """The ranking, and the requests of each dependent step, under a model that is always right."""
    oracle = PerfectOracle(grades)
    steps = Partition(model=oracle, **parameters).steps("q", candidates(len(grades)))
    batches, answer = [], None
    while True:
        try:
            batches.append(steps.send(answer))
        except StopIteration as stop:
            return stop.value, batches
        answer = [asyncio.run(oracle.answer(request)) for request in batches[-1]]


def shuffled(count, seed, levels=None):
    chance = random.Random(f"{count} {seed}")
    if levels:
        return [chance.randrange(levels) / levels for _ in range(count)]
    return [at / count for at in chance.sample(range(count), count)]


def asked(batches):
    return sum(len(batch) for batch in batches)


def in_words(order):
    return Text(text=" > ".join(f"[{slot + 1}]" for slot in order))


@pytest.mark.parametrize(("window", "cutoff"), [(2, 1), (3, 2), (8, 1), (8, 4), (8, 7), (20, 10)])
@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 9, 15, 16, 40, 100])
def test_the_top_is_exact_whatever_the_order_with_and_without_ties(count, window, cutoff):
    lists = [shuffled(count, seed, levels) for seed in range(3) for levels in (None, 2, 5)]
    lists += [sorted(shuffled(count, 0)), sorted(shuffled(count, 0), reverse=True)]
    for grades in lists:
        ranking, _ = driven(grades, window=window, cutoff=cutoff, budget=100)
        assert sorted(ranking.order) == list(range(count))
        assert [grades[at] for at in ranking.order[:cutoff]] == sorted(grades, reverse=True)[:cutoff]
        assert ranking.outcome == "complete"
        assert ranking.diagnostics == ()


@pytest.mark.parametrize("count", range(2, 62, 3))
def test_every_document_is_shown_to_the_model_at_least_once(count):
    _, batches = driven(shuffled(count, 1), window=8, cutoff=4)
    assert {index for batch in batches for request in batch for index in request.shown} == set(range(count))
    assert all(2 <= len(request.shown) <= 8 for batch in batches for request in batch)


def test_a_list_that_fits_the_window_takes_one_request():
    for count in (2, 19, 20):
        assert [len(batch) for batch in driven(shuffled(count, 0))[1]] == [1]
    assert driven([0.5])[1] == []


def test_a_good_input_order_takes_one_round_of_all_partitions_at_once():
    grades = sorted(shuffled(100, 0), reverse=True)
    ranking, batches = driven(grades)
    assert [len(batch) for batch in batches] == [1, 5]  # 20 documents, then 80 of them, 19 at a time
    assert ranking.order[:10] == tuple(range(10))


def test_the_requests_and_steps_that_are_stated_for_100_documents_hold():
    runs = [driven(shuffled(100, seed))[1] for seed in range(100)]
    assert 8.5 < sum(map(asked, runs)) / len(runs) < 9.5
    assert {len(batches) for batches in runs} <= {3, 4, 5}
    _, batches = driven(sorted(shuffled(100, 0)))
    assert (asked(batches), len(batches)) == (15, 7)


def test_equal_documents_stay_as_they_were_after_one_round():
    """The pivot stands first in its windows, so that an equal one does not pass it."""
    ranking, batches = driven([0.5] * 60)
    assert ranking.order == tuple(range(60))
    assert len(batches) == 2


def test_the_pivot_is_the_document_at_the_cutoff_and_stands_first_in_every_partition():
    grades = shuffled(60, 3)
    _, batches = driven(grades, window=10, cutoff=4)
    pivot = sorted(range(10), key=lambda at: -grades[at])[3]
    assert all(request.shown[0] == pivot for request in batches[1])
    assert [index for request in batches[1] for index in request.shown[1:]] == list(range(10, 60))


def test_when_the_budget_ends_it_the_ranking_says_so_and_holds_everything():
    grades = sorted(shuffled(100, 0))
    ranking, batches = driven(grades, budget=1)
    assert [len(batch) for batch in batches] == [1, 5, 1]
    assert sorted(ranking.order) == list(range(100))
    (note,) = ranking.diagnostics
    assert note.code == "budget-ended"
    assert len(note.indexes) > 20
    assert all(grades[at] > grades[9] for at in note.indexes[10:])


def refusing(grades, refused):
    """A model that is right, but gives nothing for the requests that `refused` names by number (from 1)."""

    def answer(request, number):
        if number in refused:
            return Text(text="I cannot.")
        return in_words(sorted(range(len(request.shown)), key=lambda slot: -grades[request.shown[slot]]))

    return Scripted(answer)


@pytest.mark.parametrize("refused", [{1}, {2}, {3}, {4}, {2, 3, 4}, {1, 2, 3, 4}])
def test_windows_without_an_order_are_told_and_no_document_is_lost(refused):
    grades = shuffled(70, 5)
    ranking = rank(Partition(model=refusing(grades, refused)), 70)
    assert sorted(ranking.order) == list(range(70))
    assert ranking.outcome == "partial"
    (kept,) = [note for note in ranking.diagnostics if note.code == "window-kept"]
    assert kept.message.startswith(f"{len(refused)} of ")


def test_documents_of_a_lost_partition_stay_in_the_running_and_are_asked_about_again():
    grades = [at / 40 for at in range(40, 0, -1)]
    grades[-1] = 1.5  # the best one is in the last partition, and nothing comes of that at first
    model = refusing(grades, {3})
    ranking = rank(Partition(model=model), 40)
    assert ranking.outcome == "partial"
    assert ranking.order[0] == 39


def test_a_first_window_without_an_order_keeps_it():
    ranking = rank(Partition(model=refusing([0.0] * 40, {1})), 40)
    assert ranking.order == tuple(range(40))
    assert ranking.outcome == "partial"


def test_when_nothing_comes_back_the_ranking_is_failed_after_a_bounded_number_of_requests():
    def never(request, number):
        raise ModelError("server", "The server failed (500).")

    model = Scripted(never)
    ranking = rank(Partition(model=model, budget=3), 100)
    assert ranking.outcome == "failed"
    assert model.count <= 3 * 6 + 1


def test_a_cutoff_that_is_no_place_inside_the_window_is_refused():
    with pytest.raises(ValueError, match="cutoff must be smaller than window"):
        Partition(window=10, cutoff=10)
