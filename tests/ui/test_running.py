"""What a running strategy's line says."""

import time
from dataclasses import dataclass

import pytest

from reranking.engine import Estimate
from reranking.jobs import Part
from reranking.strategies.pointwise import YesNo
from reranking.ui import running, state


@dataclass
class Loading:
    loading_since: float | None


@pytest.fixture
def model(monkeypatch):
    found = Loading(None)

    class Registry:
        def resolve(self, name):
            return found

    monkeypatch.setattr(state, "registry", Registry)
    return found


def line(done, *, predicted=16, begun=0.0, **more):
    part = Part(
        0, 0, YesNo(model="embedded:smollm2"), (0, 1), predicted=Estimate(predicted, 0, True), done=done, **more
    )
    return running._bar("Yes/no", [part], time.time() - begun)


def test_a_strategy_that_waits_for_its_models_weights_says_so_and_for_how_long(model):
    model.loading_since = time.time() - 12.2
    assert "loading the model (once), 12 s so far" in line(0)
    assert "0 of 16" not in line(0)
    assert "3 of 16 requests, loading the model" in line(3)


def test_the_line_of_a_strategy_shows_what_it_spent_and_no_price_that_was_paid_before(model):
    part = Part(0, 0, YesNo(model="embedded:smollm2"), (0, 1), predicted=Estimate(16, 0, True), done=9, saved=5)
    assert "$" not in running._bar("Yes/no", [part], time.time())
    part.spent_usd = 0.0125
    assert "· $0.0125" in running._bar("Yes/no", [part], time.time())


def test_a_strategy_whose_model_is_there_says_how_far_it_is(model):
    assert "0 of 16 requests" in line(0)
    assert "loading" not in line(0)
    assert "failed" not in line(3)


def test_the_line_of_a_strategy_says_how_many_of_its_requests_failed_so_far(model):
    assert "7 of 16 requests, 5 failed<" in line(7, failed=5)
    assert "about" in line(7, failed=5, begun=4.0, answered=time.time())


def test_the_line_of_a_strategy_says_for_how_long_no_answer_came_and_guesses_no_time_left_meanwhile(model):
    assert "0 of 16 requests, no answer for 15 s" in line(0, begun=15.2)
    assert "no answer for 4 min" in line(0, begun=240.0)
    said = line(6, begun=60.0, answered=time.time() - 12.1)
    assert "6 of 16 requests, no answer for 12 s" in said
    assert "about" not in said
    assert "no answer" not in line(6, begun=60.0, answered=time.time() - 1.0)
    assert "no answer" not in line(0, begun=2.0)


def test_the_line_of_a_strategy_says_how_many_requests_are_tried_again_and_what_they_met_with(model):
    met = ("error 503", "rate limit", "error 503")
    assert "0 of 16 requests, 3 tried again (error 503, rate limit)<" in line(0, troubles=met)
    silent = line(0, begun=15.2, troubles=("no connection",))
    assert "0 of 16 requests, 1 tried again (no connection), no answer for 15 s<" in silent
    at_work = line(7, begun=4.0, answered=time.time(), troubles=("rate limit",))
    assert "7 of 16 requests, 1 tried again (rate limit), about" in at_work
    assert "tried again" not in line(3)


def test_one_request_is_not_called_requests(model):
    assert "0 of 1 request<" in line(0, predicted=1)


def test_a_strategy_that_loads_its_model_is_not_said_to_get_no_reply(model):
    model.loading_since = time.time() - 30
    assert "no answer" not in line(0, begun=30.0)
