"""Self-consistency: which shuffles are ranked, what the runs agree on, and what is told of them."""

import math
import random
import re
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.analysis import consensus
from reranking.documents import as_candidates
from reranking.guide import page
from reranking.models import ModelError
from reranking.ranking import by_order, by_score
from reranking.replies import Text
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import fill_model, make
from reranking.strategies.consistency import shuffles
from tests.oracles import PerfectOracle, Scripted
from tests.support import candidates, gateway, rank

METHODS = ["kemeny", "borda", "copeland", "reciprocal rank"]


def consistency(**parameters):
    return make({"kind": "self-consistency", **parameters})


def with_model(strategy, model):
    return fill_model(strategy, model, model.answers)


class Noisy(Strategy):
    """Prefers what it is shown first: each document's worth is its grade less a part of its place."""

    kind: str = "noisy"
    grades: tuple[float, ...]
    bias: float

    def steps(self, query, candidates):
        worth = [self.grades[item.index] - self.bias * place for place, item in enumerate(candidates)]
        yield []
        return by_order(candidates, sorted(range(len(candidates)), key=lambda place: -worth[place]))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 10, 30])
@pytest.mark.parametrize("runs", [1, 2, 5, 23, 50])
def test_every_run_has_another_shuffle_and_short_lists_are_given_in_each_order_once(count, runs):
    orders = shuffles(count, runs, seed=1)
    assert len(orders) == len(set(orders)) == min(runs, math.factorial(count))
    assert all(sorted(order) == list(range(count)) for order in orders)
    assert orders == shuffles(count, runs, seed=1)
    if count > 4:
        assert runs == 1 or orders != shuffles(count, runs, seed=2)


@pytest.mark.parametrize("base", ["listwise", "yes-no", "bm25", "listwise-window(window=4, stride=2)", "setwise(k=3)"])
@pytest.mark.parametrize("method", METHODS)
def test_one_run_is_the_base_strategy_with_its_ties(base, method):
    grades = [0.5, 0.2, 0.9, 0.5, 0.1, 0.5, 0.2, 0.8]
    alone_model, single_model = PerfectOracle(grades), PerfectOracle(grades)
    plain = rank(with_model(make(base), alone_model), 8)
    single = rank(with_model(consistency(base=base, runs=1, method=method), single_model), 8)
    assert single.order == plain.order
    assert [item.tie for item in single] == [item.tie for item in plain]
    asked, asked_alone = ([(one.content(), one.shown) for one in model.asked] for model in (single_model, alone_model))
    assert asked == asked_alone


def test_all_shuffles_are_asked_at_once_and_candidates_keep_their_identity():
    model = PerfectOracle([at / 10 for at in range(10)])
    steps = with_model(consistency(runs=4), model).steps("q", candidates(10))
    asked = [next(part) for part in next(steps).parts]
    assert [len(batch) for batch in asked] == [1, 1, 1, 1]
    shown = [batch[0].shown for batch in asked]
    assert len(set(shown)) == 4
    for batch in asked:
        prompt = batch[0].messages[-1].text
        places = [prompt.index(f"text number {index}") for index in batch[0].shown]
        assert places == sorted(places)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4).map(lambda grade: grade / 4), max_size=12), st.sampled_from(METHODS),
       st.integers(1, 6), st.sampled_from(["listwise(reasons=False)", "pairwise-all", "yes-no"]))  # fmt: skip
def test_what_the_base_strategy_guarantees_is_kept(grades, method, runs, base):
    oracle = PerfectOracle(grades)
    ranking = rank(with_model(consistency(base=base, method=method, runs=runs), oracle), len(grades))
    assert [grades[at] for at in ranking.order] == sorted(grades, reverse=True)
    assert ranking.outcome == "complete"


@pytest.mark.parametrize("method", METHODS)
def test_shuffles_cancel_a_preference_for_what_is_shown_first(method):
    chance = random.Random(1)
    grades = tuple(at / 8 for at in chance.sample(range(8), 8))
    best = sorted(range(8), key=lambda at: -grades[at])
    items = [candidates(8)[at] for at in reversed(best)]  # the worst documents are shown first
    base = Noisy(grades=grades, bias=0.15)

    def wrong_pairs(ranking):
        return sum(best.index(one) > best.index(two) for one, two in combinations(ranking.order, 2))

    assert wrong_pairs(rank(base, items)) == 28
    assert wrong_pairs(rank(consistency(base=base, runs=50, method=method), items)) <= 5


def test_scores_and_their_kind_are_those_of_the_method():
    oracle = PerfectOracle([0.1, 0.9, 0.5])
    kinds = {}
    for method in METHODS:
        ranking = rank(with_model(consistency(method=method, runs=3), oracle), 3)
        kinds[method] = (ranking.score_kind, [item.score for item in ranking])
    assert kinds == {
        "kemeny": ("rank only", [None] * 3),
        "borda": ("Borda points", [6.0, 3.0, 0.0]),
        "copeland": ("majorities won", [2.0, 1.0, 0.0]),
        "reciprocal rank": ("reciprocal ranks", pytest.approx([3 / 61, 3 / 62, 3 / 63])),
    }


def fails_on(*numbers):
    """A model whose calls of these numbers fail, and that else answers with the order shown."""

    def answer(request, number):
        if number in numbers:
            raise ModelError("server", "The server failed (500).", raw="<html>")
        return Text(text=" > ".join(f"[{at}]" for at in range(1, len(request.shown) + 1)))

    return Scripted(answer)


