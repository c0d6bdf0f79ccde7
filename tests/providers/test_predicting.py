"""What a request is going to cost, before it is sent. The expected prices are the published ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.models import FREE
from reranking.providers.predicting import predicted
from reranking.providers.prices import PLAIN, cost, list_price
from reranking.providers.registry import Registry
from reranking.providers.saved import Prices, SavedConnection
from reranking.providers.settings import Settings
from reranking.requests import Choose, Generate, Message, Score

URL = "https://api.openai.com/v1"


def price(tokens, written):
    """A dollar for a token read, ten for one written."""
    return tokens + 10.0 * written


def generate(text="x" * 400, limit=50, schema=None):
    return Generate(model="m", task="order", messages=(Message("user", text),), max_output_tokens=limit, schema=schema)


def choose(text="x" * 400):
    return Choose(model="m", task="pick", messages=(Message("user", text),), choices=("A", "B"))


def opened(name, **settings):
    return Registry(Settings(environment={}, **settings)).resolve(name)


def test_a_prediction_is_a_quarter_of_the_characters_and_all_that_may_be_written():
    found = predicted(generate(), price, (50,))
    assert (found.input, found.output) == (100.0, 500.0)
    assert found.most == (200 + 16) + 500.0  # half the characters, and what a message takes


def test_the_schema_is_sent_and_counts():
    assert predicted(generate(schema="y" * 40), price, (50,)).input == 110.0


def test_a_score_shows_the_query_with_every_text():
    request = Score(model="m", task="score", query="q" * 40, texts=("a" * 80, "b" * 120))
    assert predicted(request, price, (0,)).input == (40 + 80 + 40 + 120) / 4


def test_calls_that_may_have_to_follow_count():
    found = predicted(choose(), price, (1, 16, 2048))
    assert (found.input, found.output) == (100.0, 10.0 * (1 + 16 + 2048))
    assert found.most == 3 * (200 + 16) + 10.0 * (1 + 16 + 2048)


@given(st.text(max_size=300))
def test_the_safe_side_is_never_less_than_what_is_expected(text):
    found = predicted(generate(text), price, (5,))
    assert found.most >= found.input + found.output


def test_texts_of_other_scripts_count_more_on_the_safe_side():
    assert predicted(generate("字" * 100), price, (0,)).most == 300 + 16


@pytest.mark.parametrize("tokens", [0, 1, 999, PLAIN, PLAIN + 1, 250_000])
@pytest.mark.parametrize("model", ["gpt-4o-mini", "gpt-5-mini"])
def test_the_fast_list_price_is_the_list_price(model, tokens):
    assert list_price("openai", model, tokens, 777, URL) == pytest.approx(cost("openai", model, tokens, 777))


def test_the_fast_list_price_knows_where_long_prompts_cost_more():
    address = "https://api.anthropic.com"
    for tokens in (PLAIN, 300_000):
        fast = list_price("anthropic", "claude-sonnet-4-5", tokens, 10, address)
        assert fast == pytest.approx(cost("anthropic", "claude-sonnet-4-5", tokens, 10))


def test_an_unknown_price_stays_unknown():
    assert list_price("openai", "no-such-model", 10, 10, URL) is None
    assert opened("openai:no-such-model").predicted(generate()) is None
    assert opened("ollama:llama").predicted(generate()) is None
    assert opened("rerank:cohere/rerank-v3.5").predicted(Score(model="m", task="s", query="q", texts=("a",))) is None


def test_models_of_providers_are_paid_and_servers_of_ones_own_are_not_known_to_be():
    paid = ("openai:any", "anthropic:any", "rerank:cohere/any")
    own = ("ollama:any", "openai-compatible:m@http://localhost:9/v1", "rerank:m@http://localhost:9")
    assert [opened(name).paid for name in paid] == [True] * 3
    assert [opened(name).paid for name in own] == [False] * 3


def test_a_named_connection_to_a_providers_address_is_paid():
    saved = SavedConnection("mine", "openai", URL)
    assert opened("mine:gpt-new", connections={"mine": saved}).paid


def test_a_price_that_a_person_stated_holds():
    saved = SavedConnection("mine", "openai", "http://localhost:9/v1", prices=Prices(1.0, 10.0, 0.0))
    found = opened("mine:m", connections={"mine": saved}).predicted(generate("x" * 4000, 100))
    assert (found.input, found.output) == pytest.approx((1000 / 1e6, 100 * 10 / 1e6))


def test_a_request_to_a_listed_model_costs_its_tokens_at_the_list_price():
    found = opened("openai:gpt-4o-mini").predicted(generate("x" * 4_000_000, 1_000_000))
    assert (found.input, found.output) == pytest.approx((0.15, 0.60))


def test_local_and_simulated_models_are_free():
    for name in ("simulated:overlap", "embedded:smollm2", "hf:org/not-downloaded"):
        assert opened(name).predicted(choose()) == FREE
