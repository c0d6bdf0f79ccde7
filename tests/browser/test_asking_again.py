"""Ask again: one strategy is sent anew in a run of its own, the others keep their answers, and there is a way back."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from reranking.documents import Document
from reranking.draft import Draft, Entry
from reranking.jobs import Jobs
from reranking.providers.registry import Registry
from reranking.providers.saved import SavedConnection
from reranking.store.store import Store
from tests.browser.conftest import idle, shot
from tests.providers.fake_openai import completion, first_token
from tests.providers.fake_server import FakeOpenAI, serving

pytestmark = pytest.mark.browser

SECONDS = 90_000
TEXTS = ("apple", "pear", "plum")


class Moody(FakeOpenAI):
    """Says yes to the document with its favourite word."""

    favourite = "apple"

    def completion(self, body):
        yes = 0.9 if self.favourite in body["messages"][-1]["content"] else 0.2
        return completion("yes", logprobs=first_token(yes=yes, no=1 - yes))

    def asked_of(self, model):
        return sum(body["model"] == model for body in self.bodies)


@pytest.fixture
def model_server():
    server = Moody()
    with serving(server) as url:
        server.url = f"{url}/v1"
        yield server


@pytest.fixture
def session(server, model_server):
    """A comparison of two models of that server, in the app's store."""
    store = Store(Path(server.environment["RERANK_LENS_DB"]))
    store.connections.add(SavedConnection("box", "openai", model_server.url))
    draft = Draft("ripe?", shelf=[Entry({"kind": "yes-no", "model": f"box:{name}"}) for name in "mn"])
    draft.load([Document(text) for text in TEXTS], "a test")
    found, registry = store.sessions.new(draft.to_json()), Registry(store.connections.settings())
    jobs = Jobs(store, registry.resolve)
    job = jobs.start(found, "comparison", draft.query, draft.documents(), draft.strategies(), registry.resolve)
    assert jobs.wait(job, 60).state == "done"
    store.close()
    return f"{server.url}/?session={found}"


def first_of(page, column):
    """The document at the top of a column."""
    rows = page.locator(".rl-columns tr", has=page.locator(".rl-open"))
    return rows.first.locator(".rl-open").nth(column)


def press_in_form_of_first(page, name):
    """Press a button in the form of the first strategy, which stays open from one press to the next."""
    idle(page)
    button = page.get_by_role("button", name=name, exact=True)
    if not button.is_visible():
        page.get_by_role("button", name="Edit").first.click()
        button.wait_for()
        idle(page)
    button.click()


def test_ask_again_asks_one_strategy_anew_and_the_first_answers_are_one_press_away(session, page, model_server):
    page.goto(session)
    expect(first_of(page, 0)).to_contain_text("apple", timeout=SECONDS)
    assert (model_server.asked_of("m"), model_server.asked_of("n")) == (3, 3)

    model_server.favourite = "plum"
    press_in_form_of_first(page, "Ask again")
    expect(first_of(page, 0)).to_contain_text("plum", timeout=SECONDS)
    expect(first_of(page, 1)).to_contain_text("apple")
    assert (model_server.asked_of("m"), model_server.asked_of("n")) == (6, 3)
    shot(page, "asked-again")

    page.reload()  # the new answers are those of this session
    expect(first_of(page, 0)).to_contain_text("plum", timeout=SECONDS)
    press_in_form_of_first(page, "First answers")
    expect(first_of(page, 0)).to_contain_text("apple", timeout=SECONDS)
    assert (model_server.asked_of("m"), model_server.asked_of("n")) == (6, 3)

    model_server.favourite = "pear"
    press_in_form_of_first(page, "Ask again")
    expect(first_of(page, 0)).to_contain_text("pear", timeout=SECONDS)
    assert (model_server.asked_of("m"), model_server.asked_of("n")) == (9, 3)
