"""The connections' screen: adding, changing and removing them, keys, tests and the cache."""

import asyncio
import time
from dataclasses import replace

import pytest

from reranking.archive import Call
from reranking.providers.saved import SavedConnection
from reranking.replies import Text
from reranking.requests import Generate, Message
from reranking.store import open_store
from tests.providers.fake_server import FakeOpenAI, serving
from tests.providers.fakes import KEY

OTHER_KEY = "sk-other-0123456789abcdefghij"


@pytest.fixture(autouse=True)
def _nobody_else(monkeypatch):
    for name in ("OLLAMA", "VLLM", "LMSTUDIO", "LLAMACPP"):
        monkeypatch.setenv(f"{name}_BASE_URL", "http://127.0.0.1:1/v1")


@pytest.fixture
def box():
    server = FakeOpenAI(keys={KEY}, context={"/v1/models": {"data": [{"id": "llama3"}]}})
    with serving(server) as url:
        server.url = f"{url}/v1"
        yield server


def screen(app):
    return app().go("connections")


def add(tab, name, place, key=""):
    tab.at.button(key="add-connection").click()
    tab.run()
    tab.at.text_input(key="new-name").set_value(name)
    tab.at.text_input(key="new-place-openai").set_value(place)
    tab.at.text_input(key="new-key").set_value(key)
    tab.at.button(key="add-connection").click()  # keeps the dialog open in a run of the whole page
    tab.at.button(key="add-now").click()
    return tab.run()


def card(tab, title):
    return next(item.value for item in tab.at.html if f"<h3>{title}<" in item.value)


def test_without_any_connection_the_screen_says_how_to_get_one(app):
    tab = screen(app)
    page = tab.html()
    assert "No connection yet" in page
    for hint in ("ollama serve", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        assert hint in page
    assert "embedded (weak)" in page
    assert "No models: answers are made" in page


def test_a_connection_that_was_added_shows_its_models_and_its_key_only_works_here(app, box):
    tab = add(screen(app), "my-box", box.url, KEY)
    assert any("Added 'my-box'" in text for text in tab.said("info"))
    assert "llama3" in card(tab, "my-box")
    assert "typed in, for this browser session only" in card(tab, "my-box")
    other = screen(app)
    assert "none; needed only if" in card(other, "my-box")
    assert KEY not in tab.html() + other.html()
    assert KEY.encode() not in open_store().path.read_bytes()


def test_a_typed_key_does_not_follow_the_connection_to_another_address(app, box):
    tab = add(screen(app), "my-box", box.url, KEY)
    saved = open_store().connections.all()["my-box"]
    open_store().connections.change(replace(saved, place="http://127.0.0.1:1/v1"))
    assert "the one that was typed in is for another address. Enter it again" in card(tab.run(), "my-box")
    assert tab.at.session_state["registry"].settings.keys == {}
    open_store().connections.change(saved)
    assert "typed in, for this browser session only" in card(tab.run(), "my-box")


def test_a_name_or_address_that_cannot_be_is_refused_in_the_dialog(app):
    tab = add(screen(app), "openai", "http://box/v1")
    assert any("'openai' is built in" in text for text in tab.said("error"))
    assert open_store().connections.all() == {}


def test_a_connection_that_was_removed_can_be_put_back(app, box):
    open_store().connections.add(SavedConnection("my-box", "openai", box.url, 3))
    tab = screen(app).click("remove-connection-my-box")
    assert open_store().connections.all() == {}
    tab.click("undo-remove")
    assert open_store().connections.all()["my-box"].concurrency == 3
    assert not tab.has("undo-remove")


def test_a_key_can_be_entered_replaced_and_forgotten(app):
    tab = screen(app)
    for key in (KEY, OTHER_KEY):
        tab.at.button(key="key-of-openai").click()
        tab.run()
        tab.at.text_input(key="key-openai").set_value(key)
        tab.at.button(key="key-of-openai").click()
        tab.at.button(key="use-key-openai").click()
        tab.run()
        assert tab.at.session_state["registry"].settings.keys["openai"] == key
        assert "typed in" in card(tab, "OpenAI")
    tab.at.button(key="key-of-openai").click()
    tab.run()
    assert tab.at.text_input(key="key-openai").value == ""
    tab.at.button(key="key-of-openai").click()
    tab.at.button(key="forget-key-openai").click()
    tab.run()
    assert "openai" not in tab.at.session_state["registry"].settings.keys


def test_a_test_says_what_it_costs_shows_what_it_found_and_strategies_know_it(app, box):
    box.prompt_logprobs = True
    tab = add(screen(app), "my-box", box.url, KEY)
    tab.at.button(key="test-my-box").click()
    tab.run()
    assert "at most 11 short requests" in tab.html()
    assert box.asked == []
    tab.at.button(key="test-my-box").click()
    tab.at.button(key="start-test-my-box").click()
    tab.run()
    deadline = time.monotonic() + 30
    while "my-box:llama3" not in open_store().connections.tested():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while tab.run().at.session_state["tests"]:
        assert time.monotonic() < deadline
    shown = card(tab.run(), "my-box")
    assert "schema enforced" in shown
    assert "likelihood" in shown
    assert "5 requests" in shown
    (row,) = [row for row in tab.at.session_state["registry"].listing() if row.name == "my-box:llama3"]
    assert row.answers == ("generate", "choose", "likelihood")


def test_a_test_that_failed_is_shown_to_who_made_it_and_to_nobody_else(app, box):
    tab = add(screen(app), "my-box", box.url, OTHER_KEY)
    tab.at.button(key="test-my-box").click()
    tab.run()
    tab.at.button(key="test-my-box").click()
    tab.at.button(key="start-test-my-box").click()
    tab.run()
    deadline = time.monotonic() + 30
    while tab.run().at.session_state["tests"]:
        assert time.monotonic() < deadline
    shown = card(tab.run(), "my-box")
    assert "refused the API key (401)" in shown
    assert "last test failed" in shown
    assert "No connection is known to work now. The last test of my-box failed." in tab.html()
    other = screen(app)
    assert "not yet" in card(other, "my-box")
    assert "1 connection can be used now: my-box." in other.html()
    tab.at.button(key="key-of-my-box").click()
    tab.run()
    tab.at.text_input(key="key-my-box").set_value(KEY)
    tab.at.button(key="key-of-my-box").click()
    tab.at.button(key="use-key-my-box").click()
    assert "not yet" in card(tab.run(), "my-box")
    assert "1 connection can be used now: my-box." in tab.html()
    assert open_store().connections.tested() == {}


def test_the_cache_of_one_connection_is_cleared_and_the_others_stays_until_all_are(app):
    tab = screen(app)

    async def keep():
        for model in ("ollama:a", "openai:b"):
            request = Generate(model=model, task="grade", messages=(Message("user", "?"),))
            await open_store().archive.keep(Call("", request, model, model, (), Text(text="4"), "sent", 1.0, 0.1))

    asyncio.run(keep())
    assert "2 replies" in tab.run().html()
    for button, left in (("clear-openai", ["ollama:a"]), ("clear-cache", [])):
        tab.click(button)
        tab.at.button(key=button).click()
        tab.at.button(key="clear-now").click()
        tab.run()
        assert list(open_store().cache.by_model()) == left
    assert "Empty" in tab.html()
