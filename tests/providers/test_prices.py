"""Prices and usage. The expected prices are the providers' published ones."""

import pytest

from reranking.providers.prices import Tokens, cost, tokens


def test_a_call_costs_its_tokens_at_the_list_price():
    assert cost("openai", "gpt-4o-mini", 1_000_000, 0) == pytest.approx(0.15)
    assert cost("openai", "gpt-4o-mini", 0, 1_000_000) == pytest.approx(0.60)
    assert cost("anthropic", "claude-haiku-4-5", 1_000_000, 1_000_000) == pytest.approx(1 + 5)


def test_nothing_costs_nothing():
    assert cost("openai", "gpt-4o-mini", 0, 0) == 0.0


def test_tokens_read_from_a_cache_are_cheaper():
    assert cost("openai", "gpt-4o-mini", 1_000_000, 0, cache_read_tokens=1_000_000) == pytest.approx(0.075)


@pytest.mark.parametrize(
    ("provider", "model", "used", "options"),
    [
        ("openai", "no-such-model", (10, 10), {}),
        ("anthropic", "gpt-4o-mini", (10, 10), {}),
        ("ollama", "gpt-4o-mini", (10, 10), {}),
        ("vllm", "gpt-4o-mini", (10, 10), {}),
        ("openai-compatible", "gpt-4o-mini", (10, 10), {}),
        ("never-heard-of", "gpt-4o-mini", (10, 10), {}),
        ("openai", "gpt-4o-mini", (None, 10), {}),
        ("openai", "gpt-4o-mini", (10, None), {}),
        ("openai", "gpt-4o-mini", (10, 10), {"base_url": "http://localhost:4000/v1"}),
        ("openai", "gpt-4o-mini", (10, 10), {"cache_read_tokens": 11}),
    ],
)
def test_what_is_not_known_costs_unknown_and_not_zero(provider, model, used, options):
    assert cost(provider, model, *used, **options) is None


def test_the_providers_own_address_has_the_list_price():
    price = cost("openai", "gpt-4o-mini", 1_000_000, 0, base_url="https://api.openai.com/v1")
    assert price == pytest.approx(0.15)


def test_cached_input_tokens_are_part_of_the_input_for_both_apis():
    chat = {"prompt_tokens": 100, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 60}}
    assert tokens({"model": "x", "usage": chat}, "openai") == Tokens(100, 5, None, 60, 0)
    message = {"input_tokens": 40, "cache_read_input_tokens": 60, "output_tokens": 5}
    assert tokens({"model": "x", "usage": message}, "anthropic") == Tokens(100, 5, None, 60, 0)


@pytest.mark.parametrize("body", [{}, {"usage": None}, {"usage": []}, {"usage": {"prompt_tokens": "many"}}])
def test_usage_that_is_missing_or_unreadable_is_unknown(body):
    assert tokens(body, "openai") == tokens(body, "anthropic") == Tokens()
