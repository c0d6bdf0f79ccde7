"""The overview in a browser: measures change in place, disputes lead to the card, nothing is clipped on a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from reranking.documents import Document
from reranking.jobs import Jobs
from reranking.providers.registry import Registry
from reranking.store.store import Store
from reranking.ui.state import Draft, Entry
from tests.browser.conftest import idle, shot

pytestmark = pytest.mark.browser

QUERY = "harbour lantern"
SLOW = 60_000
"""Milliseconds for what a busy machine may take its time for."""

WORDS = ["harbour", "lantern", "velvet", "marble", "orchid"]
SPECS = [
    {"kind": "input-order"},
    {"kind": "bm25"},
    {"kind": "bm25", "k1": 3.0},
    {"kind": "grade", "model": "simulated:overlap?noise=0.4"},
    {"kind": "yes-no", "model": "simulated:overlap?noise=0.5"},
    {"kind": "setwise", "model": "simulated:overlap?noise=0.3"},
]


@pytest.fixture
def compared(server):
    """The address of a finished comparison of 20 judged documents."""
    texts = [" ".join(WORDS[(at * 3 + step * step) % 5] for step in range(12 + at)) for at in range(20)]
    documents = [Document(text, title=f"A title that says {text[:40]} in {at} words") for at, text in enumerate(texts)]
    draft = Draft(QUERY, shelf=[Entry(dict(spec)) for spec in SPECS])
    draft.load(documents, "a test")
    store, registry = Store(Path(server.environment["RERANK_LENS_DB"])), Registry()
    session = store.sessions.new(draft.to_json())
    jobs = Jobs(store, registry.resolve)
    jobs.wait(jobs.start(session, "comparison", QUERY, documents, draft.strategies(), registry.resolve), 60)
    for at, document in enumerate(documents):
        store.judgments.add(QUERY, document.fingerprint, "me", "0-3", at % 4)
    store.close()
    return f"{server.url}/?session={session}"


def go(page, address):
    """Open the comparison and wait for its overview."""
    page.goto(address)
    expect(page.locator(".rl-dispute")).to_have_count(5, timeout=SLOW)
    expect(page.locator(".st-key-agreement-matrix .js-plotly-plot")).to_be_visible(timeout=SLOW)
    idle(page)


def wide(page):
    """How many pixels of the page lie to the right of the window."""
    return page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollWidth - innerWidth")


def test_the_overview_shows_its_panels_changes_the_measure_and_leads_to_a_document(compared, page):
    go(page, compared)
    panels = [page.locator(f".st-key-{key} .js-plotly-plot") for key in ("bump", "agreement-matrix", "quality-price")]
    for panel in panels:
        expect(panel).to_be_visible(timeout=SLOW)
    shot(page, "overview")
    tops = [page.locator(".rl-panel-title").nth(at).bounding_box()["y"] for at in range(3)]
    assert max(tops) - min(tops) < 5

    page.get_by_role("radio", name="RBO").click()
    expect(page.get_by_text("Rank-biased overlap (p = 0.9)")).to_be_visible(timeout=SLOW)
    expect(panels[1]).to_be_visible(timeout=SLOW)

    first = page.locator(".rl-dispute button").first
    title = first.inner_text()
    first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".st-key-document-card")).to_contain_text(title[:50], timeout=SLOW)
    assert "doc=" in page.url


def test_charts_stay_as_they_are_when_the_page_begins_or_ceases_to_say_what_has_changed(compared, page):
    go(page, compared)
    chart, remark = page.locator(".st-key-bump .js-plotly-plot"), page.get_by_text("Changed since these results")
    chart.evaluate("each => { each.dataset.kept = 'yes'; }")
    tick = page.locator("[data-testid=stSidebar] [data-testid=stCheckbox] label").first
    tick.click()
    expect(remark).to_be_visible(timeout=SLOW)
    idle(page)
    assert chart.get_attribute("data-kept") == "yes"
    tick.click()
    expect(remark).to_have_count(0, timeout=SLOW)
    idle(page)
    assert chart.get_attribute("data-kept") == "yes"


def test_consensus_and_scores_open_and_are_drawn(compared, page):
    go(page, f"{compared}&k=5")
    page.get_by_text("Consensus of all strategies", exact=True).click()
    expect(page.locator(".st-key-consensus-chart .js-plotly-plot")).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("One order for all 6 strategies")).to_be_visible(timeout=SLOW)
    page.get_by_text("Scores and the cut", exact=True).click()
    expect(page.locator(".st-key-score-strips .js-plotly-plot")).to_be_visible(timeout=SLOW)
    expect(page.locator(".rl-margins tbody tr")).to_have_count(6, timeout=SLOW)
    expect(page.locator(".rl-margins thead")).to_contain_text("gap at 5 | 6", timeout=SLOW)
    idle(page)
    page.locator(".st-key-score-strips").scroll_into_view_if_needed()
    shot(page, "consensus-and-scores")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_panels_stand_below_each_other_and_tables_scroll_in_their_own_box(compared, chromium, scheme):
    context = chromium.new_context(viewport={"width": 390, "height": 1600}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(60_000)
    go(page, compared)
    tops = [page.locator(".rl-panel-title").nth(at).bounding_box()["y"] for at in range(3)]
    assert tops == sorted(tops)
    assert tops[1] - tops[0] > 100
    assert wide(page) <= 0
    bump = page.locator(".st-key-bump")
    assert bump.evaluate("each => [each.scrollHeight - each.clientHeight, each.scrollWidth > each.clientWidth]") == [
        0,
        True,
    ]
    edge = bump.bounding_box()
    chart = bump.locator(".js-plotly-plot").bounding_box()
    assert chart["y"] + chart["height"] <= edge["y"] + edge["height"] + 1
    box = page.locator(".rl-scroll").first
    assert box.evaluate("each => each.scrollWidth > each.clientWidth")
    for key in ("agreement-matrix", "quality-price"):
        drawn = page.locator(f".st-key-{key} .js-plotly-plot").bounding_box()
        assert drawn["x"] >= 0
        assert drawn["x"] + drawn["width"] <= 390
    page.locator(".st-key-agreement-matrix").scroll_into_view_if_needed()
    shot(page, f"overview-phone-{scheme}")
    context.close()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_strategies_names_stay_in_sight_of_their_columns_to_the_end_of_the_page(compared, chromium, width):
    context = chromium.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    go(page, compared)
    page.locator(".rl-columns").evaluate("each => { each.scrollTop = each.scrollHeight; }")
    page.evaluate("() => { const all = document.querySelector('[data-testid=stMain]'); all.scrollTop = 1e6; }")
    name = page.locator(".rl-columns thead h3").first
    expect(name).to_be_in_viewport(timeout=SLOW)
    middle = "each => { const box = each.getBoundingClientRect(); return [box.x + 9, box.y + box.height / 2]; }"
    on_top = "([x, y]) => document.elementFromPoint(x, y)?.closest('.rl-columns thead') !== null"
    assert page.evaluate(on_top, name.evaluate(middle))
    context.close()


def test_the_controls_of_the_columns_and_their_labels_stand_on_one_line(compared, page):
    go(page, compared)
    labels = page.locator(".st-key-columns-controls label[data-testid=stWidgetLabel]")
    expect(labels).to_have_count(5, timeout=60_000)
    idle(page)
    tops = [labels.nth(at).bounding_box()["y"] for at in range(labels.count())]
    assert max(tops) - min(tops) < 1
