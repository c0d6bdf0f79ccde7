"""The report in a browser without a network: the buttons give it, its charts are drawn, it asks for nothing."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from reranking.analysis.bias_plan import BiasPlan
from reranking.documents import Document
from reranking.jobs import Jobs
from reranking.providers.registry import Registry
from reranking.store.store import Store
from tests.browser.conftest import shot
from tests.report.made import FRUIT, draft_of, run, session_of

pytestmark = pytest.mark.browser

STRATEGIES = (
    "bm25",
    "input-order",
    "listwise(model='simulated:overlap?primacy=2&noise=0.2')",
    "yes-no(model='gone:m')",
)
ATTACK = "</script><script>document.title = 'broken'</script><img src=http://evil.example/1 onerror=document.title='x'>"
SECONDS = 60_000


@pytest.fixture
def session(server):
    """A comparison and a bias test in the app's store, with a document that tries to be a page."""
    store = Store(Path(server.environment["RERANK_LENS_DB"]))
    jobs, resolve = Jobs(store, Registry().resolve), Registry().resolve
    draft = draft_of("apple tart", [*FRUIT, Document(ATTACK, id=ATTACK, title=ATTACK)], STRATEGIES)
    found = session_of(store, draft)
    assert run(jobs, found, draft, resolve).state == "done"
    assert run(jobs, found, draft, resolve, kind="bias", plan=BiasPlan("pairs", 12, repeats=2)).state == "done"
    store.sessions.save(found, "Apples")
    store.close()
    return found


@pytest.fixture
def reader(chromium, request):
    """Opens a file as somebody does who has no network; anything else that is asked for is noted."""
    contexts, faults = [], []

    def open_file(path, width=1440, scheme="light", height=1000):
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        context.set_offline(True)
        page = context.new_page()
        page.on("request", lambda sent: sent.url.startswith(("file:", "data:", "blob:")) or faults.append(sent.url))
        page.on("console", lambda said: said.type in {"error", "warning"} and faults.append(said.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(path.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert faults == []


def saved(download, folder):
    assert download.suggested_filename == "Apples-report.html" or download.suggested_filename.endswith("-report.html")
    path = folder / download.suggested_filename
    download.save_as(path)
    return path


def from_sessions(page, server, folder):
    page.goto(f"{server.url}/sessions")
    row = page.locator("[class*=st-key-session-]", has_text="Apples")
    with page.expect_download(timeout=SECONDS) as caught:
        row.get_by_role("button", name="Report").click()
    return saved(caught.value, folder)


def draw_everything(page):
    """Open all parts and scroll to every chart; returns how many there are."""
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    plots = page.locator(".rl-plot")
    for at in range(plots.count()):
        plots.nth(at).scroll_into_view_if_needed()
        expect(plots.nth(at).locator("svg.main-svg").first).to_be_visible(timeout=SECONDS)
    return plots.count()


def test_the_report_of_sessions_opens_without_a_network_and_draws_every_chart(server, session, page, reader, tmp_path):
    report = reader(from_sessions(page, server, tmp_path))
    shot(report, "report")
    expect(report).to_have_title("Apples")
    assert draw_everything(report) > 5
    for plot in report.locator(".rl-plot").all():
        drawn = plot.locator(".scatterlayer .trace, .heatmaplayer image, .heatmaplayer .hm, .shapelayer path")
        assert drawn.count() > 0, plot.get_attribute("aria-label")
    assert report.title() == "Apples"
    assert report.locator("img, iframe, object, embed, link").count() == 0
    expect(report.locator(".rl-document .rl-full", has_text="document.title").first).to_be_visible()


def test_the_export_menu_of_compare_gives_the_same_file(server, session, page, tmp_path):
    first = from_sessions(page, server, tmp_path).read_bytes()
    page.goto(f"{server.url}/?session={session}")
    page.get_by_role("button", name="Export").click()
    with page.expect_download(timeout=SECONDS) as caught:
        page.get_by_role("button", name="Report").click()
    (tmp_path / "compare").mkdir()
    assert saved(caught.value, tmp_path / "compare").read_bytes() == first


def test_a_phone_in_the_dark_has_nothing_that_is_wider_than_the_screen(server, session, page, reader, tmp_path):
    report = reader(from_sessions(page, server, tmp_path), width=390, scheme="dark")
    draw_everything(report)
    assert report.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    for box in report.locator(".rl-scroll, .rl-wide").all():
        wider, hint = box.evaluate(
            "box => [box.scrollWidth > box.clientWidth, getComputedStyle(box, '::before').content]"
        )
        assert wider or "Swipe" not in hint
    report.evaluate("scrollTo(0, 0)")
    shot(report, "report-phone-dark")
    colour = report.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, re.findall(r"\d+", colour)[:3])) < 60


def test_a_link_to_a_document_opens_the_part_that_holds_it(server, session, page, reader, tmp_path):
    report = reader(from_sessions(page, server, tmp_path))
    last = report.locator("#q1-d7")
    expect(last).to_be_hidden()
    report.evaluate("location.hash = '#q1-d7'")
    expect(last).to_be_in_viewport()


def test_printing_opens_every_part_and_draws_every_chart_and_leaves_the_screen_as_it_was(
    server, session, page, reader, tmp_path
):
    report = reader(from_sessions(page, server, tmp_path))
    closed = report.locator("details:not([open])").count()
    assert closed > 3
    report.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(report.locator("details:not([open])")).to_have_count(0)
    expect(report.locator(".rl-plot:not([data-drawn])")).to_have_count(0)
    report.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(report.locator("details:not([open])")).to_have_count(closed)
