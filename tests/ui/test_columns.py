"""Columns are built from foreign text: nothing of it becomes markup, and nothing shown is made up."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.documents import Document, as_candidates
from reranking.explain.quotes import check_quotes
from reranking.ranking import Choice, Contribution, Diagnostic, Explanation, Usage, by_order, by_score, failed
from reranking.strategies.fusing import Fusion
from reranking.strategies.input_order import InputOrder
from reranking.strategies.lexical import BM25
from reranking.strategies.pointwise import YesNo
from reranking.ui import card, columns, cut_line
from reranking.ui.columns import Look
from reranking.ui.inspecting import read_button
from tests.ui.made import compared

OURS = {
    "div", "section", "h2", "h3", "p", "span", "details", "summary", "i", "mark", "ul", "li", "b",
    "table", "thead", "tbody", "tr", "th", "td", "pre", "button",
}  # fmt: skip
KNOWN = {
    "class", "style", "title", "dir", "type", "scope", "role", "tabindex", "colspan", "aria-label",
    "data-doc", "data-calls", "data-cut",
}  # fmt: skip
NASTY = st.text(st.sampled_from(list("<>&\"'/= abscript\n’“")), max_size=40)


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.problems = [], []

    def handle_starttag(self, tag, attributes):
        if tag not in OURS or {name for name, _ in attributes} - KNOWN:
            self.problems.append((tag, attributes))
        self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(("/" + tag, None))


def problems(html):
    tags = Tags()
    tags.feed(html)
    return tags.problems + tags.open


def listed(rankings, query="", top=10, strategies=None, **look):
    """The columns by rank with every document."""
    found = compared(rankings, query, strategies)
    return columns.by_rank(found, Look(**look), tuple(range(len(found.documents))), top)


def rows(rankings, query="", strategies=None, **look):
    """The columns by document with every document."""
    found = compared(rankings, query, strategies)
    return columns.by_document(found, Look(**look), tuple(range(len(found.documents))))


def asked(ranking):
    """The ranking as if a model had been asked once."""
    return replace(ranking, usage=Usage(requests=1))


@settings(max_examples=100)
@given(NASTY, NASTY, NASTY, NASTY, NASTY)
def test_no_foreign_text_becomes_markup(text, title, reason, quote, query):
    items = as_candidates([Document(text, id=title, title=title, metadata={title: reason})])
    explanation = Explanation(reason, check_quotes(text, [quote, text[:10]]), (Contribution(quote, 1.0, title),))
    notes = [Diagnostic(reason, reason, (0,), raw=text)]
    good = by_score(items, [1.0], title, explanations=[explanation], diagnostics=notes)
    rankings = [asked(good), asked(failed(items, notes, score_kind=title)), by_score(items, [2.0], title)]
    found = compared(rankings, query, [BM25(), YesNo(model=title.strip() or "m"), Fusion()])
    for full in (0, 2_000):
        look = Look(None, full, words=((0, reason),), notes=(title, reason, quote))
        assert problems(columns.by_rank(found, look, (0,), 10)) == []
        assert problems(columns.by_document(found, look, (0,))) == []
    known = card.marks(found, 0)
    assert problems(card.heading(found, 0, reason)) == []
    assert problems(card.text(items[0], list(known.values()))) == []
    assert problems(card.placed(found, 0, None, {0: 3}) + card.metadata(items[0])) == []


@given(st.text(max_size=80))
def test_the_full_text_is_there_exactly(text):
    shown = listed([by_score(as_candidates([text]), [1.0], "x")], full=2_000)
    body = re.search(r"<div class='rl-full' dir='auto'>(.*?)</div>", shown, re.DOTALL).group(1)
    assert unescape(body) == text


def test_a_long_text_says_how_much_of_it_is_left_out():
    items = as_candidates(["x" * 5_000])
    shown = listed([by_score(items, [1.0], "x")], full=columns.text_length(1_000))
    assert "4,600 more characters are not shown here" in shown
    assert columns.text_length(1_000) < columns.text_length(10)


def test_where_very_many_are_listed_they_are_listed_without_their_texts_if_no_full_ones_are_asked_for():
    items = as_candidates([Document("some text", title="A title")])
    assert "some text" in listed([by_order(items, [0])])
    assert "some text" not in listed([by_order(items, [0])], start=False)
    assert "some text" in listed([by_order(items, [0])], start=False, full=99)


def test_a_quote_says_whether_it_stands_in_the_text():
    text = "Cool it under running water."
    explanation = Explanation("r", check_quotes(text, ["running water", "iced water"]))
    shown = listed([by_score(as_candidates([text]), [1.0], "x", explanations=[explanation])], full=2_000)
    assert "“running water” <b>found in the text</b>" in shown
    assert "“iced water” <b>not in the text</b>" in shown


def test_an_unscored_document_shows_no_score_and_no_bar():
    ranking = by_score(as_candidates(["a", "b"]), [None, 3.0], "grade out of 10")
    for shown in (listed([ranking]), rows([ranking])):
        assert shown.count("rl-number") == 1
        assert shown.count("rl-bar") == 1


def test_bars_span_the_scale_of_a_grade_or_probability_and_never_another_strategys():
    def width(score, kind):
        ranking = by_score(as_candidates(["a", "b"]), [score, score / 2], kind)
        return [int(found) for found in re.findall(r"width:(\d+)%", listed([ranking]))]

    assert width(5.0, "grade out of 10") == [50, 25]
    assert width(0.5, "probability") == [50, 25]
    assert width(5.0, "BM25 (pool)") == [100, 50]


def test_a_failed_strategy_lists_no_document_as_if_it_were_ranked():
    items = as_candidates(["a", "b"])
    broken = failed(items, [Diagnostic("no-key", "No API key for 'x'.")])
    assert "data-doc" not in listed([broken])
    assert "No API key for &#x27;x&#x27;." in listed([broken])
    beside = [broken, by_order(items, [1, 0])]
    assert ranks(rows(beside)) == ["2", "1"]
    assert ranks(listed(beside)) == ["1", "2"]


def ranks(shown):
    return re.findall(r"<span class='rl-rank[^>]*>(.*?)</span>", shown)


def moves(shown):
    return re.findall(r"<span class='rl-move[^>]*>(.*?)</span>", shown)


def test_a_tied_rank_names_the_places_it_shares_and_the_sign_for_the_same_place_is_another():
    items = as_candidates(["a", "b", "c", "d"])
    shown = listed([by_score(items, [1.0, 1.0, 5.0, 0.5], "x")])
    assert ranks(shown) == ["1", "2–3", "2–3", "4"]
    assert moves(shown) == ["▲2", "▼1", "=", "="]
    assert all("=" not in rank for rank in ranks(shown))


def test_movement_is_against_the_input_or_against_any_strategy():
    items = as_candidates(["a", "b", "c"])
    turned, same = by_order(items, [1, 2, 0]), by_order(items, [0, 1, 2])
    assert moves(listed([turned])) == ["▲1", "▲1", "▼2"]
    assert moves(listed([turned, same], against=0)) == ["▲2", "▼1", "▼1"]
    assert "up from 2 in the input" in listed([turned])


def test_nothing_has_moved_against_a_strategy_that_failed():
    items = as_candidates(["a", "b"])
    assert moves(listed([by_order(items, [1, 0]), failed(items, [])], against=1)) == []


def test_by_document_every_strategy_has_the_same_document_in_the_same_row():
    items = as_candidates(["a", "b", "c"])
    found = compared([by_order(items, [2, 0, 1]), by_order(items, [1, 2, 0])])
    table = columns.by_document(found, Look(), (1, 2, 0))
    lines = re.findall(r"<tr data-doc='(\d)'>(.*?)</tr>", table)
    assert [(index, ranks(line)) for index, line in lines] == [("1", ["3", "1"]), ("2", ["1", "2"]), ("0", ["2", "3"])]


def test_the_line_of_the_cut_is_drawn_once_per_column_and_says_if_a_tie_goes_across():
    items = as_candidates(["a", "b", "c", "d"])
    rankings = [by_order(items, [3, 2, 1, 0]), by_score(items, [3, 1, 1, 0], "x")]
    found = compared(rankings)
    line = re.compile(r"td:nth-child\((\d)\)\[data-doc='(\d)'\]::before { content: '(.*?)'")
    assert line.findall(cut_line.by_rank(found, 2, range(4), 4)) == [
        ("1", "1", "top 2 ends"),
        ("2", "2", "top 2 ends, in a tie"),
    ]
    assert line.findall(cut_line.by_rank(found, 2, [3, 2, 0], 4)) == [
        ("1", "0", "top 2 ends"),
        ("2", "2", "top 2 ends, in a tie"),
    ]
    assert not line.findall(cut_line.by_rank(found, 4, range(4), 4))
    assert not line.findall(cut_line.by_rank(found, 2, range(4), 2))


def test_by_document_exactly_the_cells_of_the_top_stand_out():
    items = as_candidates(["a", "b", "c", "d"])
    found = compared([by_order(items, [3, 2, 1, 0]), by_score(items, [3, 1, 1, 0], "x"), failed(items, [])])
    style = cut_line.by_document(found, 2, range(4))
    assert set(re.findall(r"tr\[data-doc='(\d)'\] > td:nth-child\((\d)\)", style)) == {
        ("3", "2"), ("2", "2"), ("0", "3"), ("1", "3"), ("2", "3"),
    }  # fmt: skip


def test_marks_of_the_querys_words_are_not_passed_off_as_what_a_model_used():
    items = as_candidates(["apple pie with cinnamon"])
    plain = compared([asked(by_score(items, [0.7], "probability"))], "apple")
    assert "whether a strategy used them or not" in columns.legend(plain, None)
    known = card.marks(plain, 0)
    assert list(known) == ["words"]
    assert "words of the query, not what a model used" in card.text(items[0], list(known.values()))


def test_the_card_marks_quotes_and_the_words_of_a_score_of_the_strategies_that_have_them():
    items = as_candidates(["apple pie with cinnamon"])
    quoted = Explanation("r", check_quotes("apple pie with cinnamon", ["with cinnamon"]))
    summed = Explanation(contributions=(Contribution("apple", 7.0), Contribution("pie", 0.0)))
    fused = Explanation(contributions=(Contribution("pie", 7.0),))
    found = compared(
        [by_score(items, [1.0], "x", explanations=[told]) for told in (quoted, summed, fused)],
        "",
        [YesNo(), BM25(), Fusion()],
    )
    known = card.marks(found, 0)
    assert list(known) == ["quotes-0", "parts-1"]
    shown = card.text(items[0], list(known.values()))
    assert re.findall(r'<mark class="(.*?)">(.*?)</mark>', shown) == [("up-3", "apple"), ("quote", "with cinnamon")]
    assert "quoted by the model" in shown


def test_a_strategy_that_gives_no_reason_says_so_and_one_that_does_says_where_it_is_missing():
    items = as_candidates(["a", "b"])
    assert "Yes/no gives a score, no reason." in listed([by_score(items, [1, 0], "x")], strategies=[YesNo()], full=99)
    assert "Input order gives an order, no reason." in listed([by_order(items, [0, 1])], full=99)
    shown = listed([by_score(items, [1, 0], "x", explanations=[Explanation("because"), None])], full=99)
    assert shown.count("No reason came for this document.") == 1
    assert "gives a score, no reason" not in shown
    summed = [Explanation(contributions=(Contribution("a", 1.0),))] * 2
    assert "no reason" not in listed([by_score(items, [1, 0], "x", explanations=summed)], full=99)


def test_a_strategy_whose_model_chose_shows_how_instead_of_a_reason():
    items = as_candidates(["a", "b"])
    chosen = [Explanation(choices=(Choice("yes", 0.75), Choice("no", 0.25))), None]
    shown = listed([by_score(items, [0.75, 0], "x", explanations=chosen)], strategies=[YesNo()], full=99)
    assert "Yes/no asked for a choice and no reason: probability of “yes” 0.750 and “no” 0.250." in shown


def test_what_a_part_of_a_score_lacks_stands_below_it_as_text():
    told = [Explanation(contributions=(Contribution("apple", 0.0, note="in <b>all</b>: counts nothing"),))]
    shown = listed([by_score(as_candidates(["a"]), [0.0], "x", explanations=told)], full=99)
    assert "in &lt;b&gt;all&lt;/b&gt;: counts nothing" in shown


def test_what_a_score_is_stands_at_its_column_in_the_strategys_own_words():
    shown = listed([by_score(as_candidates(["a"]), [0.5], "probability")], strategies=[YesNo()])
    assert "<summary title='Ask whether each document answers the query, and score p(yes) / (p(yes) + p(no))." in shown
    assert ">probability</summary>" in shown


def test_a_document_without_a_title_is_called_by_its_first_words():
    items = as_candidates(["one two three " * 20, " \n", {"text": "x", "title": "Named"}])
    assert items[0].label == ("one two three " * 5)[:60].rstrip() + "…"
    assert [item.label for item in items[1:]] == ["d2", "Named"]
    assert f"data-doc='0'>{items[0].label}</button>" in listed([by_order(items, range(3))])


def test_while_others_still_run_documents_are_no_buttons():
    assert "<button" not in listed([asked(failed(as_candidates(["a"]), []))], pick=False)
    assert "<button" not in listed([by_order(as_candidates(["a"]), [0])], pick=False)


def test_a_failed_strategy_offers_all_its_calls():
    ranking = failed(as_candidates(["a", "b"]), [])
    assert re.findall("data-calls='(.*?)'", listed([asked(ranking)])) == ["0/all"]
    assert "rl-open-calls" not in listed([ranking])


def test_the_card_offers_the_calls_of_strategies_that_asked_about_the_document():
    items = as_candidates(["a", "b"])
    found = compared([by_order(items, [0, 1]), by_order(items, [1, 0])])
    assert re.findall("data-calls='(.*?)'>(.*?)<", card.placed(found, 1, None, {1: 1})) == [("1/1", "1 model call")]


def test_the_card_says_which_two_strategies_are_furthest_apart_and_not_the_baseline():
    items = as_candidates(["a", "b", "c", "d"])
    rankings = [by_order(items, [0, 1, 2, 3]), by_order(items, [3, 2, 0, 1]), by_order(items, [1, 2, 3, 0])]
    found = compared(rankings, strategies=[InputOrder(), BM25(), YesNo()])
    assert card.disputing(found, 0) == (1, 2)
    assert "<b>BM25</b> puts it at <b>3</b>, <b>Yes/no</b> at <b>4</b>." in card.dispute(found, 0)
    assert card.disputing(compared(rankings[:2], strategies=[InputOrder(), BM25()]), 0) == (0, 1)


def test_a_strategy_that_ties_everything_is_no_party_to_a_dispute():
    items = as_candidates(["a", "b", "c"])
    rankings = [by_order(items, [0, 1, 2]), by_order(items, [1, 0, 2]), by_score(items, [0, 0, 0], "x")]
    found = compared(rankings, strategies=[BM25(), YesNo(), BM25(k1=2)])
    assert card.disputing(found, 0) == (0, 1)
    assert card.disputing(found, 2) is None
    assert "All 2 strategies put it at 3." in card.dispute(found, 2)


def test_documents_all_strategies_put_at_the_same_place_are_not_called_disputed():
    items = as_candidates(["a", "b"])
    found = compared([by_order(items, [0, 1])] * 2, strategies=[BM25(), YesNo()])
    assert "All 2 strategies put it at 1." in card.dispute(found, 0)
    assert card.dispute(compared([by_order(items, [0, 1])]), 0) == ""


def test_what_a_button_names_is_looked_up_and_anything_else_opens_nothing():
    parts = compared([by_order(as_candidates(["a", "b"]), [0, 1])]).parts
    assert read_button("0/1", parts, 2) == (parts[0], 1)
    assert read_button("0/all", parts, 2) == (parts[0], None)
    for wanted in (None, "", "0", "0/", "0/2", "1/0", "-1/0", "0/-1", "0/x", "all/0", "0/0/0", 7, {"a": 1}):
        assert read_button(wanted, parts, 2) is None
