"""What chooses the documents in the columns, the card, the diff and the details, under AppTest."""

import re

import pytest
from streamlit.elements.lib import policies

from reranking.providers.registry import Registry
from tests.app.test_overview import compared

TEXT = "motor oil for old cars\n\na clock\n\napple pie with cinnamon\n\napple juice\n\nplum cake"


@pytest.fixture
def tab(app):
    found = app()
    found.write("query", "apple pie")
    found.write("text", TEXT)
    found.tick({"bm25", "input-order"})
    return found.compare()


def columns(tab):
    return next(item.value for item in tab.at.html if "<div class='rl-columns" in item.value)


def ranks(tab):
    return re.findall(r"<span class='rl-rank[^>]*>(.*?)</span>", columns(tab))


def widget(kind, key):
    return next(item for item in kind if item.key == key)


def test_by_document_stands_in_the_address_and_lists_each_document_once(tab):
    widget(tab.at.button_group, "aligned").set_value("document")
    tab.run()
    assert tab.at.query_params["view"] in ("document", ["document"])
    assert columns(tab).count("<tr data-doc=") == 5
    assert ranks(tab)[:4] == ["1", "3–5", "2", "3–5"]


def test_rows_follow_a_strategys_rank(tab):
    widget(tab.at.button_group, "aligned").set_value("document")
    tab.run()
    widget(tab.at.selectbox, "rows").set_value(1)
    tab.run()
    assert re.findall(r"<tr data-doc='(\d)'", columns(tab)) == ["2", "3", "0", "1", "4"]


def test_full_texts_come_with_what_the_score_is_made_of(tab):
    assert "rl-parts" not in columns(tab)
    widget(tab.at.button_group, "texts").set_value("full")
    tab.run()
    assert "rl-parts" in columns(tab)


def test_movement_is_measured_against_the_strategy_that_is_chosen(tab):
    assert "▲2" in columns(tab)
    widget(tab.at.selectbox, "against").set_value(1)
    tab.run()
    assert "▼2" in columns(tab)
    assert "two places higher than in BM25" in tab.html()


def test_filters_leave_documents_out_and_can_be_cleared(tab):
    widget(tab.at.text_input, "contains").set_value("apple")
    tab.run()
    assert "2 of 5 documents meet the filters." in tab.html()
    assert columns(tab).count("<td data-doc=") == 4
    widget(tab.at.number_input, "moved").set_value(4)
    tab.run()
    assert any("No document meets the filters" in said for said in tab.said("info"))
    tab.click("clear-filters")
    assert columns(tab).count("<td data-doc=") == 10


def test_the_cut_stands_in_the_address_and_is_drawn(tab):
    assert "top 2 ends" not in tab.html()
    widget(tab.at.number_input, "cut").set_value(2)
    tab.run()
    assert tab.at.query_params["k"] in ("2", ["2"])
    assert tab.html().count("content: 'top 2 ends'") == 2


def test_an_address_opens_the_card_of_its_document_and_close_leaves_it(tab, app):
    tab.at.query_params["doc"] = "2"
    tab.run()
    card = next(item.value for item in tab.at.html if "class='rl-card-title'" in item.value)
    assert "apple pie with cinnamon" in card
    assert "place 3 of 5 in the input" in card
    assert "Not judged yet." in tab.html()
    tab.click("close-card")
    assert "doc" not in tab.at.query_params
    assert "class='rl-card-title'" not in tab.html()


@pytest.mark.parametrize("value", ["99", "-1", "x", ""])
def test_a_document_that_is_not_there_is_not_selected(tab, value):
    tab.at.query_params["doc"] = value
    tab.run()
    assert "class='rl-card-title'" not in tab.html()


def test_an_address_opens_the_two_strategies_that_it_names(tab):
    assert "top 5 in common" not in tab.html()
    tab.at.query_params["a"], tab.at.query_params["b"] = "1", "0"
    tab.run()
    assert "BM25 and Input order have" in tab.html()
    widget(tab.at.selectbox, "two-0").set_value(0)
    tab.run()
    assert "Input order and BM25 have" in tab.html()
    assert tab.at.query_params["a"] in ("0", ["0"])


def test_a_new_session_selects_nothing_and_keeps_no_filter(tab):
    widget(tab.at.text_input, "contains").set_value("apple")
    tab.run()
    tab.at.query_params["doc"] = "2"
    tab.run()
    tab.click("new-session")
    assert "doc" not in tab.at.query_params
    tab.write("query", "plum")
    tab.write("text", TEXT)
    tab.compare()
    assert columns(tab).count("<td data-doc=") == 10


def test_filters_that_are_set_and_cleared_leave_no_warning_in_the_log(tab, monkeypatch):
    monkeypatch.setattr(policies, "_shown_default_value_warning", False)  # which is given once per process
    for key in ("moved", "apart"):
        widget(tab.at.number_input, key).set_value(1)
        tab.run()
    widget(tab.at.button_group, "aligned").set_value("document")
    tab.run()
    tab.click("clear-filters")
    assert [widget(tab.at.number_input, key).value for key in ("moved", "apart")] == [0, 0]
    assert not policies._shown_default_value_warning


def test_the_cut_and_the_alignment_are_still_there_after_other_screens_and_belong_to_their_session(tab):
    widget(tab.at.number_input, "cut").set_value(3)
    tab.run()
    widget(tab.at.button_group, "aligned").set_value("document")
    tab.run()
    for screen in ("judge", "bias", "compare"):
        for name in ("k", "view"):  # the browser drops them on the way
            tab.at.query_params.pop(name, None)
        tab.go(screen)
    assert widget(tab.at.number_input, "cut").value == 3
    assert ("".join(tab.at.query_params["k"]), "".join(tab.at.query_params["view"])) == ("3", "document")
    tab.click("new-session")
    assert "k" not in tab.at.query_params


def test_the_usual_cut_chosen_again_is_not_overruled_by_one_that_was_kept(tab):
    for chosen in (3, 5):
        widget(tab.at.number_input, "cut").set_value(chosen)
        tab.run()
    assert "k" not in tab.at.query_params
    assert widget(tab.at.number_input, "cut").value == 5


def test_results_are_shown_without_asking_a_server_for_its_models(app, monkeypatch):
    """A server that does not answer would else keep the results waiting for a second."""
    tab = compared(app, more=[{"kind": "grade", "model": "simulated:overlap"}])
    monkeypatch.setattr(Registry, "listing", lambda self: pytest.fail("servers were asked"))
    if "models" in tab.at.session_state:
        del tab.at.session_state["models"]
    tab.run()
    assert "simulated: no model" in tab.html()
