"""The calls behind a document's place open in a dialog, and only those of that document and strategy."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from reranking.documents import Document
from reranking.jobs import Jobs
from reranking.providers.registry import Registry
from reranking.store.store import Store
from reranking.ui.state import Draft, Entry
from tests.browser.conftest import shot

pytestmark = pytest.mark.browser

EVIL = "apple <img src=x onerror=\"document.title='broken'\"> pie"


def test_a_documents_calls_open_from_its_column_with_prompt_and_reply_as_text(server, page):
    draft = Draft(
        "apple pie", shelf=[Entry({"kind": kind, "model": "simulated:overlap"}) for kind in ("grade", "pairwise-all")]
    )
    documents = [Document(text) for text in (EVIL, "motor oil", "apple juice", "pear")]
    draft.load(documents, "a test")
    store, registry = Store(Path(server.environment["RERANK_LENS_DB"])), Registry()
    session = store.sessions.new(draft.to_json())
    jobs = Jobs(store, registry.resolve)
    jobs.wait(jobs.start(session, "comparison", draft.query, documents, draft.strategies(), registry.resolve), 60)
    store.close()

    page.goto(f"{server.url}/?session={session}")
    card = page.locator(".st-key-document-card")
    page.locator(".rl-columns .rl-open", has_text="onerror").first.click()
    card.get_by_role("button", name="6 model calls").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".rl-call")).to_have_count(6)
    dialog.locator(".rl-call summary").first.click()
    prompt = dialog.locator(".rl-call pre").nth(1)
    expect(prompt).to_contain_text(EVIL)
    shot(page, "calls")
    assert dialog.locator("img").count() == 0
    assert "broken" not in page.title()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    expect(card).to_have_count(1)  # Escape closes one thing at a time
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    page.locator(".rl-columns .rl-open", has_text="motor oil").first.click()
    card.get_by_role("button", name="1 model call", exact=True).click()
    expect(dialog.locator(".rl-call[open]")).to_have_count(1)
    expect(dialog.locator(".rl-call summary")).to_contain_text(re.compile("grade"))
    expect(dialog).to_contain_text("sent to the model")
