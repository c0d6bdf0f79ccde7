"""The app under AppTest, on a database of its own."""

import re
import time
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from reranking.store import open_store
from reranking.ui import state

ROOT = Path(__file__).parents[2]
SECONDS = 30


class App:
    """One browser tab: thin words around AppTest."""

    def __init__(self, session=None):
        self.at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=SECONDS)
        if session:
            self.at.query_params["session"] = session
        self.run()

    def run(self):
        self.at.run()
        assert not self.at.exception, self.at.exception
        return self

    @property
    def session(self):
        found = self.at.query_params["session"]
        return found if isinstance(found, str) else found[0]

    def go(self, page):
        self.at.switch_page(f"pages/{page}.py")
        return self.run()

    def click(self, key):
        self.at.button(key=key).click()
        return self.run()

    def in_dialog(self, opener, act):
        """Do something in the dialog that a button opens; a run of the whole page would close it."""
        act(self.at)
        self.at.button(key=opener).click()
        return self.run()

    def upload(self, *files):
        """Put (name, data) pairs into the upload dialog, which stays open."""
        self.click("upload")
        return self.in_dialog("upload", lambda at: at.file_uploader[0].set_value([(*file, "") for file in files]))

    def use(self):
        """Take what the upload dialog shows."""
        self.at.button(key="upload").click()
        return self.click("use-documents")

    def add(self, kind):
        """Add a strategy and open its form."""
        self.click("add-strategy")
        self.at.button(key="add-strategy").click()
        self.click(f"add-{kind}")
        return self.edit(self.at.session_state["draft"].shelf[-1])

    def edit(self, entry):
        """Open the form of a line of the strategy set."""
        self.at.session_state[f"edit-{entry.key}"] = True
        return self.run()

    def has(self, key):
        return any(item.key == key for item in self.at.button)

    def field(self, name):
        """The input widget whose key begins with `name-`."""
        widgets = [*self.at.text_input, *self.at.text_area, *self.at.selectbox]
        return next(item for item in widgets if (item.key or "").startswith(f"{name}-"))

    def write(self, name, value):
        self.field(name).set_value(value)
        return self.run()

    def save(self, title=None):
        """Save the session under a title, or under the one that is suggested, which is returned."""
        self.click("save")
        suggested = self.field("title").value
        if title is not None:
            self.field("title").set_value(title)
        self.at.button(key="save").click()  # keeps the dialog open in a run of the whole page
        self.click("save-session")
        return suggested

    def said(self, kind=None):
        """The sentences in notices of that kind, or of any."""
        marked = re.compile(
            rf"<div class='rl-notice rl-notice-{kind or '[a-z]+'}' role='[a-z]+'>(.*?)</div>", re.DOTALL
        )
        return [unescape(text) for item in self.at.html for text in marked.findall(item.value)]

    def press(self, name):
        """A button of the document being judged, once it has been looked at: `grade-3`, `withdraw`."""
        shown, since = self.at.session_state["judging_shown"]
        self.at.session_state["judging_shown"] = (shown, since - 1)
        return self.click(next(item.key for item in self.at.button if item.key.startswith(f"{name}-")))

    def html(self):
        """What is put into the page as markup, without the page's own script."""
        return "\n".join(item.value for item in self.at.html if not item.proto.unsafe_allow_javascript)

    def scripts(self):
        """Every block of markup in which scripts may run."""
        return {item.value for item in self.at.html if item.proto.unsafe_allow_javascript}

    def tick(self, wanted):
        """Switch on exactly the strategies whose kinds are named."""
        for entry in self.at.session_state["draft"].shelf:
            box = self.at.checkbox(key=f"on-{entry.key}")
            if box.value != (entry.spec["kind"] in wanted):
                box.set_value(entry.spec["kind"] in wanted)
        return self.run()

    def compare(self, timeout=SECONDS):
        """Press Run and wait for the results."""
        self.click("run")
        return self.wait("comparison", timeout)

    def wait(self, kind, timeout=SECONDS):
        deadline = time.monotonic() + timeout
        while open_store().jobs.of(self.session, kind)[0].state == "running":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return self.run()


@pytest.fixture
def app(tmp_path, monkeypatch):
    """Call it for a tab; give a session's id to open that one."""
    monkeypatch.setenv("RERANK_LENS_DB", str(tmp_path / "app.db"))
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    state.jobs.clear()
    yield App
    state.jobs.clear()
    open_store().close()
