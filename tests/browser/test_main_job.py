"""The main job by hand: open, example, run, read, judge, save, restart, open again - no key, no network."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import idle, shot

pytestmark = [pytest.mark.browser, pytest.mark.models]

OFFERED = ("Input order", "BM25", "Dense bi-encoder", "Late interaction", "Yes/no")
WANTED = ("BM25", "Dense bi-encoder", "Late interaction", "Yes/no")


def choose(page, names):
    """Tick exactly the strategies named."""
    idle(page)
    for title in OFFERED:
        box = page.locator("[data-testid=stSidebar] [data-testid=stCheckbox]", has_text=title)
        if box.locator("input").is_checked() != (title in names):
            box.locator("label").click()
            idle(page)


def columns(page):
    """What stands in the columns: all text, and all scores."""
    block = page.locator(".rl-columns")
    return block.inner_text(), block.locator(".rl-number").all_inner_texts()


def test_a_new_user_compares_judges_saves_and_finds_everything_again_after_a_restart(server, page):
    page.goto(server.url)
    page.get_by_role("button", name="Open example").first.click()
    expect(page.locator(".rl-part", has_text="documents from example")).to_be_visible()
    choose(page, WANTED)
    page.get_by_role("button", name=re.compile("^Run")).click()
    expect(page.locator(".rl-prices")).to_be_visible(timeout=180_000)
    idle(page)
    assert page.locator(".rl-columns h3").all_inner_texts() == list(WANTED)
    assert page.locator(".rl-columns .rl-state").all_inner_texts() == ["complete"] * 4
    kinds = page.locator(".rl-kind summary").all_inner_texts()
    assert kinds == ["BM25 (pool)", "similarity", "similarity sum", "probability"]
    for at in range(1, 5):
        column = page.locator(f".rl-columns td:nth-child({at}) .rl-number")
        scores = [float(text) for text in column.all_inner_texts()]
        assert len(set(scores)) > 5
        assert scores == sorted(scores, reverse=True)
    expect(page.locator(".st-key-bump .js-plotly-plot")).to_be_visible()
    shot(page, "compare")

    page.get_by_role("link", name="Judge").click()
    for grade in (3, 0, 2, 1, 3):
        seen = page.locator(".rl-judge .rl-full").inner_text()
        page.wait_for_timeout(600)  # a grade that comes before the document can have been seen does not count
        page.keyboard.press(str(grade))
        expect(page.locator(".rl-judge .rl-full")).not_to_have_text(seen)
        idle(page)
    expect(page.get_by_text("5 of 12 documents judged").or_(page.get_by_text(re.compile("^5 of ")))).to_be_visible()
    shot(page, "judge")

    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page.locator(".rl-prices")).to_contain_text("nDCG@10")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_label("Title").fill("First look")
    page.get_by_label("Title").press("Enter")
    expect(page.get_by_label("Title")).to_be_hidden()
    expect(page.locator(".rl-line")).to_contain_text("saved as “First look”")
    idle(page)
    before = columns(page), page.locator(".rl-prices").inner_text(), page.locator(".rl-finding").inner_text()
    shot(page, "judged")

    server.stop()
    server.start()
    page.goto(server.url)
    page.get_by_role("link", name="Sessions").click()
    expect(page.locator(".rl-session-title")).to_have_text("First look")
    shot(page, "sessions")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.locator(".rl-prices")).to_be_visible()
    idle(page)
    after = columns(page), page.locator(".rl-prices").inner_text(), page.locator(".rl-finding").inner_text()
    assert after == before


def test_a_server_killed_in_the_middle_of_a_run_shows_it_as_interrupted_and_resume_finishes_it(server, page):
    page.goto(server.url)
    page.get_by_role("button", name="Open example").first.click()
    expect(page.locator(".rl-part", has_text="documents from example")).to_be_visible()
    choose(page, ("BM25", "Yes/no"))
    page.get_by_role("button", name=re.compile("^Run")).click()
    expect(page.locator(".rl-progress", has_text=re.compile(r"[1-9]\d* of \d+ requests"))).to_be_visible(
        timeout=120_000
    )
    address = page.url
    server.stop(9)
    answered = replies(server)
    assert answered
    server.start()
    page.goto(address)
    expect(page.get_by_text("was interrupted")).to_be_visible(timeout=30_000)
    shot(page, "interrupted")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator(".rl-prices tbody tr")).to_have_count(2, timeout=180_000)
    idle(page)
    expect(page.locator(".rl-columns .rl-state")).to_have_text(["complete", "complete"])
    sent = calls(server)
    assert len(sent) == len(set(sent))
    assert set(answered) <= set(sent)


def replies(server):
    return query(server, "SELECT key FROM replies")


def calls(server):
    """Keys of the requests that were really sent and answered."""
    return query(server, "SELECT key FROM calls WHERE source = 'sent' AND failed_code IS NULL")


def query(server, sql):
    import sqlite3

    connection = sqlite3.connect(server.environment["RERANK_LENS_DB"])
    try:
        return [row[0] for row in connection.execute(sql)]
    finally:
        connection.close()


def test_a_page_that_is_opened_first_after_a_start_has_the_apps_navigation_and_its_session(server, page):
    page.goto(f"{server.url}/judge")
    expect(page.get_by_role("link", name="Compare", exact=True)).to_be_visible()
    expect(page.locator("[data-testid=stSidebarNav]")).to_have_count(0)
    page.get_by_role("link", name="Compare", exact=True).click()
    page.get_by_role("button", name="Open example").first.click()
    expect(page.locator(".rl-line")).to_contain_text("16 documents")
    session = page.url.split("session=")[1]
    server.stop()
    server.start()
    page.goto(f"{server.url}/judge?session={session}")
    expect(page.locator(".rl-line")).to_contain_text("16 documents")
    expect(page.get_by_role("link", name="Compare", exact=True)).to_be_visible()
