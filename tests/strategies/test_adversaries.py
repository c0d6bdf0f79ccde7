"""What each fault of a model comes to: the right outcome, and faults that are counted."""

import pytest

from reranking.models import ModelError
from reranking.replies import Choices, Text
from reranking.requests import Choose, Generate
from reranking.strategies.catalogue import fill_model, make, strategies
from tests.oracles import BROKEN_CHOICES, BROKEN_TEXTS, PerfectOracle, Scripted, adversary
from tests.support import rank

COUNT = 7

ONE_WINDOW = ("listwise", "listwise-window", "listwise-groups", "listwise-partition")
"""Listwise strategies that ask once for few documents."""

LISTWISE = (*ONE_WINDOW, "tournament", "self-consistency")

BOTH_ORDERS = ("pairwise-all", "pairwise-sort", "pairwise-sliding", "pairwise-active")

CHOOSING = (*BOTH_ORDERS, "pairwise-random", "setwise", "setwise(method='tree')", "yes-no", "grade(mode='expected')")

NOTHING_SAID = [fault for fault in BROKEN_TEXTS if fault not in ("repeating", "inventing", "superscript", "long")]

NOTHING_CHOSEN = ["empty", "minus infinity", "not a number", "mixed"]


def ranked(kind, model, count=COUNT):
    return rank(fill_model(make(kind), model, model.answers), count)


def counted(ranking):
    return {note.code: note.data.get("count") for note in ranking.diagnostics}


def lose(which, model):
    """`model`, but for the calls whose number `which` says yes to; how many were lost is its `lost`."""

    def answer(request, number):
        if which(number):
            door.lost += 1
            raise ModelError("server", "The server failed (500).", raw="<html>")
        return model.answer(request)

    door = Scripted(answer, lost=0)
    return door


def test_every_kind_that_orders_lists_or_chooses_is_tried_here():
    tried = {variant.split("(")[0] for variant in (*LISTWISE, *CHOOSING)}
    for kind, cls in strategies().items():
        lists = cls.asks == (Generate,) and getattr(cls, "prompt_file", "") == "listwise"
        assert kind in tried or not (lists or Choose in cls.asks)


# Lists


@pytest.mark.parametrize("kind", ONE_WINDOW)
def test_repeated_identifiers_are_counted_and_the_first_one_counts(kind):
    ranking = ranked(kind, adversary("repeating", fails=False))
    assert ranking.outcome == "repaired"
    assert ranking.order == tuple(range(COUNT))
    assert counted(ranking) == {"missing": None, "duplicates": 3}
    assert next(note.indexes for note in ranking.diagnostics if note.code == "missing") == (2, 3, 4, 5, 6)


@pytest.mark.parametrize("kind", ONE_WINDOW)
def test_invented_identifiers_are_counted_and_dropped(kind):
    ranking = ranked(kind, adversary("inventing", fails=False))
    assert ranking.outcome == "repaired"
    assert ranking.order == (1, 0, 2, 3, 4, 5, 6)
    assert counted(ranking) == {"missing": None, "out-of-range": 3}
    only_invented = Scripted(lambda request, number: Text(text="[99] > [0] > [1000]"))
    assert ranked(kind, only_invented).outcome == "failed"


@pytest.mark.parametrize("kind", ONE_WINDOW)
def test_numbers_in_other_signs_are_read_and_what_is_left_out_is_counted(kind):
    ranking = ranked(kind, adversary("superscript", fails=False))
    assert ranking.outcome == "repaired"
    assert ranking.order == (1, 0, 2, 3, 4, 5, 6)
    assert counted(ranking) == {"missing": None}


@pytest.mark.parametrize("kind", ONE_WINDOW)
def test_fifty_thousand_characters_are_read_to_their_end(kind):
    assert len(BROKEN_TEXTS["long"]) > 50_000
    ranking = ranked(kind, adversary("long", fails=False))
    assert ranking.outcome == "repaired"
    assert ranking.order == (6, 0, 1, 2, 3, 4, 5)
    assert counted(ranking) == {"missing": None, "duplicates": 8499}
    assert ranked(kind, adversary("long", fails=False), 6).outcome == "failed"


@pytest.mark.parametrize("kind", LISTWISE)
@pytest.mark.parametrize("fault", NOTHING_SAID)
def test_a_text_that_states_no_order_fails_the_ranking_and_is_kept(kind, fault):
    model = adversary(fault, fails=False)
    ranking = ranked(kind, model)
    assert model.count
    assert ranking.outcome == "failed"
    assert {item.rank for item in ranking} == {None}
    assert any(note.raw == BROKEN_TEXTS[fault] for note in ranking.diagnostics)


