"""What the connections' cards say."""

from dataclasses import replace

import pytest

from reranking.providers.abilities import Abilities
from reranking.providers.registry import Registry
from reranking.providers.saved import Prices, SavedConnection
from reranking.providers.settings import ModelInfo, Settings, key_variable, url_variable
from reranking.store import CacheSize, Spending
from reranking.ui.connection_facts import age, ages, connection_of, full_name, gather
from reranking.wording import in_bytes
from tests.providers.fakes import KEY

BOX = SavedConnection("box", "openai", "http://box:8000/v1", 4, 60, None, Prices(1.0, 2.0))
FOUND = Abilities(place=BOX.place, at=1.0, answers=("generate",))


def facts(settings=None, listing=(), spending=(), cached=None, **known):
    found = gather(settings or Settings(environment={}), listing, spending, cached or {}, **known)
    return {one.name: one for one in found}


@pytest.mark.parametrize(
    ("model", "connection"),
    [
        ("openai:gpt", "openai"),
        ("rerank:cohere/rerank-v3.5", "cohere"),
        ("rerank:cohere/x@http://host", "rerank"),
        ("rerank:m@http://host", "rerank"),
        ("box:a:b/c", "box"),
        ("openai-compatible:m@http://h/v1", "openai-compatible"),
    ],
)
def test_a_models_money_and_replies_belong_to_its_connection(model, connection):
    assert connection_of(model) == connection


@pytest.mark.parametrize(
    ("connection", "written", "name"),
    [
        ("openai", "gpt-5-mini", "openai:gpt-5-mini"),
        ("openai", "openai:gpt-5-mini", "openai:gpt-5-mini"),
        ("ollama", "llama3:8b", "ollama:llama3:8b"),
        ("cohere", "rerank-v3.5", "rerank:cohere/rerank-v3.5"),
        ("cohere", "cohere/rerank-v3.5", "rerank:cohere/rerank-v3.5"),
        ("cohere", "rerank:cohere/rerank-v3.5", "rerank:cohere/rerank-v3.5"),
        ("rerank", "m@http://host", "rerank:m@http://host"),
        ("box", "org/model", "box:org/model"),
    ],
)
def test_a_model_may_be_written_on_its_card_with_or_without_its_connection(connection, written, name):
    assert full_name(connection, written) == name
    assert connection_of(full_name(connection, written)) == connection


def test_spending_and_cache_of_a_connection_are_summed_over_its_models():
    spending = [
        Spending("box:a", 3, 10, 10, 0.25, 0),
        Spending("box:b", 2, 10, 10, 0.5, 1),
        Spending("openai:a", 1, 1, 1, 9.0, 0),
    ]
    cached = {"box:a": CacheSize(3, 300, 1, 5.0, 9.0), "box:b": CacheSize(1, 50, 0, 2.0, 3.0), "boxer:b": CacheSize(7)}
    box = facts(Settings(environment={}, connections={"box": BOX}), spending=spending, cached=cached)["box"]
    assert (box.calls, box.cost_usd, box.calls_of_unknown_cost) == (5, 0.75, 1)
    assert box.cache == CacheSize(4, 350, 1, 2.0, 9.0)
    assert set(box.cached_models) == {"box:a", "box:b"}


def test_the_card_says_where_the_key_comes_from_and_never_what_it_is():
    secrets = {"COHERE_API_KEY": KEY}
    environment = {"ANTHROPIC_API_KEY": KEY, "BOX_API_KEY": KEY, "BOX_BASE_URL": BOX.place, "TUB_API_KEY": KEY}
    settings = Settings(
        keys={"openai": KEY}, environment=environment, secrets=secrets.get,
        connections={"box": BOX, "tub": replace(BOX, name="tub")},
    )  # fmt: skip
    found = facts(settings, keys_for_elsewhere={"jina"})
    assert "this browser session" in found["openai"].key
    assert found["anthropic"].key == "environment variable ANTHROPIC_API_KEY"
    assert found["box"].key == "environment variable BOX_API_KEY"
    assert found["cohere"].key == "Streamlit secrets, COHERE_API_KEY"
    assert found["voyage"].key == "none"
    assert "Enter it again for this one" in found["jina"].key
    assert found["tub"].key == "none; needed only if the server asks for one"
    assert found["embedded"].key == ""
    assert KEY not in repr(found)


