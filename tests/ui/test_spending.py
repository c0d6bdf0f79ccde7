"""What is said of cost: a number where it is known, unknown where it is not, and nothing is free by mistake."""

import pytest

from reranking.draft import Draft, Entry, draft_from_json
from reranking.engine import Estimate
from reranking.gateway import Budget
from reranking.jobs import JobStatus, Part, together
from reranking.ranking import Usage, by_order
from reranking.strategies.lexical import BM25
from reranking.ui import spending, state
from reranking.views.amounts import money, saved, spent, time_taken, tokens
from tests.support import candidates

NOTHING = Estimate(0, 0, True)
FREE = Estimate(8, 600, True)
PRICED = Estimate(20, 3500, True, 2000, 0.004, 0.086)
UNKNOWN = Estimate(5, 100, False, 0, None, None, ("ollama:x",))


@pytest.fixture(autouse=True)
def models(monkeypatch):
    """Models named openai: are paid, all others a server of one's own."""

    class Registry:
        def resolve(self, name):
            return type("Model", (), {"paid": name.startswith("openai:")})

    monkeypatch.setattr(state, "registry", Registry)


def usage(**changes):
    return Usage(requests=20, seconds=0.1, **changes)


def ranking(**changes):
    from dataclasses import replace

    return replace(by_order(candidates(2), [0, 1]), usage=usage(**changes))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (NOTHING, ""),
        (FREE, "free"),
        (PRICED, "~$0.0040 for input, at most $0.090 with output"),
        (Estimate(1, 10, True, 0, 1.0, 0.01), "~$1.01"),
        (UNKNOWN, "cost unknown"),
    ],
)
def test_the_cost_of_a_strategy_is_a_number_or_unknown_and_never_nothing_by_mistake(found, said):
    assert spending.expected(found) == said


def test_requests_that_depend_on_the_answers_are_about_so_many():
    assert spending.asked(UNKNOWN) == "about 5 requests, ~100 tokens"
    assert spending.asked(Estimate(1, 1500, True)) == "1 request, ~1.5k tokens"
    assert spending.asked(NOTHING) == "no requests"


def test_a_run_costs_what_its_strategies_do_and_names_the_models_of_unknown_price():
    every = together([NOTHING, FREE, PRICED, PRICED, UNKNOWN])
    assert (every.requests, every.input_tokens, every.exact) == (53, 7700, False)
    assert (every.input_usd, every.output_usd) == pytest.approx((0.008, 0.172))
    assert spending.before([FREE, PRICED, UNKNOWN]) == (
        "This run: about 33 requests, ~4.2k tokens; cost ~$0.0040 for input, at most $0.090 with output, "
        "unknown for ollama:x. Replies that are cached or shared cost nothing."
    )
    assert spending.before([FREE]) == "This run: 8 requests, ~600 tokens; cost free."
    assert spending.before([FREE, UNKNOWN]).startswith("This run: about 13 requests, ~700 tokens; cost unknown for")
    assert spending.before([NOTHING]) == "This run asks no model."
    assert spending.before([]) == ""


@pytest.mark.parametrize(
    ("limit", "found", "said"),
    [
        (None, PRICED, ""),
        (1.0, PRICED, ""),
        (0.05, PRICED, "may stop"),
        (0.001, PRICED, "is going to stop"),
        (0.001, FREE, ""),
        (0.0, NOTHING, ""),
        (1.0, UNKNOWN, "does not cover ollama:x"),
        (1.0, Estimate(5, 100, True, 0, None, None, ("openai:new",)), "openai:new will not be asked"),
    ],
)
def test_a_limit_says_beforehand_whether_it_is_going_to_stop_the_run_and_what_it_cannot_hold(limit, found, said):
    sentence = spending.about_limit(limit, [found])
    assert said in sentence if said else sentence == ""


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        (Usage(seconds=0.1), "100\xa0ms"),
        (usage(model_seconds=12.0, cached=20), "100\xa0ms (model 12.0\xa0s, cached)"),
        (usage(model_seconds=12.0, cached=20, shared=20), "100\xa0ms (model 12.0\xa0s, shared)"),
        (usage(model_seconds=12.0, cached=20, shared=3), "100\xa0ms (model 12.0\xa0s, cached)"),
        (usage(model_seconds=12.0, cached=5), "100\xa0ms (model 12.0\xa0s, 5 of 20 cached)"),
        (usage(model_seconds=12.0), "100\xa0ms (model 12.0\xa0s)"),
        (usage(model_seconds=0.05), "100\xa0ms"),
        (usage(model_seconds=None, cached=20), "100\xa0ms (cached)"),
        (usage(model_seconds=None), "100\xa0ms"),
    ],
)
def test_a_rerun_from_the_cache_does_not_look_as_if_the_model_were_fast(taken, said):
    assert time_taken(taken) == said


