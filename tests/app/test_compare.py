"""Compare: from an empty page to results, and what happens to bad input on the way."""

import json
import os
import subprocess
import sys

import pytest

from reranking.store import open_store
from reranking.ui import presses
from tests.app.conftest import ROOT

TWO = "apple pie with cinnamon\n\nmotor oil for old cars"


def entered(app, query="apple pie", text=TWO):
    tab = app()
    tab.write("query", query)
    return tab.write("text", text)


def test_an_empty_page_offers_three_examples(app):
    assert len([item for item in app().at.button if item.label == "Open example"]) == 3


def test_the_first_page_loads_no_model_library(tmp_path):
    script = (
        "import sys; from streamlit.testing.v1 import AppTest; AppTest.from_file('app.py', default_timeout=30).run();"
        "heavy = {'torch', 'transformers', 'openai', 'anthropic', 'sentence_transformers'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    environment = {**os.environ, "RERANK_LENS_DB": str(tmp_path / "app.db")}
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, env=environment, timeout=60
    )
    assert result.stdout.strip() == "[]", result.stderr


@pytest.mark.parametrize(
    ("query", "text", "said"),
    [
        ("", TWO, "Enter a query."),
        ("   ", TWO, "Enter a query."),
        ("apple", "", "Add documents"),
        ("apple", " \n ", "Add documents"),
    ],
)
def test_a_run_without_query_or_documents_says_what_is_missing_and_starts_nothing(app, query, text, said):
    tab = entered(app, query, text)
    tab.click("run")
    assert any(said in sentence for sentence in tab.said("error"))
    assert "session" not in tab.at.query_params or open_store().jobs.of(tab.session) == []


def test_a_run_without_a_strategy_says_so(app):
    tab = entered(app).tick(set())
    tab.click("run")
    assert any("at least one strategy" in sentence for sentence in tab.said("error"))


def test_results_show_rank_movement_score_and_kind_for_each_strategy(app):
    text = "motor oil for old cars\n\na clock\n\napple pie with cinnamon"
    tab = entered(app, text=text).tick({"bm25", "input-order"}).compare()
    page = tab.html()
    assert "BM25 (pool)" in page
    assert "rank only" in page
    assert "▲2" in page
    assert "▼1" in page
    assert page.count("<th scope='col'><h3>") == 2


def test_one_document_has_a_defined_outcome(app):
    tab = entered(app, text="only this one").tick({"bm25", "input-order"}).compare()
    assert "1 document" in tab.html()
    assert tab.html().count("rl-state rl-complete") == 4


def test_markup_in_documents_is_shown_as_text(app):
    evil = "<script>alert('apple')</script><img src=x onerror=alert(1)>\n\n</details><b>bold</b> apple"
    tab = entered(app, query="<i>apple</i>", text=evil).tick({"bm25"}).compare()
    page = tab.html()
    for tag in ("<script", "<img", "<b>bold", "<i>apple"):
        assert tag not in page
    assert "&lt;script&gt;" in page
    assert tab.scripts() == {presses.KEEP}  # a constant: no foreign text is where a script may run


def test_emoji_and_right_to_left_text_pass_through_unchanged(app):
    tab = entered(app, query="سلام", text="سلام بر شما 👩‍👩‍👧\n\n東京の天気 🌦️").tick({"bm25"}).compare()
    assert "👩‍👩‍👧" in tab.html()
    assert "東京の天気 🌦️" in tab.html()
    assert "dir='auto'" in tab.html()


def test_duplicate_ids_and_texts_are_all_listed(app):
    tab = app()
    rows = [{"id": "x", "text": "same"}] * 3
    upload(tab, "same.json", json.dumps({"query": "same", "documents": rows}).encode())
    tab.tick({"bm25"}).compare()
    assert tab.html().count("<td data-doc=") == 3


def upload(tab, name, data):
    tab.upload((name, data))
    return tab.use() if tab.has("use-documents") else tab


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("broken.json", b'{"query": "x",\n "documents": [}', "line 2"),
        ("broken.jsonl", b'"fine"\n{"text": \n', "line 2"),
        ("ragged.csv", b"id,text\n1,one\n2,two,three,four\n", "line 3"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\x00\x00", "not text"),
        ("empty.json", b"", "empty"),
    ],
)
def test_a_file_that_cannot_be_read_is_explained_and_changes_nothing(app, name, data, said):
    tab = entered(app)
    upload(tab, name, data)
    assert any(said in sentence and "Nothing was changed" in sentence for sentence in tab.said("error"))
    assert tab.field("query").value == "apple pie"
    assert tab.field("text").value == TWO