def test_a_key_is_said_to_be_sent_only_where_there_is_one():
    settings = Settings(keys={"openai": KEY}, environment={}, connections={"box": BOX})
    found = facts(settings, keys_for_elsewhere={"jina"})
    assert found["openai"].key_now.endswith("session only. It is sent to https://api.openai.com/v1 and nowhere else.")
    assert found["box"].key_now == (
        "Key now: none; needed only if the server asks for one. "
        "A key that you enter here is sent to http://box:8000/v1 and nowhere else."
    )
    for name in ("voyage", "jina"):
        assert "It is sent" not in found[name].key_now


def test_what_is_not_ready_says_what_to_do():
    reason = "No 'box' server at box:8000. Start it, or change the address."
    listing = [
        ModelInfo("ollama:NAME", (), False, "No Ollama server"),
        ModelInfo("vllm:llama", ("generate",), True),
        ModelInfo("box:NAME", (), False, reason),
    ]
    found = facts(Settings(environment={}, connections={"box": BOX}), listing)
    assert (found["ollama"].is_ready, found["vllm"].is_ready) == (False, True)
    assert "ollama serve" in found["ollama"].todo
    assert "localhost:11434" in found["ollama"].todo
    assert "OPENAI_API_KEY" in found["openai"].todo
    assert (found["box"].word, found["box"].todo) == ("check", reason)
    assert all(one.todo for one in found.values() if not one.is_ready)


def test_what_was_found_at_another_address_is_not_shown():
    elsewhere = ("http://old/v1", "http://box:80", "http://bo", "http://box:8000/v", "")
    tested = {f"box:{place}": replace(FOUND, place=place) for place in (BOX.place, *elsewhere)}
    found = facts(Settings(environment={}, connections={"box": BOX}, tested=tested))
    assert set(found["box"].tested) == {f"box:{BOX.place}"}


@pytest.mark.parametrize(
    ("kind", "place", "asked"),
    [("anthropic", "https://proxy/v1/", "https://proxy"), ("rerank", "http://ranks/rerank", "http://ranks"),
     ("folder", "/models", "/models")],
)  # fmt: skip
def test_what_was_found_is_shown_whatever_of_the_address_the_api_leaves_out(kind, place, asked):
    tested = {"box:a": replace(FOUND, place=asked)}
    known = {"box": SavedConnection("box", kind, place)}
    assert set(facts(Settings(environment={}, connections=known, tested=tested))["box"].tested) == {"box:a"}


def test_models_in_this_process_and_those_named_with_their_url_show_what_was_found():
    names = {"hf:cross": "", "openai-compatible:m@2@http://h/v1": "http://h/v1", "rerank:m@http://r": "http://other"}
    tested = {name: replace(FOUND, place=place) for name, place in names.items()}
    spending = [Spending(name, 1, 1, 1, 0.0, 1) for name in names]
    found = facts(Settings(environment={}, tested=tested), spending=spending)
    assert {model for one in found.values() for model in one.tested} == {
        "hf:cross",
        "openai-compatible:m@2@http://h/v1",
    }
    assert not found["rerank"].takes_key


def test_a_test_of_this_session_that_failed_is_shown_here_unless_one_is_known_that_did_not():
    failed = replace(FOUND, answers=(), problem="The key was refused.")
    settings = Settings(environment={}, connections={"box": BOX}, tested={"box:a": FOUND})
    shown = facts(settings, tried={"box:a": failed, "box:b": failed})["box"].tested
    assert shown == {"box:a": FOUND, "box:b": failed}


