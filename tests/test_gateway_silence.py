"""A server from which nothing comes back: a run gives it up instead of waiting for each request's end."""

import pytest

from reranking.gateway import Run
from reranking.models import ModelError
from reranking.replies import Failed, Text
from tests.gateways import ask, generate, make
from tests.oracles import Scripted


def silent(code, speaks=lambda number: False):
    def answer(request, number):
        if speaks(number):
            return Text(text="here")
        raise ModelError(code, "No connection to localhost:1. Start the server.")

    return Scripted(answer, fingerprint="silent", concurrency=2)


@pytest.mark.parametrize("code", ["connection", "timeout"])
def test_a_silent_server_is_given_up_in_this_run_and_asked_again_in_the_next(code):
    model = silent(code)
    gateway = make()
    replies = ask(gateway, [generate(model, str(at)) for at in range(50)])
    assert [reply.code for reply in replies] == [code] * 50
    assert model.count < 6
    before = model.count
    ask(gateway, [generate(model, "later")], Run())
    assert model.count == before + 1


def test_a_server_that_answers_now_and_then_is_not_given_up():
    model = silent("timeout", speaks=lambda number: number % 3 == 0)
    replies = ask(make(), [generate(model, str(at)) for at in range(30)])
    assert model.count == 30
    assert sum(isinstance(reply, Text) for reply in replies) == 10


def test_a_server_that_says_no_is_not_silent():
    model = silent("server")
    replies = ask(make(), [generate(model, str(at)) for at in range(30)])
    assert model.count == 30
    assert all(isinstance(reply, Failed) for reply in replies)
