"""The position-bias lab in a real browser: run a test, read it, follow a document, open it again."""

import json

import pytest

from reranking.analysis.bias_plan import BiasPlan
from reranking.draft import Draft, Entry
from reranking.jobs import Jobs
from reranking.providers.registry import Registry
from reranking.store import open_store
from reranking.strategies.catalogue import make
from tests.browser.conftest import idle, shot

pytestmark = pytest.mark.browser

TEXTS = ["apple pie", "motor oil", "apple juice", "blue pie chart", "clear sky", "pie and apple tart", "old harbour"]
BIASED = {"kind": "listwise", "model": "simulated:overlap?primacy=3&noise=0.2", "reasons": False}

CANCELLING = {"kind": "pairwise-all", "model": "simulated:overlap?primacy=50"}


@pytest.fixture
def session(server):
    """Make a session with a finished bias test of each strategy given; returns the address of its screen."""

    def made(*strategies):
        store = open_store(server.environment["RERANK_LENS_DB"])
        chosen = [make(strategy) for strategy in strategies]
        draft = Draft(query="apple pie", text="\n\n".join(TEXTS), shelf=[Entry(one.spec()) for one in chosen])
        id = store.sessions.new(draft.to_json())
        jobs = Jobs(store, Registry().resolve)
        job = jobs.start(
            id, "bias", "apple pie", draft.documents(), chosen, Registry().resolve,
            plan=BiasPlan("pairs", 10, 3, 1, steady=(0,) if strategies == ("bm25",) else ()),
        )  # fmt: skip
        jobs.wait(job, 60)
        store.close()
        return f"{server.url}/bias?session={id}"

    return made


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_a_biased_and_an_unbiased_result_fit_the_screen_and_say_what_they_are(chromium, session, scheme, width):
    context = chromium.new_context(viewport={"width": width, "height": 2000}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(60_000)
    for name, strategy, said in (
        ("biased", BIASED, "Earlier documents are favoured"),
        ("unbiased", "bm25", "The order of the input changed nothing"),
        ("cancelling", CANCELLING, "The model always picks the first passage: every pair contradicts itself"),
    ):
        page.goto(session(strategy))
        page.wait_for_selector(".rl-finding")
        assert said in page.inner_text(".rl-finding")
        if name == "cancelling":
            page.locator("[class*=st-key-matrix] svg text", has_text="1: the first passage wins").first.wait_for()
            assert not page.get_by_role("button", name="Try remedies", exact=True).is_visible()
        if name == "biased":
            page.wait_for_function("document.querySelectorAll('.js-plotly-plot .main-svg').length >= 3")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width
        shot(page, f"bias-{name}-{scheme}-{width}")
    context.close()


def test_a_click_on_a_document_shows_all_its_runs(page, session):
    page.goto(session(BIASED))
    chart = page.locator("[class*=st-key-intervals]")
    chart.locator(".scatterlayer .trace .point").first.wait_for()
    box = chart.locator(".scatterlayer .trace").last.locator(".point").first.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    runs = page.locator("table.rl-narrow", has_text="given at")
    runs.wait_for()
    assert runs.locator("tbody tr").count() == 10


def test_a_test_is_run_from_the_screen_and_its_remedies_after_it(page, session, server):
    page.goto(session(BIASED))
    page.wait_for_selector(".rl-finding")
    page.get_by_text("New bias test").click()
    page.get_by_role("button", name="Run bias test").click()
    page.wait_for_selector("[class*=st-key-bias-test-2]")
    idle(page)
    page.get_by_role("button", name="Try remedies").click()
    page.wait_for_selector(".rl-recommended")
    assert "removes" in page.inner_text(".rl-second")
    idle(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Raw runs (CSV)").click()
    with open(download.value.path(), encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert lines[0].startswith("run,input position,document,output rank")
    assert len(lines) == 1 + 13 * len(TEXTS)
    store = open_store(server.environment["RERANK_LENS_DB"])
    id = page.url.split("session=")[1].split("&")[0]
    plans = [row.spec["plan"] for row in store.jobs.of(id, "bias")]
    store.close()
    assert json.dumps(plans).count('"remedies_of": null') == 2