def test_a_connection_is_called_ready_only_if_its_last_test_did_not_fail():
    failed = replace(FOUND, answers=(), problem="The key was refused.")
    listing = [ModelInfo("box:a", ("generate",), True), ModelInfo("box:b", ("generate",), True)]

    def box(tested=(), tried=()):
        settings = Settings(environment={}, connections={"box": BOX}, tested=dict(tested))
        found = facts(settings, listing, tried=dict(tried))["box"]
        assert found.word == ("ready" if found.can_be_used else "last test failed")
        return found

    later = replace(failed, at=2.0)
    assert box().can_be_used
    assert box({"box:a": FOUND}).can_be_used
    assert not box(tried={"box:a": failed}).can_be_used
    refused = box({"box:a": FOUND}, {"box:a": later})
    assert (refused.can_be_used, refused.tested, refused.failed) == (False, {"box:a": FOUND}, {"box:a": later})
    assert box({"box:a": replace(FOUND, at=3.0)}, {"box:a": later}).can_be_used
    assert box({"box:b": replace(FOUND, at=3.0)}, {"box:a": later}).can_be_used
    assert box(tried={"box:a": replace(later, place="http://elsewhere/v1")}).can_be_used


def test_named_connections_come_first_and_limits_of_built_in_ones_make_no_second_card():
    limits = SavedConnection("openai", "openai", concurrency=2)
    names = [
        one.name for one in gather(Settings(environment={}, connections={"box": BOX, "openai": limits}), [], [], {})
    ]
    assert names[0] == "box"
    assert len(names) == len(set(names))
    assert "openai-compatible" not in names
    used = gather(Settings(environment={}), [], [Spending("rerank:m@http://h", 1, 1, 1, 0.0, 1)], {})
    assert "rerank" in [one.name for one in used]


def test_the_price_list_holds_where_it_knows_the_address():
    own = SavedConnection("work", "openai", "https://api.openai.com/v1")
    found = facts(Settings(environment={}, connections={"box": BOX, "work": own}))
    assert found["openai"].has_list_price
    assert found["work"].has_list_price
    assert not found["box"].has_list_price
    assert not found["ollama"].has_list_price
    elsewhere = facts(Settings(environment={"OPENAI_BASE_URL": "http://proxy/v1"}))
    assert not elsewhere["openai"].has_list_price


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (30_000, "30 kB"), (2.5e9, "2.5 GB")]
)
def test_sizes_are_told_in_fitting_units(size, words):
    assert in_bytes(size) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "less than a minute"), (60, "1 minute"), (7200, "2 hours"), (86_400, "1 day"), (864_000, "10 days")],
)
def test_ages_are_told_in_the_largest_unit(seconds, words):
    assert age(seconds) == words


def test_the_oldest_and_the_newest_are_told_apart_only_where_their_ages_differ():
    assert ages(30, 2) == "all less than a minute old"
    assert ages(7300, 7200) == "all 2 hours old"
    assert ages(7300, 2) == "the oldest 2 hours old, the newest less than a minute"


@pytest.mark.parametrize("name", ["openai", "anthropic", "cohere", "vllm"])
@pytest.mark.parametrize("url", ["https://me:hunter2hunter2@proxy/v1", "https://proxy/v1?key=hunter2hunter2"])
@pytest.mark.parametrize("key", ["", KEY])
def test_a_key_in_the_address_of_the_environment_is_shown_nowhere(name, url, key):
    environment = {url_variable(name): url, key_variable(name): key}
    settings = Settings(environment=environment)
    rows = Registry(settings).listing()
    card = facts(settings, rows)[name]
    assert "hunter2" not in f"{card} {rows}"
    assert (card.is_ready, card.place) == (False, "")
    assert url_variable(name) in card.todo
    assert not any(row.available for row in rows if connection_of(row.name) == name)
