"""The compare screen by hand: choose a document in chart, list and columns, share the address, use the keyboard."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from reranking.jobs import Jobs
from reranking.providers.registry import Registry
from reranking.store.store import Store
from reranking.ui import inputs
from reranking.ui.state import Draft, Entry
from tests.browser.conftest import idle, shot

pytestmark = pytest.mark.browser

expect.set_options(timeout=30_000)  # a first page, with its libraries, takes long where many tests run

SPECS = (
    {"kind": "input-order"},
    {"kind": "bm25"},
    {"kind": "bm25", "k1": 0.1, "b": 0.0},
    {"kind": "grade", "model": "simulated:overlap"},
    {"kind": "listwise", "model": "simulated:overlap"},
    {"kind": "pairwise-all", "model": "simulated:overlap"},
)


@pytest.fixture
def session(server):
    """A comparison of an example by six strategies, in the server's store."""
    example = inputs.all_examples()[0]
    documents = list(example.documents)
    draft = Draft(example.query, shelf=[Entry(dict(spec)) for spec in SPECS])
    draft.load(documents, "an example")
    store, registry = Store(Path(server.environment["RERANK_LENS_DB"])), Registry()
    found = store.sessions.new(draft.to_json())
    jobs = Jobs(store, registry.resolve)
    jobs.wait(jobs.start(found, "comparison", draft.query, documents, draft.strategies(), registry.resolve), 60)
    store.close()
    return f"{server.url}/?session={found}"


def opened(page, address):
    page.goto(address)
    expect(page.locator(".rl-columns")).to_be_visible()
    idle(page)
    return page


def card(page):
    return page.locator(".st-key-document-card")


def stays_closed(page):
    """Escape closes the card, and no press of before opens it again."""
    page.keyboard.press("Escape")
    expect(card(page)).to_have_count(0)
    idle(page)
    expect(card(page)).to_have_count(0)


def until(page, key, holds):
    """Press a key until it has an effect: the listener is loaded after what it listens to."""
    for _ in range(60):
        page.keyboard.press(key)
        page.wait_for_timeout(500)
        if holds():
            return
    raise AssertionError(f"{key} does nothing")


def title(page):
    return card(page).locator(".rl-card-title").inner_text()


def test_the_most_disputed_document_is_one_press_from_why_its_strategies_disagree(session, page):
    opened(page, session)
    page.locator(".rl-dispute .rl-open").first.click()
    expect(card(page).locator(".rl-card-finding")).to_contain_text("puts it at")
    assert card(page).locator(".rl-why li").count() == 2
    shot(page, "disputed")


def test_a_press_before_its_listener_is_loaded_opens_the_document_once(session, page):
    held = []
    page.route("**/BidiComponent*.js", lambda route: held.append(route))
    page.goto(session)
    page.locator(".rl-columns .rl-open").first.click()
    idle(page)
    expect(card(page)).to_have_count(0)
    for route in held:
        route.continue_()
    expect(card(page)).to_be_visible()
    idle(page)
    stays_closed(page)


def test_a_press_that_selected_a_word_opens_nothing_later(session, page):
    opened(page, session)
    page.locator(".rl-columns td[data-doc] .rl-text").first.dblclick()
    expect(card(page)).to_be_visible()
    idle(page)
    page.evaluate("getSelection().removeAllRanges()")
    stays_closed(page)


def test_a_point_of_the_chart_opens_its_document_and_its_line_is_followed_under_the_pointer(session, page):
    opened(page, session)
    point = page.locator(".st-key-bump .scatterlayer .trace .point").nth(1).bounding_box()
    at = point["x"] + point["width"] / 2, point["y"] + point["height"] / 2
    page.mouse.move(*at)
    expect(page.locator(".st-key-bump .rl-followed")).to_have_count(1)
    hovered = page.locator(".st-key-bump .hoverlayer").text_content()
    page.set_viewport_size({"width": 1150, "height": 1600})
    over, there = page.locator(".rl-followed .point").last, page.locator(".st-key-bump .trace .point")
    page.wait_for_timeout(1000)
    drawn = over.get_attribute("transform")
    assert drawn in [each.get_attribute("transform") for each in there.all()]  # where the line now is
    page.set_viewport_size({"width": 1440, "height": 1600})
    page.wait_for_timeout(1000)
    page.mouse.down()
    page.mouse.up()
    expect(card(page)).to_be_visible()
    assert title(page)[:20] in hovered
    expect(page).to_have_url(re.compile("doc=\\d+"))