@pytest.mark.parametrize(
    "kind", ["listwise-window", "listwise-groups", "listwise-partition", "tournament", "self-consistency"]
)
@pytest.mark.parametrize("fault", ["empty", "refusing", "half json"])
def test_where_other_replies_came_the_ranking_is_partial(kind, fault):
    oracle, broken = PerfectOracle([at / 45 for at in range(45)]), adversary(fault, fails=False)
    model = Scripted(lambda request, number: (broken if number == 2 else oracle).answer(request))
    ranking = ranked(kind, model, 45)
    assert model.count > 2
    assert ranking.outcome == "partial"
    assert {item.rank for item in ranking} == set(range(1, 46))
    assert any(note.raw == BROKEN_TEXTS[fault] and note.code == "unusable-reply" for note in ranking.diagnostics)


@pytest.mark.parametrize("kind", [*LISTWISE[1:], *CHOOSING, "grade", "aspects", "query-likelihood"])
def test_lost_calls_are_reported_with_their_documents(kind):
    model = lose(lambda number: number % 3 == 0, PerfectOracle([at / 45 for at in range(45)]))
    ranking = ranked(kind, model, 45)
    assert model.lost > 0
    assert ranking.outcome == "partial"
    notes = [note for note in ranking.diagnostics if note.code == "server"]
    assert all(note.message.endswith("The server failed (500).") and note.raw == "<html>" for note in notes)
    assert notes
    named = {index for note in notes for index in note.indexes}
    if kind == "pairwise-random":  # which names the documents that have no score for it
        assert named == {item.index for item in ranking if item.score is None}
    else:
        assert named


# Choices


@pytest.mark.parametrize("kind", BOTH_ORDERS)
@pytest.mark.parametrize("fault", ["one-sided", "other-sided"])
@pytest.mark.parametrize("mode", ["agreement", "log-odds"])
def test_a_preference_for_one_side_cancels_over_both_orders(kind, fault, mode):
    ranking = ranked(f"{kind}(mode='{mode}')", adversary(fault, fails=False))
    assert ranking.outcome == "complete"
    assert ranking.diagnostics == ()
    assert ranking.order == tuple(range(COUNT))
    assert {item.tie for item in ranking} == {1}
    assert ranking.details["inconsistent"] == ranking.details["compared"] > 0
    assert len(ranking.details["inconsistent_pairs"]) == ranking.details["compared"]
    assert ranking.details["cyclic"] == []


@pytest.mark.parametrize("fault", ["one-sided", "other-sided"])
def test_a_preference_for_one_side_is_an_answer_like_any_other_where_one_order_is_asked(fault):
    for kind in ("pairwise-random", "setwise", "setwise(method='tree')"):
        ranking = ranked(kind, adversary(fault, fails=False))
        assert ranking.outcome == "complete"
        assert ranking.diagnostics == ()
    for kind, scores in (
        ("yes-no", {"one-sided": 1.0, "other-sided": 0.0}),
        ("grade(mode='expected', top=5)", {"one-sided": 0, "other-sided": 5}),
    ):
        ranking = ranked(kind, adversary(fault, fails=False))
        assert ranking.outcome == "complete"
        assert {item.score for item in ranking} == {scores[fault]}
        assert {item.tie for item in ranking} == {1}


@pytest.mark.parametrize("kind", CHOOSING)
@pytest.mark.parametrize("fault", NOTHING_CHOSEN)
def test_choices_without_a_number_fail_the_ranking(kind, fault):
    model = adversary(fault, fails=False)
    ranking = ranked(kind, model)
    assert model.count
    assert ranking.outcome == "failed"
    assert {item.score for item in ranking} == {None}
    assert {note.code for note in ranking.diagnostics} <= {"unusable-reply", "not-connected"}


@pytest.mark.parametrize("kind", CHOOSING)
@pytest.mark.parametrize("fault", NOTHING_CHOSEN)
def test_where_other_choices_came_the_ranking_is_partial(kind, fault):
    oracle, broken = PerfectOracle([at / 45 for at in range(45)]), adversary(fault, fails=False)
    model = Scripted(lambda request, number: (broken if number == 2 else oracle).answer(request))
    ranking = ranked(kind, model, 12)
    assert ranking.outcome == "partial"
    assert [note.code for note in ranking.diagnostics if note.code != "first-kept"] == ["unusable-reply"]


@pytest.mark.parametrize("kind", CHOOSING)
def test_minus_infinity_is_an_answer_that_is_certainly_not_meant(kind):
    """As None is: with either, the other choices decide."""

    def first_only(nothing):
        return Scripted(lambda request, number: Choices(logprobs=(-0.5, *[nothing] * (len(request.choices) - 1))))

    one, two = (ranked(kind, first_only(nothing)) for nothing in (None, float("-inf")))
    assert one.items == two.items
    assert one.outcome == two.outcome == "complete"


def test_the_faults_differ():
    said = [tuple(map(str, broken(4))) for broken in BROKEN_CHOICES.values()]
    assert len(set(said)) == len(said)
    assert len(set(BROKEN_TEXTS.values())) == len(BROKEN_TEXTS)
