"""Strategies of other packages: welcome, and unable to harm ours."""

import logging
from importlib.metadata import EntryPoint
from typing import ClassVar, Literal

import pytest

from reranking.strategies import catalogue
from reranking.strategies.base import Strategy
from reranking.strategies.catalogue import UnknownStrategyError, make
from reranking.strategies.lexical import BM25


class Own(Strategy):
    title: ClassVar[str] = "Own"
    family: ClassVar[str] = "Lexical"
    kind: Literal["own"] = "own"


class Twin(Own):
    pass


class Impostor(BM25):
    title: ClassVar[str] = "Not BM25"


class Nameless(Strategy):
    title: ClassVar[str] = "Nameless"
    family: ClassVar[str] = "Lexical"


class Stray(Own):
    family: ClassVar[str] = "No such family"
    kind: Literal["stray"] = "stray"


def found(monkeypatch, *names):
    entries = [EntryPoint(name, name if ":" in name else f"{__name__}:{name}", "x") for name in names]
    monkeypatch.setattr(catalogue, "entry_points", lambda group: entries)
    return catalogue.strategies.__wrapped__()


def test_a_strategy_of_another_package_is_found(monkeypatch):
    assert found(monkeypatch, "Own")["own"] is Own


@pytest.mark.parametrize("name", ["no_such_module:Thing", "Missing", "Impostor", "Nameless", "Stray", "pytest"])
def test_a_plug_in_that_cannot_be_used_is_logged_and_takes_nothing_away(monkeypatch, caplog, name):
    ours = found(monkeypatch)
    with caplog.at_level(logging.WARNING):
        assert found(monkeypatch, name, "Own") == {**ours, "own": Own}
    assert name in caplog.text
    assert "left out" in caplog.text


def test_of_two_plug_ins_of_one_kind_the_first_stays(monkeypatch, caplog):
    assert found(monkeypatch, "Own", "Twin")["own"] is Own
    assert "already" in caplog.text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"kind": "bm25", "k1": 20}, "bm25: k1 must be at most 10, not 20"),
        ({"kind": "bm25", "b": -1}, "bm25: b must be at least 0, not -1"),
        ({"kind": "bm25", "k1": "much"}, "bm25: k1 must be a number, not 'much'"),
        ({"kind": "setwise", "k": 2.5}, "setwise: k must be a whole number, not 2.5"),
        ({"kind": "bm25", "tokens": "letters"}, "bm25: tokens must be 'words' or 'spaces', not 'letters'"),
        ({"kind": "bm25", "k2": 1}, "bm25: there is no parameter k2"),
        ({"kind": "cascade", "stages": [{"keep": 3}]}, "cascade: stages.0.strategy is missing"),
        ({"kind": "listwise-window", "window": 5, "stride": 9}, "listwise-window: stride must be smaller than window"),
    ],
)
def test_what_is_wrong_with_a_parameter_is_said_in_plain_words(value, said):
    with pytest.raises(UnknownStrategyError) as caught:
        make(value)
    assert str(caught.value).startswith(said)