def test_what_was_saved_is_told_apart_by_where_it_came_from():
    assert saved([ranking(), ranking()]) == ""
    assert saved([ranking(cached=12, shared=12), ranking()]) == (
        "Saved 12 of 40 requests: 12 asked already in this run."
    )
    assert saved([ranking(cached=12, shared=2), ranking(cached=5)]) == (
        "Saved 17 of 40 requests: 2 asked already in this run and 15 answered in earlier runs."
    )


def test_what_a_run_had_asked_itself_before_it_was_resumed_is_not_saved():
    assert saved([ranking(cached=12, resumed=12)]) == ""
    assert saved([ranking(cached=17, resumed=12, shared=2), ranking()]) == (
        "Saved 5 of 40 requests: 2 asked already in this run and 3 answered in earlier runs."
    )


def test_a_running_job_says_what_it_has_saved_and_spent():
    parts = [Part(at, 0, BM25(), (0,), saved=at) for at in range(3)]
    status = JobStatus("j", "s", "comparison", "q", candidates(1), parts, "running", 0.0)
    assert spending.so_far(status) == "saved 3 requests"
    status.budget = Budget(0.5, 0.0125)
    assert spending.so_far(status) == "saved 3 requests · spent $0.013 of $0.50"


def entered():
    draft = Draft(query="q", text="one\n\ntwo", shelf=[Entry({"kind": "bm25"}), Entry({"kind": "input-order"}, False)])
    draft.limit = 0.25
    return draft


def test_the_limit_and_what_was_asked_again_are_kept_with_the_draft():
    draft = entered()
    draft.ask_again(draft.shelf[0])
    again = draft_from_json(draft.to_json())
    assert again.limit == 0.25
    assert again.nonces() == draft.nonces() == [draft.shelf[0].nonce]
    assert draft_from_json({"query": "q"}).limit is None


def test_asking_again_holds_for_the_query_the_documents_and_the_parameters_that_were_asked():
    draft = entered()
    line = draft.shelf[0]
    assert draft.nonces() == [None]
    draft.ask_again(line)
    first = draft.nonces()
    assert first == [line.nonce]
    draft.ask_again(line)
    assert draft.nonces() != first
    for name, other in (("query", "another"), ("text", "one\n\nthree")):
        before = getattr(draft, name)
        setattr(draft, name, other)
        assert draft.nonces() == [None]
        setattr(draft, name, before)
    line.spec = {"kind": "bm25", "k1": 2.0}
    assert draft.nonces() == [None]


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        (Usage(seconds=0.1), "0"),
        (usage(input_tokens=1234), "1,234"),
        (usage(input_tokens=1234, uncounted=3), "at least 1,234"),
        (usage(uncounted=20), "unknown"),
    ],
)
def test_tokens_that_nobody_stated_are_unknown_and_not_zero(taken, said):
    assert tokens(taken.input_tokens, taken) == said


@pytest.mark.parametrize(
    ("dollars", "words"),
    [(12.345, "$12.35"), (0.5, "$0.5000"), (0.0123, "$0.0123"), (0.000042, "$0.000042"), (1e-7, "$0.00000010")],
)
def test_what_cost_something_is_never_told_as_nothing(dollars, words):
    assert money(dollars) == words
    assert (spent(dollars), spent(0.0), spent(None)) == (words, "free", "unknown")
