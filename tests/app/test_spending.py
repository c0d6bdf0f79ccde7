"""Compare with a spending limit: predicted before, stopped at, raised and resumed."""

import pytest

from reranking.draft import Draft, Entry
from reranking.models import Predicted
from reranking.providers.registry import Registry
from reranking.replies import Choices, Receipt
from reranking.store import open_store
from tests.oracles import Scripted

TEXT = "apple pie with cinnamon\n\nmotor oil for old cars\n\na clock that is late"


@pytest.fixture
def model(monkeypatch):
    """Answers for every name; a call costs 10 cents."""
    found = Scripted(
        lambda request, number: Choices(logprobs=(-0.1 * number, -1.0), receipt=Receipt(cost_usd=0.1, seconds=2.0)),
        name="p:m", fingerprint="p:m", predicted=lambda request: Predicted(0.04, 0.06, 0.1),
    )  # fmt: skip
    known = Registry.resolve
    monkeypatch.setattr(Registry, "resolve", lambda self, ref: found if ref == "p:m" else known(self, ref))
    return found


@pytest.fixture
def tab(app, model):
    """A session with one paid strategy and one that asks nothing."""
    shelf = [Entry({"kind": "yes-no", "model": "p:m"}), Entry({"kind": "bm25"})]
    app()  # makes the store
    return app(open_store().sessions.new(Draft(query="apple pie", text=TEXT, shelf=shelf).to_json()))


def limit(tab, amount):
    next(item for item in tab.at.number_input if item.key.startswith("limit-")).set_value(amount)
    return tab.run()


def test_the_cost_of_the_run_and_of_each_strategy_is_predicted(tab):
    page = tab.html()
    assert "~$0.12 for input, at most $0.30 with output" in page
    assert "This run: 3 requests" in page
    assert "no requests" in page


def test_the_prediction_follows_what_is_switched_on(tab):
    tab.tick({"bm25"})
    assert "This run asks no model." in tab.html()


def test_a_run_stops_at_its_limit_says_why_and_goes_on_when_it_is_raised(tab, model):
    limit(tab, 0.2)
    assert "may stop at the limit" in tab.html()
    tab.compare()
    (said,) = [sentence for sentence in tab.said("warning") if "spending limit" in sentence]
    assert said.startswith("This run was stopped: 1 of 2 strategies finished, not ")
    assert "The run reached its spending limit of $0.20: about $0.20 is spent" in said
    assert "partial" in tab.html()
    assert model.count == 2
    limit(tab, 0.5)
    tab.click("resume-comparison")
    tab.wait("comparison")
    assert tab.said("warning") == []
    assert model.count == 3
    assert "Saved" not in tab.html()  # the two were asked and paid in this very run
    assert "model 6.0\xa0s" in tab.html()


def test_the_limit_is_kept_with_the_session(tab, app):
    limit(tab, 0.75)
    again = app(tab.session)
    assert next(item for item in again.at.number_input if item.key.startswith("limit-")).value == 0.75


def test_a_limit_can_be_taken_away_again(tab, app):
    limit(tab, 0.75)
    tab.at.run()
    limit(tab, None)
    tab.at.run()
    again = app(tab.session)
    assert next(item for item in again.at.number_input if item.key.startswith("limit-")).value is None


def test_a_bias_test_that_was_stopped_at_the_limit_counts_whole_runs_alone_and_shows_those_made_on_resume(tab):
    def left_out():
        return [item.value for item in tab.at.html if "runs failed and" in item.value]

    limit(tab, 0.75)
    tab.go("bias").click("run-bias").wait("bias")
    assert any("was stopped" in sentence for sentence in tab.said("warning"))
    assert left_out() == []
    tab.at.session_state["draft"].limit = None
    tab.click("resume-bias").wait("bias")
    assert left_out() == tab.said("warning") == []
    assert "10 shuffles and 3 repeats, 39 requests" in tab.html()
