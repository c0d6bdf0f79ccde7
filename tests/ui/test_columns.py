"""Columns are built from foreign text: nothing of it becomes markup, and nothing shown is made up."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.documents import Document, as_candidates
from reranking.explain.quotes import check_quotes
from reranking.jobs import Part
from reranking.ranking import Contribution, Diagnostic, Explanation, Usage, by_order, by_score, failed
from reranking.strategies.input_order import InputOrder
from reranking.strategies.pointwise import YesNo
from reranking.ui.columns import columns
from reranking.ui.inspecting import read_button

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
    "button",
}
BUTTONS = [{"type": "button", "class": "rl-open-calls", "data-calls": f"0/{about}"} for about in (0, "all")]
NASTY = st.text(st.sampled_from(list("<>&\"'/= abscript\n’“")), max_size=40)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.problems, self.text = [], [], []

    def handle_starttag(self, tag, attributes):
        known = {"class", "style", "title", "dir"}
        if tag not in OURS or (
            dict(attributes) not in BUTTONS if tag == "button" else {name for name, _ in attributes} - known
        ):
            self.problems.append((tag, attributes))
        self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(("/" + tag, None))

    def handle_data(self, data):
        self.text.append(data)


def part(ranking, strategy=None):
    order = tuple(item.index for item in sorted(ranking, key=lambda item: item.index))
    return Part(0, 0, strategy or InputOrder(), order, ranking=ranking)


def asked(ranking):
    """The ranking as if a model had been asked once."""
    return replace(ranking, usage=Usage(requests=1))


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
        tags.feed(columns([part(asked(ranking))], query, 10, {0: reason}, [title], with_calls=True))
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


def test_marks_of_the_querys_words_are_not_passed_off_as_what_the_model_used():
    items = as_candidates(["apple pie with cinnamon"])
    about = "words of the query, not what the model used"
    plain = asked(by_score(items, [0.7], "probability"))
    assert about in columns([part(plain)], "apple", 10, {})
    assert "marked:" not in columns([part(plain)], "pear", 10, {})
    quoted = Explanation("r", check_quotes("apple pie with cinnamon", ["with cinnamon"]))
    shown = columns([part(asked(by_score(items, [7.0], "x", explanations=[quoted])))], "apple", 10, {})
    assert "quoted by the model" in shown
    summed = Explanation(contributions=(Contribution("apple", 7.0),))
    for ranking in (asked(by_score(items, [7.0], "x", explanations=[summed])), by_score(items, [7.0], "BM25 (pool)")):
        shown = columns([part(ranking)], "apple", 10, {})
        assert "words of the query" in shown
        assert about not in shown


def test_a_strategy_that_gives_no_reason_says_so_and_one_that_does_says_where_it_is_missing():
    items = as_candidates(["a", "b"])
    assert "Yes/no gives a score, no reason." in columns([part(by_score(items, [1, 0], "x"), YesNo())], "", 10, {})
    assert "Input order gives an order, no reason." in columns([part(by_order(items, [0, 1]))], "", 10, {})
    one = by_score(items, [1, 0], "x", explanations=[Explanation("because"), None])
    shown = columns([part(one)], "", 10, {})
    assert shown.count("No reason came for this document.") == 1
    assert "gives a score, no reason" not in shown
    summed = [Explanation(contributions=(Contribution("a", 1.0),))] * 2
    assert "no reason" not in columns([part(by_score(items, [1, 0], "x", explanations=summed))], "", 10, {})


def test_only_documents_that_a_model_was_asked_about_offer_its_calls():
    ranking = by_score(as_candidates(["a", "b"]), [1.0, 2.0], "x")
    assert "rl-open-calls" not in columns([part(ranking)], "", 10, {}, with_calls=True)
    assert "rl-open-calls" not in columns([part(asked(ranking))], "", 10, {})
    found = re.findall("data-calls='(.*?)'", columns([part(asked(ranking))], "", 10, {}, with_calls=True))
    assert found == ["0/1", "0/0"]


def test_a_document_without_a_title_is_called_by_its_first_words():
    items = as_candidates(["one two three " * 20, " \n", {"text": "x", "title": "Named"}])
    assert items[0].label == ("one two three " * 5)[:60].rstrip() + "…"
    assert [item.label for item in items[1:]] == ["d2", "Named"]
    assert f"<span class='rl-title'>{items[0].label}</span>" in columns([part(by_order(items, range(3)))], "", 10, {})


def test_a_failed_strategy_offers_all_its_calls():
    ranking = failed(as_candidates(["a", "b"]), [])
    assert re.findall("data-calls='(.*?)'", columns([part(asked(ranking))], "", 10, {}, with_calls=True)) == ["0/all"]
    assert "rl-open-calls" not in columns([part(ranking)], "", 10, {}, with_calls=True)


def test_what_a_button_names_is_looked_up_and_anything_else_opens_nothing():
    parts = [part(by_order(as_candidates(["a", "b"]), [0, 1]))]
    assert read_button("0/1", parts, 2) == (parts[0], 1)
    assert read_button("0/all", parts, 2) == (parts[0], None)
    for wanted in (None, "", "0", "0/", "0/2", "1/0", "-1/0", "0/-1", "0/x", "all/0", "0/0/0", 7, {"a": 1}):
        assert read_button(wanted, parts, 2) is None
