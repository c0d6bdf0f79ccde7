"""Connections that a person set up, and what tests found out."""

from dataclasses import replace

import pytest

from reranking.models import ModelError
from reranking.providers.abilities import Abilities
from reranking.providers.saved import Prices, SavedConnection
from reranking.providers.settings import BUILT_IN
from reranking.store import StoreError
from reranking.store.store import Store

BOX = SavedConnection("my-box", "openai", "http://box:8000/v1", 4, 60, 0.5, Prices(0.1, 0.4, 2.0))
FOUND = Abilities(
    place="http://box:8000/v1", at=5.0, answers=("generate", "choose"), answered_by="llama3", schema="enforced",
    logprobs=20, prompt_logprobs=False, temperature="accepted", limit="max_tokens", context=8192, requests=6,
)  # fmt: skip


def test_a_connection_is_read_as_it_was_kept(store, path, clock):
    plain = SavedConnection("plain", "rerank", "https://rerank.example.com")
    limits = SavedConnection("openai", "openai", concurrency=2)
    for one in (BOX, plain, limits):
        assert store.connections.add(one) == one
    store.connections.remember("my-box:llama3", FOUND)
    store.close()
    again = Store(path, clock)
    assert again.connections.all() == {"my-box": BOX, "plain": plain, "openai": limits}
    assert again.connections.tested() == {"my-box:llama3": FOUND}
    again.close()


def test_a_name_is_given_once_and_changed_in_place(store):
    store.connections.add(BOX)
    with pytest.raises(StoreError, match="'my-box' already"):
        store.connections.add(replace(BOX, place="http://elsewhere/v1"))
    store.connections.change(replace(BOX, prices=None, concurrency=None))
    assert store.connections.all() == {"my-box": replace(BOX, prices=None, concurrency=None)}


def test_what_was_removed_can_be_put_back_with_what_was_found_out(store):
    store.connections.add(BOX)
    store.connections.remember("my-box:llama3", FOUND)
    store.connections.remember("my-boxer:llama3", FOUND)
    removed = store.connections.remove("my-box")
    assert store.connections.all() == {}
    assert list(store.connections.tested()) == ["my-boxer:llama3"]
    store.connections.put_back(removed)
    assert store.connections.all() == {"my-box": BOX}
    assert set(store.connections.tested()) == {"my-box:llama3", "my-boxer:llama3"}
    with pytest.raises(StoreError, match="no connection 'other'"):
        store.connections.remove("other")


def test_a_test_that_came_to_nothing_is_nothing_that_all_know_and_takes_nothing_away(store):
    failed = Abilities(place=FOUND.place, at=9.0, problem="The server refused the API key (401).")
    elsewhere = replace(failed, place="http://elsewhere/v1")
    steps = ((failed, {}), (FOUND, {"my-box:llama3": FOUND}), (failed, {"my-box:llama3": FOUND}))
    for found, kept in (*steps, (elsewhere, {"my-box:llama3": FOUND})):
        store.connections.remember("my-box:llama3", found)
        assert store.connections.tested() == kept


def test_space_around_name_and_address_does_not_count(store, tmp_path):
    assert store.connections.add(replace(BOX, name=" my-box\n", place=" http://box:8000/v1/ ")) == BOX
    folder = store.connections.add(SavedConnection("disk", "folder", f"{tmp_path}/"))
    assert folder.place == str(tmp_path)


KEY = "sk-proj-0123456789abcdef"


@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ({"name": "My box"}, "small letters"),
        ({"name": ""}, "small letters"),
        ({"name": "a:b"}, "small letters"),
        ({"name": "x" * 41}, "small letters"),
        ({"place": "box:8000"}, "http://host:port/v1"),
        ({"place": ""}, "http://host:port/v1"),
        ({"place": f"http://me:{KEY}@box/v1"}, "only a host, a port and a path"),
        ({"place": f"http://box/v1?key={KEY}"}, "only a host, a port and a path"),
        ({"place": f"http://box/{KEY}/v1"}, "looks as if it held a key"),
        ({"name": KEY}, "looks as if it held a key"),
        ({"kind": "folder", "place": "/no/such/folder"}, "no folder"),
        ({"concurrency": 0}, "Requests at once"),
        ({"per_minute": -1}, "per minute"),
        ({"temperature": 3.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"prices": Prices(input=-1.0)}, "price"),
        *(({"name": name}, "built in") for name in sorted(BUILT_IN)),
    ],
)
def test_what_cannot_be_a_connection_is_refused_and_not_kept(store, wrong, part):
    with pytest.raises(ModelError) as caught:
        store.connections.add(replace(BOX, **wrong))
    assert part in caught.value.message
    assert KEY not in caught.value.message
    assert store.connections.all() == {}


def test_a_price_of_unknown_tokens_is_unknown():
    assert Prices(1.0, 10.0, 2.0).cost(1_000_000, 100_000) == pytest.approx(1.0 + 1.0 + 0.002)
    assert Prices(1.0, 0.0).cost(None, 5) is None
    assert Prices(0.0, 0.0, 3.0).cost(None, None) == pytest.approx(0.003)
    assert Prices().cost(None, None) == 0.0