def test_runs_that_failed_are_left_out_and_reported():
    ranking = rank(with_model(consistency(runs=4), fails_on(2, 3)), 6)
    assert ranking.outcome == "partial"
    lost = next(note for note in ranking.diagnostics if note.code == "runs-lost")
    assert lost.message == "2 of 4 runs gave no ranking and are left out."
    assert [run["order"] is None for run in ranking.details["runs"]] == [at + 1 in lost.data["runs"] for at in range(4)]
    assert len(ranking.details["runs"]) == 4
    server = next(note for note in ranking.diagnostics if note.code == "server")
    assert re.fullmatch(r"Runs \d, \d: The server failed \(500\)\.", server.message)
    assert server.raw == "<html>"
    assert all("in 2 runs" in item.explanation.reason or "each of 2 runs" in item.explanation.reason
               for item in ranking)  # fmt: skip


def test_if_no_run_gives_a_ranking_it_has_failed():
    ranking = rank(with_model(consistency(runs=3), fails_on(1, 2, 3)), 6)
    assert ranking.outcome == "failed"
    assert [(item.rank, item.score) for item in ranking] == [(None, None)] * 6
    assert ranking.order == tuple(range(6))


def test_a_mended_run_makes_it_repaired_and_a_partial_one_partial():
    def mended(request, number):
        return Text(text="[1]" if number == 2 else " > ".join(f"[{at}]" for at in range(1, len(request.shown) + 1)))

    assert rank(with_model(consistency(runs=3), Scripted(mended)), 4).outcome == "repaired"
    window = {"kind": "listwise-window", "window": 4, "stride": 2}
    ranking = rank(with_model(consistency(base=window, runs=3), fails_on(1)), 7)
    assert ranking.outcome == "partial"
    assert all(run["order"] is not None for run in ranking.details["runs"])


def test_a_note_that_all_runs_share_is_told_once():
    items = as_candidates(["word " * 400, "short", "shorter", "the shortest"])
    ranking = rank(with_model(consistency(runs=5), fails_on()), items)
    assert [note.code for note in ranking.diagnostics] == ["truncated"]
    assert ranking.diagnostics[0].message.startswith("All 5 runs: ")


def test_the_details_tell_each_run_the_spread_of_ranks_and_how_far_the_runs_agree():
    items = [candidates(8)[at] for at in (5, 2, 7, 0)]
    ranking = rank(with_model(consistency(runs=6), fails_on()), items)
    runs = ranking.details["runs"]
    assert [run["order"] for run in runs] == [run["shuffle"] for run in runs]  # the model keeps what it is shown
    assert all(sorted(run["shuffle"]) == [0, 2, 5, 7] for run in runs)
    assert [entry["index"] for entry in ranking.details["spread"]] == [5, 2, 7, 0]
    for entry in ranking.details["spread"]:
        ranks = sorted(run["order"].index(entry["index"]) + 1 for run in runs)
        assert (entry["min"], entry["max"]) == (ranks[0], ranks[-1])
        assert entry["median"] == (ranks[2] + ranks[3]) / 2
        assert ranks[0] <= entry["q1"] <= entry["median"] <= entry["q3"] <= ranks[-1]

    def tau(one, two):
        ahead = [(a, b) for at, a in enumerate(one) for b in one[at + 1 :]]
        return sum(1 if two.index(a) < two.index(b) else -1 for a, b in ahead) / len(ahead)

    pairs = [(one["order"], two["order"]) for at, one in enumerate(runs) for two in runs[at + 1 :]]
    assert ranking.details["tau"] == pytest.approx(sum(tau(one, two) for one, two in pairs) / len(pairs))
    assert ranking.details["consensus"]["approximate"] is False


def test_an_order_that_is_not_proven_best_is_called_approximate(monkeypatch):
    chance = random.Random(1)
    grades = tuple(chance.random() for _ in range(12))

    def hurried(rankings, weights=None):
        return consensus.kemeny(rankings, weights, seconds=0)

    monkeypatch.setattr("reranking.strategies.consistency.kemeny", hurried)
    ranking = rank(consistency(base=Noisy(grades=grades, bias=0.5), runs=3), 12)
    assert sorted(ranking.order) == list(range(12))
    told = ranking.details["consensus"]
    assert told["approximate"] == (told["lower_bound"] < told["disagreements"])
    assert told["approximate"]
    assert [note.code for note in ranking.diagnostics] == ["approximate"]


def test_each_document_says_between_which_ranks_it_moved():
    class Fixed(Strategy):
        kind: str = "fixed"

        def steps(self, query, candidates):
            yield []
            first = candidates[0].index in (0, 1)
            return by_score(candidates, [float(item.index if first else -item.index) for item in candidates], "x")

    ranking = rank(consistency(base=Fixed(), runs=6), 3)
    told = {item.index: item.explanation.reason for item in ranking}
    assert told[1] == "Rank 2 in each of 6 runs."
    assert told[0] == "Rank 1 to 3 in 6 runs, median 3."


def test_a_seed_decides_the_shuffles_and_a_saved_strategy_is_the_same():
    model = PerfectOracle([0.1, 0.5, 0.9, 0.3, 0.2], fingerprint="x")
    strategy = with_model(consistency(seed=7, base="yes-no"), model)
    assert rank(strategy, 5, through=gateway()).details == rank(strategy, 5, through=gateway()).details
    plain = consistency(seed=7, base="listwise", method="borda")
    assert make(plain.spec()) == plain


@pytest.mark.parametrize(
    ("base", "promise"),
    [("listwise", "exact order"), ("setwise", "exact top k"), ("tournament", "nothing exact"),
     ("self-consistency(base='pairwise-sort')", "exact top k")],
)  # fmt: skip
def test_the_guarantee_is_that_of_the_base(base, promise):
    assert make({"kind": "self-consistency", "base": base}).guarantee() == promise
    assert "| guarantee | that of its base |" in page()
