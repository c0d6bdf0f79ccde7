"""Listwise: what is an order, what is none, and what is said about it."""

import pytest

from reranking.replies import Text
from reranking.strategies.listwise import Listwise
from tests.oracles import Scripted
from tests.support import rank


@pytest.mark.parametrize("text", ["I cannot judge passages [1] and [2].", "[2] > [1]", ""])
def test_a_refusal_is_no_order_whatever_it_mentions(text):
    model = Scripted(lambda request, number: Text(text=text, finish="refusal"))
    ranking = rank(Listwise(model=model), 2)
    assert ranking.outcome == "failed"
    assert [(note.code, note.raw) for note in ranking.diagnostics] == [("refusal", text)]


def test_an_order_that_was_cut_off_is_mended_and_says_so():
    model = Scripted(lambda request, number: Text(text="[2] > [1]", finish="length"))
    ranking = rank(Listwise(model=model), 3)
    assert (ranking.outcome, ranking.order) == ("repaired", (1, 0, 2))
    assert {note.code for note in ranking.diagnostics} == {"cut-off", "missing"}