def test_an_address_shows_the_same_in_another_browser(session, page, chromium):
    opened(page, f"{session}&a=1&b=3&k=4")
    page.locator(".st-key-aligned").get_by_role("radio", name="by document").click()
    expect(page.locator(".rl-by-document")).to_be_visible()
    page.locator(".rl-columns .rl-open").nth(2).click()
    expect(card(page)).to_be_visible()
    idle(page)
    context = chromium.new_context(viewport={"width": 1440, "height": 1600})
    other = context.new_page()
    other.set_default_timeout(60_000)
    opened(other, page.url)
    expect(card(other)).to_be_visible()
    for part in (".rl-card-title", ".rl-columns", ".st-key-open-two .rl-two"):
        expect(other.locator(part)).to_have_text(page.locator(part).text_content())
    expect(other.locator(".rl-by-document")).to_be_visible()
    expect(other.locator(".st-key-open-two")).to_contain_text("of their top 4 in common")
    context.close()


def test_the_keyboard_goes_from_document_to_document_opens_and_closes_the_card(session, page):
    opened(page, session)
    focused = "document.activeElement?.dataset.doc"
    first = page.locator(".rl-columns tr").nth(2).locator(".rl-open")
    until(page, "j", lambda: page.evaluate(focused) is not None)
    assert page.evaluate(focused) == first.first.get_attribute("data-doc")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(focused) == first.nth(1).get_attribute("data-doc")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert page.evaluate(focused) == first.nth(1).get_attribute("data-doc")
    page.keyboard.press("Enter")
    expect(card(page)).to_be_visible()
    before = title(page)
    idle(page)
    page.keyboard.press("j")
    expect(card(page).locator(".rl-card-title")).not_to_have_text(before)
    page.keyboard.press("Escape")
    expect(card(page)).to_have_count(0)
    expect(page).not_to_have_url(re.compile("doc="))
    page.locator(".st-key-filter-and-sort summary").click()
    typed = page.get_by_label("Contains")
    typed.click()
    typed.press("j")
    assert page.evaluate("document.activeElement.tagName") == "INPUT"


def test_a_filter_and_the_marks_change_their_own_part_alone(session, page):
    opened(page, session)
    page.evaluate("document.querySelector('.rl-finding').dataset.kept = 'yes'")
    page.locator(".st-key-texts").get_by_role("radio", name="full").click()
    expect(page.locator(".rl-columns .rl-full").first).to_be_visible()
    page.locator(".rl-columns .rl-open").first.click()
    expect(card(page)).to_be_visible()
    page.get_by_role("button", name="score of BM25").first.click()
    expect(card(page).locator("mark.up-3").first).to_be_visible()
    assert page.locator(".rl-finding").get_attribute("data-kept") == "yes"


def test_how_a_ranking_came_about_is_drawn_for_a_strategy_that_compares_pairs(session, page):
    opened(page, session)
    page.locator(".st-key-open-details summary").click()
    part = page.locator(".st-key-open-details")
    expect(part.locator(".js-plotly-plot")).to_be_visible()
    expect(part).to_contain_text("Comparisons")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_nothing_is_wider_than_the_screen(session, chromium, width, scheme):
    context = chromium.new_context(
        viewport={"width": width, "height": 1600 if width > 600 else 844}, color_scheme=scheme
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    for view in ("rank", "document"):
        opened(page, f"{session}&view={view}&doc=3")
        expect(card(page)).to_be_visible()
        main = page.locator("[data-testid=stMain]")
        assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 0
        assert card(page).evaluate("card => card.scrollWidth - card.clientWidth") <= 0
        shot(page, f"compare-{view}-{width}-{scheme}")
        until(page, "Escape", lambda: not card(page).count())
        page.locator(".rl-columns").scroll_into_view_if_needed()
        shot(page, f"columns-{view}-{width}-{scheme}")
    context.close()


@pytest.mark.models
def test_three_presses_lead_from_the_empty_page_to_why_two_strategies_disagree_on_a_document(server, page):
    page.goto(server.url)
    page.get_by_role("button", name="Open example").first.click()
    expect(page.locator(".rl-line")).to_contain_text("16 documents")
    page.get_by_role("button", name=re.compile("^Run")).click()
    expect(page.locator(".rl-dispute").first).to_be_visible(timeout=180_000)
    page.locator(".rl-dispute .rl-open").first.click()
    expect(card(page).locator(".rl-card-finding")).to_have_text(re.compile("puts it at .*, .* at "))
    told = card(page).locator(".rl-why li").all_inner_texts()
    assert len(told) == 2
    assert all("score" in sentence or "reason" in sentence for sentence in told)
    shot(page, "newcomer")
