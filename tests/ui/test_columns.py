"""Columns are built from foreign text: nothing of it becomes markup, and nothing shown is made up."""

import re
from html import unescape
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.documents import Document, as_candidates
from reranking.explain.quotes import check_quotes
from reranking.jobs import Part
from reranking.ranking import Diagnostic, Explanation, by_score, failed
from reranking.strategies.input_order import InputOrder
from reranking.ui.columns import columns

OURS = {
    "div",
    "section",
    "h3",
    "span",
    "details",
    "summary",
    "i",
    "mark",
    "ul",
    "li",
    "b",
    "table",
    "tbody",
    "tr",
    "td",
    "pre",
}
NASTY = st.text(st.sampled_from(list("<>&\"'/= abscript\n’“")), max_size=40)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.problems, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in OURS or {name for name, _ in attributes} - {"class", "style", "title", "dir"}:
            self.problems.append((tag, attributes))
        self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(("/" + tag, None))

    def handle_data(self, data):
        self.text.append(data)


def part(ranking):
    return Part(
        0, 0, InputOrder(), tuple(item.index for item in sorted(ranking, key=lambda item: item.index)), ranking=ranking
    )


@settings(max_examples=150)
@given(NASTY, NASTY, NASTY, NASTY, NASTY)
def test_no_foreign_text_becomes_markup(text, title, reason, quote, query):
    items = as_candidates([Document(text, id=title, title=title)])
    explanation = Explanation(reason, check_quotes(text, [quote, text[:10]]))
    notes = [Diagnostic(reason, reason, raw=text)]
    for ranking in (
        by_score(items, [1.0], title, explanations=[explanation], diagnostics=notes),
        failed(items, notes, score_kind=title),
    ):
        tags = Tags()
        tags.feed(columns([part(ranking)], query, 10, {0: 2}, [title]))
        assert tags.problems == []
        assert tags.open == []


@given(st.text(max_size=80))
def test_the_full_text_is_there_exactly(text):
    ranking = by_score(as_candidates([text]), [1.0], "x")
    shown = columns([part(ranking)], "", 10, {})
    body = re.search(r"<div class='rl-full' dir='auto'>(.*?)</div>", shown, re.DOTALL).group(1)
    assert unescape(body) == text


def test_a_quote_that_stands_in_the_text_is_marked_there_and_one_that_does_not_is_said_so():
    text = "Cool it under running water."
    explanation = Explanation("r", check_quotes(text, ["running water", "iced water"]))
    shown = columns([part(by_score(as_candidates([text]), [1.0], "x", explanations=[explanation]))], "", 10, {})
    assert '<mark class="quote">running water</mark>' in shown
    assert "“running water” <b>found in the text</b>" in shown
    assert "“iced water” <b>not in the text</b>" in shown


def test_an_unscored_document_shows_no_score_and_no_bar():
    ranking = by_score(as_candidates(["a", "b"]), [None, 3.0], "grade out of 10")
    shown = columns([part(ranking)], "", 10, {})
    assert shown.count("rl-number") == 1
    assert shown.count("rl-bar") == 1


def test_bars_span_the_scale_of_a_grade_or_probability_and_never_another_strategys():
    def width(score, kind):
        ranking = by_score(as_candidates(["a", "b"]), [score, score / 2], kind)
        return [int(found) for found in re.findall(r"width:(\d+)%", columns([part(ranking)], "", 10, {}))]

    assert width(5.0, "grade out of 10") == [50, 25]
    assert width(0.5, "probability") == [50, 25]
    assert width(5.0, "BM25 (pool)") == [100, 50]


def test_a_failed_strategy_lists_no_document_as_if_it_were_ranked():
    ranking = failed(as_candidates(["a", "b"]), [Diagnostic("no-key", "No API key for 'x'.")])
    shown = columns([part(ranking)], "", 10, {})
    assert "rl-doc" not in shown
    assert "No API key for &#x27;x&#x27;." in shown
