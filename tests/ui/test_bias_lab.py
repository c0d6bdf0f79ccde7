"""What is known of a strategy before its bias test, and how its figures are written."""

import pytest

from reranking.analysis.bias_model import Estimate
from reranking.documents import Document, as_candidates
from reranking.strategies.catalogue import make
from reranking.ui.bias_lab.choosing import first_choice, worth_testing
from reranking.ui.bias_lab.kept import ignores_order, is_steady
from reranking.ui.bias_lab.remedies import nothing_to_mend
from reranking.views import bias_figures
from reranking.views.amounts import spent


@pytest.mark.parametrize("kind", ["bm25", "dense", "late-interaction", "cross-encoder", "grade", "yes-no", "aspects"])
def test_what_scores_each_document_by_itself_is_known_to_ignore_the_order(kind):
    assert ignores_order(make({"kind": kind}))


@pytest.mark.parametrize("kind", ["input-order", "listwise", "grade-all", "pairwise-all", "attention", "cascade"])
def test_what_sees_several_documents_or_keeps_their_order_is_not(kind):
    assert not ignores_order(make({"kind": kind}))


def test_a_hosted_reranker_is_not_known_to_ignore_the_order_since_it_may_read_all_texts_together(monkeypatch):
    monkeypatch.setenv("COHERE_API_KEY", "k")
    assert ignores_order(make({"kind": "cross-encoder", "model": "hf:x/y"}))
    assert not ignores_order(make({"kind": "cross-encoder", "model": "rerank:cohere/rerank-v3.5"}))


def test_noise_is_controlled_for_unless_every_model_asked_answers_alike_each_time():
    steady = {"kind": "listwise", "model": "simulated:overlap"}
    assert is_steady(make("bm25"))
    assert is_steady(make(steady))
    assert not is_steady(make({"kind": "listwise", "model": "simulated:overlap?noise=0.1"}))
    assert not is_steady(make({"kind": "listwise", "model": "simulated:overlap?malformed=0.1"}))
    assert not is_steady(make({"kind": "listwise", "model": "openai:gpt-5-mini"}))
    assert not is_steady(make({"kind": "listwise", "model": "nowhere:unknown"}))
    assert is_steady(make({"kind": "self-consistency", "base": steady}))


def test_strategies_made_of_others_are_tested_first_if_one_of_those_shows_several_documents():
    plain = [make({"kind": "input-order"}), make({"kind": "bm25"})]
    grade = make({"kind": "grade", "model": "p:m"})
    assert worth_testing([*plain, grade, make({"kind": "self-consistency"})]) == 3
    assert worth_testing([*plain, grade]) == 2
    assert worth_testing(plain) == 0


def test_what_is_switched_off_or_failed_last_is_not_the_first_to_be_tested_as_long_as_there_is_another():
    several = [make({"kind": kind, "model": "p:m"}) for kind in ("listwise", "setwise", "grade")]
    strategies = [make("bm25"), *several]

    def first(on, failed=(0, 0, 0, 0)):
        return first_choice(strategies, [bool(one) for one in on], [bool(one) for one in failed])

    assert first((1, 1, 1, 1)) == 1
    assert first((1, 0, 1, 1)) == 2
    assert first((1, 0, 0, 1)) == 3
    assert first((1, 0, 0, 0)) == 0
    assert first((0, 0, 0, 0)) == 1
    assert first((1, 1, 1, 1), (0, 1, 0, 0)) == 2
    assert first((1, 1, 0, 0), (0, 1, 0, 0)) == 0
    assert first((0, 1, 0, 0), (0, 1, 0, 0)) == 1


def test_an_interval_is_written_with_real_minus_signs_and_a_dash_stands_for_what_is_not_known():
    assert bias_figures.interval(Estimate(-3.21, -4.06, -2.38)) == "−3.2 (−4.1 to −2.4)"
    assert bias_figures.interval(Estimate(0.0)) == "0"
    assert (
        bias_figures.interval(None)
        == bias_figures.figure(None)
        == bias_figures.share(None)
        == bias_figures.p(None)
        == "–"
    )
    assert (bias_figures.p(0.0004), bias_figures.p(0.03)) == ("< .001", ".03")
    assert (spent(None), spent(0.0), spent(0.25)) == ("unknown", "free", "$0.2500")


def test_a_figure_that_is_nearly_1_is_not_told_as_1():
    assert (bias_figures.figure(1.0), bias_figures.figure(0.9981), bias_figures.figure(0.994)) == (
        "1.00",
        "> 0.99",
        "0.99",
    )
    assert (bias_figures.figure(-1.0), bias_figures.figure(-0.9981), bias_figures.figure(-0.004)) == (
        "−1.00",
        "< −0.99",
        "0.00",
    )


def test_cells_of_tables_are_shown_as_the_characters_they_are():
    shown = bias_figures.table(("<b>",), [("<img src=x>",)])
    assert "<img" not in shown
    assert "&lt;img src=x&gt;" in shown


@pytest.mark.parametrize("ids", [("a", "b", "c"), ("a", "a", "b"), ("a", "a", "a (2)")])
def test_documents_of_equal_ids_are_told_apart_in_the_raw_runs(ids):
    found = bias_figures.document_ids(as_candidates([Document("text", id=id) for id in ids]))
    assert len(set(found)) == 3
    assert ids[2] in found[2]


@pytest.mark.parametrize("queries", [1, 3])
@pytest.mark.parametrize("found", ["cannot tell", "repairs", "failed"])
def test_what_is_not_known_is_never_told_as_nothing_to_mend(found, queries):
    said = nothing_to_mend(found, ["Probability mode"], queries, by_side=False)
    assert said == "Whether there is a bias to mend is not known yet."


def test_that_a_model_goes_by_the_side_is_told_of_several_queries_as_of_one():
    one, three = (nothing_to_mend("all tied", [], queries, by_side=True) for queries in (1, 3))
    assert one == three
    assert "a model that tells the documents apart" in one
