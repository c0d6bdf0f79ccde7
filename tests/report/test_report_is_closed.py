"""What stands in a session is text in its report, never markup; nothing of a report leads out of it, or knows a key."""

import base64
import hashlib
import json
import re

import pytest

from reranking.analysis.bias_plan import BiasPlan
from reranking.documents import Document
from reranking.models import ModelError
from reranking.providers.registry import Registry
from reranking.providers.saved import SavedConnection
from reranking.providers.settings import Settings
from reranking.replies import Text
from reranking.report import session_report
from tests.oracles import Scripted
from tests.providers.fake_server import FakeOpenAI, serving
from tests.report.made import compared, draft_of, run, session_of
from tests.report.reading import Page, strings

HOSTILE = (
    '<script>alert("one")</script>',
    "</script><script>alert(2)</script>",
    "</style><style>body{background:url(http://evil.example/3)}</style>",
    "\"><img src=http://evil.example/4 onerror='alert(4)'>",
    "' onmouseover='alert(5)' x='",
    "{{7*7}} {% include 'x' %} {# no #}",
    "![six](http://evil.example/6) [link](javascript:alert(6)) **bold**",
    "<!-- seven --> ]]> <![CDATA[ &lt;b&gt; &amp; &#60;i&#62;",
    "</title></head><base href=http://evil.example/8><meta http-equiv=refresh content='0;http://evil.example'>",
    "<a href='http://evil.example/9'>nine</a><svg/onload=alert(9)><math><mtext></p></td></table></main>",
    "<link rel=stylesheet href=http://evil.example/10> @import 'http://evil.example'; $x^2$",
)
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "h1", "h2", "h3", "h4", "p", "nav", "ul", "li", "a",
    "noscript", "main", "section", "div", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "pre",
    "article", "figure", "figcaption", "span", "b", "i", "mark", "script", "footer",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "http-equiv", "content", "name", "id", "class", "style", "dir", "href", "scope", "colspan",
    "role", "title", "tabindex", "type", "aria-label", "aria-labelledby", "aria-hidden", "data-of",
}  # fmt: skip
STYLES = re.compile(r"(?:(?:width|left|height|min-width|background):[ ]?[-.\w%#]+;?[ ]?)+")


def told(request, number):
    """A grade with a hostile reason and quotes; the third question fails with a hostile message and reply."""
    text = HOSTILE[number % len(HOSTILE)]
    if number == 3:
        raise ModelError("server", f"The server said {HOSTILE[0]} {HOSTILE[3]}", raw=HOSTILE[1])
    if number == 5:
        return Text(text=HOSTILE[9])
    return Text(text=json.dumps({"reason": text, "quotes": [text], "score": number % 10}))


def broken(request, number):
    raise ModelError("server", f"Broken: {HOSTILE[4]} {HOSTILE[8]}", raw=HOSTILE[2])


