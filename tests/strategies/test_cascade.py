"""Cascades: what drops out, what goes on, and what a stage's failure leaves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.models import ModelError
from reranking.replies import Choices
from reranking.strategies.catalogue import fill_model, make
from reranking.strategies.combining import Cascade
from tests.oracles import PerfectOracle, Scripted
from tests.support import rank


def cascade(*stages):
    return make(
        {
            "kind": "cascade",
            "stages": [{"strategy": {"kind": kind, **more}, "keep": keep} for kind, keep, more in stages],
        }
    )


def with_oracle(strategy, grades):
    oracle = PerfectOracle(grades)
    return fill_model(strategy, oracle, oracle.answers), oracle


@settings(max_examples=60)
@given(st.data())
def test_the_kept_are_ordered_by_the_last_stage_and_the_rest_follow_as_the_first_left_them(data):
    count = data.draw(st.integers(1, 15))
    keep = data.draw(st.integers(1, 15))
    grades = data.draw(st.lists(st.integers(0, 4).map(lambda grade: grade / 4), min_size=count, max_size=count))
    strategy, oracle = with_oracle(cascade(("input-order", keep, {}), ("yes-no", 10, {})), grades)
    ranking = rank(strategy, count)
    went_on = min(keep, count)
    assert sorted(ranking.order[:went_on]) == list(range(went_on))
    assert [grades[index] for index in ranking.order[:went_on]] == sorted(grades[:went_on], reverse=True)
    assert ranking.order[went_on:] == tuple(range(went_on, count))
    assert [item.score is None for item in ranking] == [at >= went_on for at in range(count)]
    assert [item.rank for item in ranking] == list(range(1, count + 1))
    ties = [item.tie for item in ranking]
    assert ties == sorted(ties)
    assert len(oracle.asked) == went_on


def test_ties_stay_ties_in_every_stage():
    strategy, _ = with_oracle(cascade(("yes-no", 2, {}), ("grade", 5, {})), [0.5, 0.5, 0.1, 0.1])
    assert [item.tie for item in rank(strategy, 4)] == [1, 1, 2, 2]


def test_three_stages_narrow_down_and_each_is_told_in_the_details():
    grades = [at / 12 for at in range(12)]
    strategy, oracle = with_oracle(cascade(("input-order", 8, {}), ("yes-no", 3, {}), ("listwise", 3, {})), grades)
    ranking = rank(strategy, 12)
    assert ranking.order == (7, 6, 5, 4, 3, 2, 1, 0, 8, 9, 10, 11)
    assert [len(stage["order"]) for stage in ranking.details["stages"]] == [12, 8, 3]
    assert ranking.score_kind == "rank only"
    assert len(oracle.asked) == 9


def test_a_later_stage_that_fails_leaves_the_order_so_far_and_says_so():
    def gone(request, number):
        raise ModelError("server", "The server failed (500).")

    model = Scripted(gone)
    ranking = rank(fill_model(cascade(("input-order", 3, {}), ("yes-no", 3, {})), model, model.answers), 6)
    assert (ranking.outcome, ranking.order) == ("partial", (0, 1, 2, 3, 4, 5))
    assert all(item.score is None for item in ranking)
    assert "Stage 2 (yes-no" in ranking.diagnostics[0].message


def test_a_first_stage_that_fails_fails_the_cascade_and_asks_no_further():
    def gone(request, number):
        raise ModelError("server", "The server failed (500).")

    first = Scripted(gone)
    second = Scripted(lambda request, number: Choices(logprobs=(0.0, -1.0)))
    strategy = cascade(("yes-no", 3, {"model": first}), ("yes-no", 3, {"model": second}))
    assert rank(strategy, 4).outcome == "failed"
    assert second.count == 0


def test_a_cascade_is_the_same_after_a_round_trip_through_json():
    strategy = cascade(("bm25", 4, {"k1": 2.0}), ("cascade", 2, {}))
    assert make(strategy.spec()) == strategy
    assert isinstance(strategy, Cascade)


@pytest.mark.parametrize(
    "stages", [[], [{"strategy": {"kind": "nothing"}}], [{"strategy": {"kind": "bm25"}, "keep": 0}]]
)
def test_stages_that_cannot_be_are_refused(stages):
    with pytest.raises(ValueError, match="cascade"):
        make({"kind": "cascade", "stages": stages})


@pytest.mark.parametrize(
    ("grades", "keep", "tied"),
    [([0.9, 0.5, 0.5, 0.5, 0.1], 2, (1, 2, 3)), ([0.9, 0.5, 0.5, 0.1], 3, None), ([0.5, 0.5], 5, None)],
)
def test_a_cut_through_a_tie_is_reported_with_the_documents_concerned(grades, keep, tied):
    strategy, _ = with_oracle(cascade(("yes-no", keep, {}), ("grade", 1, {})), grades)
    ranking = rank(strategy, len(grades))
    notes = [note for note in ranking.diagnostics if note.code == "cut-through-tie"]
    assert [note.indexes for note in notes] == ([] if tied is None else [tied])
    assert ranking.order == tuple(range(len(grades)))
