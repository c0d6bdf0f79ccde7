"""A prompt shows what it must, uses nothing that it does not have, and can be the user's own."""

from importlib.resources import files
from pathlib import Path

import pytest

from reranking.prompts import Prompt, PromptError, Wording, load, worded
from reranking.ranking import Ranking
from reranking.strategies.catalogue import UnknownStrategyError, make, strategies
from reranking.strategies.llm import LLMStrategy
from tests.oracles import PerfectOracle, said
from tests.support import rank

NAMES = sorted(Path(item.name).stem for item in files("reranking.prompts").iterdir() if item.name.endswith(".toml"))
LLM = [kind for kind, cls in strategies().items() if issubclass(cls, LLMStrategy)]


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_file_keeps_its_own_rule(name):
    assert load(name).title


def test_a_prompt_that_leaves_out_what_it_must_show_is_refused():
    with pytest.raises(PromptError, match=r"must show \{\{ passage \}\}"):
        worded("yes_no", Wording(user="Is this about {{ query }}?"))


def test_a_prompt_that_asks_for_what_there_is_not_is_refused_and_told_what_there_is():
    with pytest.raises(
        PromptError, match=r"no value for \{\{ pasage \}\}; there are \{\{ query \}\}, \{\{ passage \}\}"
    ):
        worded("yes_no", Wording(user="{{ query }} {{ passage }} {{ pasage }}"))


def test_a_broken_template_is_refused_with_its_line():
    with pytest.raises(PromptError, match="user part, line 2"):
        worded("yes_no", Wording(user="{{ query }}\n{% if %}"))


@pytest.mark.parametrize(
    "text",
    [
        "{{ query.__class__.__mro__ }}",
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{{ 'a' * 3000000000 }}",
        "{{ '%2000000000d' % 1 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '{a}'.format(b=1) }}",
        "{{ query[7] }}",
        "{{ query | center(900000000) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set x = query %}",
        "{% include 'x' %}",
        "{{ lipsum() }}",
        "{{ range }}",
        "{{ " + "(" * 5000 + "query" + ")" * 5000 + " }}",
        "{% if query %}" * 1200 + "{% endif %}" * 1200,
    ],
)
def test_a_prompt_shows_values_and_does_nothing_else(text):
    with pytest.raises(PromptError):
        Prompt("x", ("query",), "", "{{ query }} " + text)


@pytest.mark.parametrize(
    "text", ["{% if not query %}{{ query }}{% endif %}", "{% if note %}{{ query }}{% endif %}", "{{ 1 or query }}"]
)
def test_a_placeholder_that_is_named_but_never_shown_is_missing(text):
    with pytest.raises(PromptError, match=r"must show \{\{ query \}\}"):
        Prompt("x", ("query",), "", text, ("note",))


def test_what_stands_in_a_document_is_never_read_as_a_template():
    prompt = Prompt("x", ("query",), "", "{{ query }}")
    assert prompt.messages(query="{{ 7 * 7 }}")[1].text == "{{ 7 * 7 }}"


def test_a_strategy_with_an_unsound_prompt_is_refused_before_it_runs():
    with pytest.raises(UnknownStrategyError, match=r"must show \{\{ passage \}\}"):
        make({"kind": "yes-no", "prompt": {"user": "{{ query }}"}})


@pytest.mark.parametrize("kind", LLM)
def test_own_words_reach_the_model_and_survive_the_database(kind):
    given = strategies()[kind]().template()
    strategy = make({"kind": kind, "prompt": {"system": "Be brief.", "user": f"MY WORDS {given.user}"}})
    model = PerfectOracle([0.1, 0.9, 0.5])
    ranking = rank(strategy.model_copy(update={"model": model}), 3)
    assert isinstance(ranking, Ranking)
    assert model.asked
    for request in model.asked:
        assert said(request).startswith("Be brief.\n\nMY WORDS")
    assert make(strategy.spec()) == strategy
    assert "prompt=own" in strategy.name
