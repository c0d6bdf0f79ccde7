"""Two browser sessions, two keys: neither sees the other's, on any screen or wire, in any file, log or error."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from reranking.documents import Document
from reranking.draft import Draft, Entry
from reranking.store.store import Store
from tests.browser.conftest import Server
from tests.providers.fake_server import FakeOpenAI, serving

pytestmark = pytest.mark.browser

ANN, BOB = "sk-ann-AAAA7f3b1c9d2e4f5a6b7c8d", "sk-bob-BBBB0a9f8e7d6c5b4a392817"
ANYBODYS = tuple(key[part] for key in (ANN, BOB) for part in (slice(None), slice(4, None), slice(8, 20)))
SLOW = 90_000
"""Milliseconds that the first call to a provider may take, whose library is loaded then."""

SCREENS = ("Compare", "Bias", "Judge", "Sessions", "Connections")


@pytest.fixture
def model_server():
    """Knows Ann's key; turns all others down and repeats them in its error."""
    server = FakeOpenAI(keys={ANN}, context={"/v1/models": {"data": [{"id": "gpt-a"}]}})
    with serving(server) as url:
        server.url = f"{url}/v1"
        yield server


@pytest.fixture
def app(tmp_path, model_server):
    """The app, which talks to that server as if it was OpenAI, and logs all that it and its libraries can log."""
    running = Server(tmp_path / "keys.db", tmp_path)
    running.environment |= {
        "OPENAI_BASE_URL": model_server.url, "STREAMLIT_LOGGER_LEVEL": "debug", "OPENAI_LOG": "debug",
        **{f"{name}_BASE_URL": "http://127.0.0.1:1/v1" for name in ("OLLAMA", "VLLM", "LMSTUDIO", "LLAMACPP")},
    }  # fmt: skip
    running.start()
    yield running
    if running.process.poll() is None:
        running.stop()


