"""Windows, groups and tournaments: what a perfect model guarantees, published requests and published runs."""

import json
import math
import random
import re

import pytest

from reranking.documents import Document, as_candidates
from reranking.parsing import parse_order
from reranking.replies import Text
from reranking.strategies.catalogue import fill_model, make
from reranking.strategies.windowed import Tournament, spans, split
from tests.oracles import PerfectOracle, Scripted
from tests.support import SHARED, needs_shared, rank


def run(kind, grades, **parameters):
    oracle = PerfectOracle(grades)
    return rank(fill_model(make({"kind": kind, **parameters}), oracle, oracle.answers), len(grades)), oracle


def some_grades(count, seed):
    chance = random.Random(f"{count} {seed}")
    return [chance.randrange(5) / 5 if seed % 2 else at / 100 for at in chance.sample(range(100), count)]


def test_every_document_is_shown_to_the_model_at_least_once_for_every_n_window_and_stride():
    for count in range(61):
        for window in range(2, 25):
            for stride in range(1, window):
                found = spans(count, window, stride)
                assert {place for start, end in found for place in range(start, end)} == set(range(count))
                wanted = 1 if count <= window else math.ceil((count - window) / stride) + 1
                assert len(found) == wanted


@needs_shared
def test_the_number_of_windows_is_as_published():
    figures = json.loads((SHARED / "conformance" / "figures.json").read_text())["listwise_requests"]
    for key, value in figures.items():
        if key.startswith("n="):
            assert len(run("listwise-window", some_grades(int(key[2:]), 0))[1].asked) == value


@pytest.mark.parametrize("count", [0, 1, 2, 10, 19, 20, 21, 25, 40, 55])
def test_one_pass_brings_the_best_to_the_top_and_more_passes_order_more(count):
    for seed in range(4):
        grades = some_grades(count, seed)
        for passes in (1, 2):
            ranking, _ = run("listwise-window", grades, window=8, stride=3, passes=passes)
            assert [grades[at] for at in ranking.order[: 5 * passes]] == sorted(grades, reverse=True)[: 5 * passes]
            assert ranking.outcome == "complete"


@pytest.mark.parametrize("count", [0, 1, 2, 10, 20, 21, 40, 100])
@pytest.mark.parametrize("k", [1, 5, 10])
def test_groups_give_the_exact_top_k(count, k):
    for seed in range(4):
        grades = some_grades(count, seed)
        ranking, _ = run("listwise-groups", grades, k=k)
        assert [grades[at] for at in ranking.order[:k]] == sorted(grades, reverse=True)[:k]


def test_groups_ask_eleven_times_for_the_top_10_of_100():
    assert len(run("listwise-groups", some_grades(100, 0))[1].asked) == 11


@pytest.mark.parametrize("count", [0, 1, 2, 5, 21, 60])
def test_the_best_document_wins_every_tournament(count):
    grades = some_grades(count, 0)
    ranking, _ = run("tournament", grades, tournaments=3, window=8)
    if count:
        assert grades[ranking.order[0]] == max(grades)
        if count > 1:
            assert ranking.items[0].score == max(item.score for item in ranking)
            assert ranking.items[0].tie != ranking.items[1].tie


def test_a_tournament_asks_for_the_stated_number_of_groups():
    *_, told, sizes, _ = re.split(r": | of them for n = |, window", Tournament.requests)
    stated = [int(number) for number in re.findall(r"\d+", told)]
    counts = [int(number) for number in re.findall(r"\d+", sizes)]
    assert len(stated) == len(counts) == 3
    for count, groups in zip(counts, stated, strict=True):
        for tournaments in (1, 10):
            ranking, oracle = run("tournament", some_grades(count, 0), tournaments=tournaments)
            assert ranking.usage.requests == tournaments * groups
            assert tournaments == 10 or len(oracle.asked) == groups


def test_tournaments_with_the_same_seed_are_the_same():
    grades = some_grades(30, 0)
    one, two = (run("tournament", grades, tournaments=2)[0] for _ in range(2))
    assert one.items == two.items
    assert one.items != run("tournament", grades, tournaments=2, seed=2)[0].items


def test_groups_of_a_stage_are_as_equal_as_they_can_be():
    for count in range(1, 80):
        sizes = [len(group) for group in split(range(count), 20)]
        assert max(sizes) <= 20
        assert max(sizes) - min(sizes) <= 1
        assert sum(sizes) == count


@pytest.mark.parametrize("kind", ["listwise-window", "listwise-groups", "tournament"])
def test_a_reply_without_an_order_keeps_its_documents_and_makes_the_ranking_partial(kind):
    def answer(request, number):
        count = len(request.shown)
        return Text(text="I cannot." if number == 2 else " > ".join(f"[{at}]" for at in range(count, 0, -1)))

    model = Scripted(answer)
    ranking = rank(fill_model(make({"kind": kind}), model, model.answers), 45)
    assert ranking.outcome == "partial"
    assert "window-kept" in {note.code for note in ranking.diagnostics}


@pytest.mark.parametrize(("kind", "wrong"), [("listwise-window", {"stride": 20}), ("listwise-groups", {"k": 20})])
def test_parameters_that_cannot_work_are_refused_with_the_reason(kind, wrong):
    with pytest.raises(ValueError, match="smaller than window"):
        make({"kind": kind, **wrong})


REPLAYS = ("clean", "duplicates", "numbered")


def replayed(name, rule):
    """Per query the published run and ours, given the recorded replies as `rule` writes them down."""
    recorded = json.loads((SHARED / "conformance" / f"listwise_replay_{name}.json").read_text())
    for query in recorded["queries"]:
        replies = iter(query["responses"])
        model = Scripted(lambda request, number, replies=replies: Text(text=rule(next(replies))))
        items = as_candidates([Document("x", id=one) for one in query["candidates"]])
        strategy = fill_model(make("listwise-window"), model, model.answers)
        ranking = rank(strategy, items)
        yield query["expected"], [item.candidate.id for item in ranking], query["responses"]


def published_rule(reply):
    """Every run of digits is an identifier."""
    return " > ".join(f"[{digits}]" for digits in re.findall(r"\d+", reply))


@needs_shared
@pytest.mark.parametrize("name", REPLAYS)
def test_recorded_replies_under_the_published_rule_give_the_published_runs(name):
    found = list(replayed(name, published_rule))
    assert len(found) == 43
    assert all(expected == ours for expected, ours, _ in found)


@needs_shared
@pytest.mark.parametrize(("name", "enumerated"), [("clean", 0), ("duplicates", 0), ("numbered", 20)])
def test_our_own_reading_differs_only_where_a_list_is_enumerated(name, enumerated):
    """The published rule takes the "1." of "1. [14] > [15]" for an identifier; it is no part of the list."""
    recorded = json.loads((SHARED / "conformance" / f"listwise_replay_{name}.json").read_text())
    replies = [reply for query in recorded["queries"] for reply in query["responses"]]
    different = [
        reply for reply in replies if parse_order(reply, 20).places != parse_order(published_rule(reply), 20).places
    ]
    assert len(different) == enumerated
    assert all(re.match(r"1\. \[\d+\]", reply) for reply in different)