def test_a_megabyte_document_and_five_hundred_documents_are_ranked(app):
    tab = app()
    upload(
        tab, "big.json", json.dumps({"query": "needle", "documents": ["word " * 200_000 + "needle", "short"]}).encode()
    )
    tab.tick({"bm25", "input-order"}).compare()
    tab.at.query_params["doc"] = "0"
    assert "more characters are not shown here" in tab.run().html()
    many = [f"text number {at}" for at in range(500)]
    upload(tab, "many.json", json.dumps({"query": "number 7", "documents": many}).encode())
    tab.tick({"bm25", "input-order"}).compare()
    assert "The first 25 of 500 documents of each strategy are listed." in tab.html()


def test_what_was_entered_survives_a_reload_and_a_change_of_screen(app):
    tab = entered(app).tick({"bm25"})
    session = tab.session
    tab.go("judge").go("compare")
    assert (tab.field("query").value, tab.field("text").value) == ("apple pie", TWO)
    again = app(session)
    assert (again.field("query").value, again.field("text").value) == ("apple pie", TWO)
    assert [entry.spec["kind"] for entry in again.at.session_state["draft"].shelf if entry.on] == ["bm25"]


def test_a_strategy_without_its_key_says_how_to_mend_it_while_the_others_finish(app):
    tab = entered(app)
    tab.add("grade")
    entry = tab.at.session_state["draft"].shelf[-1]
    tab.at.selectbox(key=f"form-{entry.key}-model").set_value("openai:gpt-5-mini")
    tab.run()
    tab.tick({"bm25", "grade"}).compare()
    page = tab.html()
    assert "OPENAI_API_KEY" in page
    assert "rl-state rl-failed" in page
    assert "BM25 (pool)" in page


def test_the_same_strategy_can_stand_twice_with_other_parameters(app):
    tab = entered(app)
    tab.add("bm25")
    entry = tab.at.session_state["draft"].shelf[-1]
    tab.at.number_input(key=f"form-{entry.key}-k1").set_value(3.0)
    tab.run()
    tab.tick({"bm25"}).compare()
    assert "k1=3.0" in tab.html()
    assert tab.html().count("<th scope='col'><h3>") == 2


def test_results_for_an_earlier_input_are_marked(app):
    tab = entered(app).tick({"bm25"}).compare()
    tab.write("query", "something else")
    assert any("Changed since these results: the query" in said for said in tab.said("info"))


def test_an_unknown_session_in_the_url_starts_a_new_one_and_says_so(app):
    tab = app("gone")
    assert any("not here any more" in item.value for item in tab.at.toast)


def test_an_interrupted_run_is_shown_with_resume_and_resume_finishes_it(app):
    tab = entered(app).tick({"bm25", "input-order"}).compare()
    store = open_store()
    job = store.jobs.of(tab.session)[0].id
    with store.database.write() as connection:
        connection.execute("UPDATE jobs SET state = 'running', heartbeat = heartbeat - 60 WHERE id = ?", (job,))
        connection.execute("DELETE FROM rankings WHERE position = 1")
    from reranking.ui import state

    state.jobs.clear()  # what a restart of the server does
    again = app(tab.session)
    (said,) = again.said("warning")
    assert "was interrupted: 1 of 2 strategies finished, not BM25." in said
    again.click("resume-comparison")
    again.wait("comparison")
    assert again.said() == []
    assert again.html().count("<th scope='col'><h3>") == 2


def test_results_say_which_strategies_were_not_run_as_they_are_set_now(app):
    tab = entered(app).tick({"bm25"}).compare()
    entry = next(item for item in tab.at.session_state["draft"].shelf if item.spec["kind"] == "bm25")
    tab.edit(entry)
    tab.at.number_input(key=f"form-{entry.key}-k1").set_value(0.2)
    tab.run()
    assert any("not run as they are set now: BM25 (k1=0.2)" in said for said in tab.said("info"))


def test_nothing_is_run_while_a_form_holds_an_error(app):
    tab = entered(app).add("yes-no")
    entry = tab.at.session_state["draft"].shelf[-1]
    tab.at.toggle(key=f"form-{entry.key}-prompt-own").set_value(True).run()
    tab.at.text_area(key=f"form-{entry.key}-prompt-user").set_value("Is it about {{ query }}?")
    tab.run().click("run")
    assert any("Mend it under Edit; nothing was run." in said for said in tab.said("error"))
    assert "session" not in tab.at.query_params or open_store().jobs.of(tab.session) == []


def test_a_new_session_keeps_the_strategies(app):
    tab = entered(app).add("setwise")
    before = [entry.spec for entry in tab.at.session_state["draft"].shelf]
    tab.click("new-session")
    assert [entry.spec for entry in tab.at.session_state["draft"].shelf] == before
    assert tab.at.session_state["draft"].query == ""