class Person:
    """A browser of one's own, with a record of everything that comes and goes over its sockets."""

    def __init__(self, chromium, app, session):
        self.context = chromium.new_context(viewport={"width": 1440, "height": 1600})
        self.page = self.context.new_page()
        self.page.set_default_timeout(60_000)
        self.sent, self.received, self.seen, self.addresses, self.console = [], [], [], [], []
        self.page.on("websocket", self.listen)
        self.page.on("request", lambda request: self.addresses.append(request.url))
        self.page.on("console", lambda message: self.console.append(message.text))
        self.page.goto(f"{app.url}/?session={session}")
        expect(self.page.get_by_role("button", name="Run")).to_be_visible(timeout=SLOW)

    def listen(self, socket):
        socket.on("framesent", lambda frame: self.sent.append(as_bytes(frame)))
        socket.on("framereceived", lambda frame: self.received.append(as_bytes(frame)))

    def idle(self):
        expect(self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible(timeout=SLOW)

    def look(self):
        """Take down all that the page shows and holds."""
        values = "[...document.querySelectorAll('input, textarea')].map(item => item.value)"
        held = self.page.evaluate(
            f"JSON.stringify([{values}, {{...localStorage}}, {{...sessionStorage}}, document.cookie, location.href])"
        )
        self.seen += [self.page.content(), held, self.page.inner_text("body")]

    def go(self, screen):
        self.page.get_by_role("link", name=screen, exact=True).click()
        heading = {"Connections": "Reply cache"}.get(screen)
        if heading:
            expect(self.page.get_by_text(heading)).to_be_visible(timeout=SLOW)
        self.page.wait_for_timeout(500)
        self.look()

    def enter_key(self, key):
        self.go("Connections")
        self.page.locator(".st-key-key-of-openai").get_by_role("button").click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("textbox", name="Key").fill(key)
        dialog.get_by_role("button", name="Use in this session").click()
        expect(self.page.get_by_text("typed in, for this browser session only")).to_be_visible(timeout=SLOW)
        self.look()

    def add_connection(self, name, url, key):
        self.page.get_by_role("button", name="Add connection").click()
        dialog = self.page.get_by_role("dialog")
        for label, text in (("Name", name), ("Base URL", url), ("Key, for this browser session only", key)):
            dialog.get_by_role("textbox", name=label).fill(text)
            dialog.get_by_role("textbox", name=label).press("Tab")
        dialog.get_by_role("button", name="Add", exact=True).click()
        expect(self.page.get_by_text(f"Added '{name}'")).to_be_visible(timeout=SLOW)
        self.look()

    def test_openai(self, told):
        card = self.page.locator(".st-key-connection-openai")
        card.get_by_role("button", name="Test").click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("combobox").fill("openai:gpt-a")
        dialog.get_by_role("combobox").press("Enter")
        self.idle()
        dialog.get_by_role("button", name="Test", exact=True).click()
        expect(self.page.get_by_text(f"openai:gpt-a: {told}").first).to_be_visible(timeout=SLOW)
        self.look()

    def run(self, outcome):
        self.go("Compare")
        self.page.get_by_role("button", name="Run").click()
        rows = self.page.locator(".rl-prices tbody tr:not(.rl-why-failed, .rl-paid)")
        expect(rows).to_have_count(2, timeout=SLOW)
        self.look()
        for row in rows.all():
            expect(row).to_contain_text(outcome)

    def reads(self, *sentences):
        for sentence in sentences:
            expect(self.page.get_by_test_id("stMain")).to_contain_text(sentence)

    def all_that_came(self):
        return b"".join(self.received) + "".join([*self.seen, *self.addresses, *self.console]).encode()


def as_bytes(frame):
    return frame if isinstance(frame, bytes) else frame.encode()


def session_of(store, word):
    models = ("openai:gpt-a", "shared-box:gpt-a")
    draft = Draft(f"about {word}", shelf=[Entry({"kind": "yes-no", "model": model}) for model in models])
    draft.load([Document(f"{word} {number}") for number in ("one", "two", "three")], "a test")
    return store.sessions.new(draft.to_json())


def keys_for(model_server, word):
    """The keys with which documents about `word` were sent."""
    return {key for key, body in model_server.asked if word in json.dumps(body)}


def test_a_key_serves_and_is_known_to_its_own_browser_session_only(app, chromium, model_server, tmp_path):
    store = Store(Path(app.environment["RERANK_LENS_DB"]))
    sessions = [session_of(store, word) for word in ("apples", "bananas", "cherries")]
    store.close()
    ann, bob, cem = (Person(chromium, app, session) for session in sessions)
    ann.enter_key(ANN)
    ann.add_connection("shared-box", model_server.url, ANN)
    bob.enter_key(BOB)
    ann.test_openai("generate, choose")
    ann.run("complete")
    bob.run("failed")
    cem.go("Connections")
    cem.run("failed")

    # The connection is everybody's, the key that Ann entered for it is hers.
    bob.reads("refused the API key (401)", "No API key for 'shared-box'")
    cem.reads("No API key for 'openai'", "No API key for 'shared-box'")
    assert keys_for(model_server, "apples") == {ANN}
    assert keys_for(model_server, "bananas") == {BOB, "none"}
    assert keys_for(model_server, "cherries") == {"none"}

    bob.go("Connections")
    bob.test_openai("The server at")
    bob.reads("refused the API key (401)")
    for person in (ann, bob, cem):
        for screen in SCREENS:
            person.go(screen)
    bob.page.goto(f"{app.url}/?session={sessions[0]}")  # Ann's session, which everybody may open
    expect(bob.page.locator(".rl-prices tbody tr:not(.rl-why-failed, .rl-paid)")).to_have_count(2, timeout=SLOW)
    bob.look()

    for person, word in ((ann, b"apples"), (bob, b"bananas"), (cem, b"cherries")):
        assert word in b"".join(person.received)  # what is recorded can be read
    for person, own in ((ann, ANN), (bob, BOB), (cem, "")):
        came, went = person.all_that_came(), b"".join(person.sent)
        assert (own.encode() in went) is True
        assert [part for part in ANYBODYS if part.encode() in came] == []
        assert [part for part in ANYBODYS if part.encode() in went and part not in own] == []
    for person in (ann, bob, cem):
        person.context.close()
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.name for path in kept} >= {"keys.db", "keys.db-wal", "server.log"}
    assert kept[app.log]
    assert [(path.name, part) for path, text in kept.items() for part in ANYBODYS if part.encode() in text] == []
    app.stop()
    assert not any(part.encode() in path.read_bytes() for path in tmp_path.rglob("*.*") for part in ANYBODYS)