def models(name):
    return Scripted(broken if name == "broken" else told, name=name, fingerprint=name, note=HOSTILE[10])


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The report of a session in which every text is hostile."""
    from reranking.jobs import Jobs
    from reranking.store import open_store

    store = open_store(tmp_path_factory.mktemp("hostile") / "hostile.db")
    documents = [Document(text, id=f"{text} id", title=f"{text} title") for text in HOSTILE]
    strategies = ["bm25", {"kind": "grade", "model": HOSTILE[3]}, {"kind": "grade", "model": "broken"}, "input-order"]
    draft = draft_of(" ".join(HOSTILE), documents, strategies, labels=HOSTILE[:4])
    jobs = Jobs(store, models)
    session = session_of(store, draft)
    comparison = run(jobs, session, draft, models)
    assert [one.outcome for one in comparison.rankings] == ["complete", "partial", "failed", "complete"]
    run(jobs, session, draft, models, kind="bias", plan=BiasPlan("pairs", 4, repeats=2))
    store.judgments.add(draft.query, documents[0].fingerprint, "me", "0-3", 2, note=HOSTILE[0])
    store.sessions.save(session, f"Title {HOSTILE[8]}")
    html = session_report(store, session, models)
    store.close()
    return Page(html)


def test_only_the_elements_of_the_templates_are_there_and_all_are_closed(page):
    assert {tag for tag, _ in page.elements} <= TAGS
    assert page.open == []
    assert page.comments == []
    for once in ("html", "head", "title", "body", "main", "h1", "style", "footer"):
        assert len(page.having(once)) == 1, once
    assert len(page.having("section")) == 2


def test_only_the_attributes_of_the_templates_are_there(page):
    assert {name for _, found in page.elements for name in found} <= ATTRIBUTES
    styles = [found["style"] for _, found in page.elements if "style" in found]
    assert styles
    assert [style for style in styles if not STYLES.fullmatch(style)] == []


def test_every_hostile_text_is_shown_as_it_is(page):
    for text in HOSTILE:
        for whole in (text, f"{text} id", f"{text} title"):
            assert page.says(whole), whole
    assert page.says(f"Title {HOSTILE[8]}")
    assert page.says(f"Broken: {HOSTILE[4]} {HOSTILE[8]}")
    assert page.says(HOSTILE[1])  # the raw reply of the call that failed


def test_what_a_model_says_and_is_called_is_shown_as_it_is(page):
    reasons = [found for found in page.having("div") if found.get("class") == "rl-reason"]
    assert len(reasons) >= len(HOSTILE) - 2
    assert page.says(HOSTILE[10])  # the model's note
    assert page.text.count(HOSTILE[3]) > 3


def test_texts_in_charts_are_no_markup_for_what_draws_them(page):
    assert len(page.figures) > 5
    drawn = [text for figure in page.figures for text in strings(without_names(figure))]
    assert any("alert" in text for text in drawn)
    for text in drawn:
        assert re.findall(r"</?(?!b>|br>|i>|span|extra>)[a-zA-Z!]", text) == [], text
        assert not re.search(r"<\w+[^>]*(href|src|onerror|onload)", text), text


def without_names(figure):
    """A figure without the names of traces that are never drawn."""
    assert figure["light"]["layout"]["showlegend"] is False
    for trace in figure["light"]["data"]:
        if trace.get("hoverinfo") in {"text", "skip", "none"}:
            trace.pop("name", None)
    return figure


def test_links_lead_to_parts_of_the_page_that_are_there(page):
    anchors = {found["id"] for _, found in page.elements if "id" in found}
    links = [found["href"] for _, found in page.elements if "href" in found]
    assert links
    assert {link[:1] for link in links} == {"#"}
    assert {link[1:] for link in links} <= anchors


def test_no_id_is_there_twice(page):
    ids = [found["id"] for _, found in page.elements if "id" in found]
    assert sorted(ids) == sorted(set(ids))


def test_the_policy_forbids_every_request_and_knows_each_script(page):
    policy = page.policy
    assert policy["default-src"] == ["'none'"]
    assert (policy["base-uri"], policy["form-action"]) == (["'none'"], ["'none'"])
    assert set(policy) == {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"}
    assert policy["style-src"] == ["'unsafe-inline'"]
    assert policy["img-src"] == ["data:", "blob:"]
    run_by_the_browser = [text for found, text in page.scripts if found.get("type") != "application/json"]
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in run_by_the_browser]
    assert policy["script-src"] == [f"'sha256-{one}'" for one in hashes]
    assert len(hashes) == 2


def test_the_policy_stands_before_everything_that_it_forbids(page):
    tags = [tag for tag, _ in page.elements]
    policy = next(at for at, (_, found) in enumerate(page.elements) if "http-equiv" in found)
    assert set(tags[:policy]) <= {"html", "head", "meta"}


def test_the_style_loads_nothing(page):
    (style,) = page.styles
    assert re.findall(r"url\(|@import|@font-face|image-set|https?:", style) == []


KEY = "sk-typed-0123456789abcdef"
OTHER = "sk-environment-0123456789"


def test_no_key_is_in_a_report_not_even_where_a_server_repeats_it(jobs, store, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", OTHER)
    with serving(FakeOpenAI(keys=set())) as url:
        store.connections.add(SavedConnection("box", "openai", f"{url}/v1"))
        registry = Registry(
            Settings(keys={"box": KEY}, connections={"box": SavedConnection("box", "openai", f"{url}/v1")})
        )
        session, status = compared(jobs, strategies=["bm25", "yes-no(model='box:m')"], resolve=registry.resolve)
        assert [one.outcome for one in status.rankings] == ["complete", "failed"]
        html = session_report(store, session, registry.resolve)
    assert "Incorrect API key" in html or "401" in html or "key" in Page(html).text
    for secret in (KEY, OTHER, KEY[3:], OTHER[3:]):
        assert secret not in html
