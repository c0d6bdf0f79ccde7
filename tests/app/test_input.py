"""Input on Compare: files in a dialog, many queries, the table of documents, steps back, and what is taken away."""

import json

import pytest

from reranking.documents import Document
from reranking.formats.loaded import Input
from reranking.formats.read import read
from reranking.store import open_store
from tests.app.test_compare import TWO, entered

MANY = b"\n".join(
    json.dumps({"query": query, "documents": [f"{query} one", f"{query} two"]}).encode() for query in ("a", "b", "c")
)


def draft(tab):
    return tab.at.session_state["draft"]


def texts(tab):
    return [item.text for item in draft(tab).documents()]


def table(tab):
    """Open the table of documents."""
    tab.at.session_state["documents-table"] = True
    return tab.run()


def test_an_error_in_a_file_stands_in_the_dialog_and_changes_nothing(app):
    tab = entered(app).upload(("x.json", b'{"query": "x",\n "documents": [}'))
    assert any("line 2, column 16" in said and "Nothing was changed" in said for said in tab.said("error"))
    assert not tab.has("use-documents")
    assert (draft(tab).query, texts(tab)) == ("apple pie", TWO.split("\n\n"))


def test_a_table_is_read_by_a_guess_that_can_be_changed(app):
    tab = app().upload(("x.csv", b"passage,summary,nr\nlong one,short one,7\n"))
    chosen = {item.label: item.value for item in tab.at.selectbox if item.label in {"Text", "Title", "Id", "Query"}}
    assert chosen == {"Text": "passage", "Title": None, "Id": None, "Query": None}

    def choose(at):
        for label, name in (("Text", "summary"), ("Id", "nr")):
            next(item for item in at.selectbox if item.label == label).set_value(name)

    tab.in_dialog("upload", choose).use()
    assert draft(tab).documents() == (Document("short one", "7", metadata={"passage": "long one"}),)


def test_a_field_is_chosen_where_none_can_be_guessed(app):
    tab = app().upload(("x.json", b'[{"nr": 1, "inhalt": "eins"}]'))
    assert not tab.has("use-documents")
    assert any("Choose the field that holds the text" in said for said in tab.said("error"))
    tab.in_dialog("upload", lambda at: next(i for i in at.selectbox if i.label == "Text").set_value("inhalt")).use()
    assert draft(tab).documents() == (Document("eins", metadata={"nr": 1}),)


def test_corpus_and_queries_are_uploaded_together(app):
    corpus = b'{"_id": "d1", "text": "one"}\n{"_id": "d2", "text": "two"}'
    queries = b'{"_id": "q1", "text": "what"}\n{"_id": "q2", "text": "why"}'
    tab = app().upload(("corpus.jsonl", corpus), ("queries.jsonl", queries)).use()
    assert [(one.query, len(one.documents())) for one in draft(tab).queries()] == [("what", 2), ("why", 2)]


def test_each_query_of_a_file_has_its_own_documents_and_results(app):
    tab = app().upload(("many.jsonl", MANY)).use().tick({"bm25", "input-order"})
    assert (tab.field("query").value, texts(tab)) == ("a", ["a one", "a two"])
    assert tab.at.button(key="previous-query").disabled
    tab.compare()
    assert "rl-prices'>" in tab.html()
    tab.click("next-query")
    assert (tab.field("query").value, texts(tab)) == ("b", ["b one", "b two"])
    assert "rl-prices'>" not in tab.html()
    tab.compare()
    assert "rl-prices'>" in tab.html()
    tab.click("next-query")
    assert tab.at.button(key="next-query").disabled
    assert "rl-prices'>" not in tab.html()
    picker = next(item for item in tab.at.selectbox if item.label == "Query 3 of 3")
    picker.set_value(0)
    tab.run()
    assert tab.field("query").value == "a"
    assert "rl-prices'>" in tab.html()
    assert tab.said("info") == []


def test_a_query_that_is_edited_among_many_stays_with_its_results_which_are_marked(app):
    tab = app().upload(("many.jsonl", MANY)).use().tick({"bm25"}).compare()
    tab.write("query", "a changed")
    assert any("Changed since these results: the query" in said for said in tab.said("info"))
    tab.click("next-query").click("previous-query")
    assert tab.field("query").value == "a changed"
    assert any("Changed since these results: the query" in said for said in tab.said("info"))


def test_all_queries_and_the_one_on_the_screen_survive_a_reload(app):
    tab = app().upload(("many.jsonl", MANY)).use().click("next-query")
    tab.write("query", "b changed")
    again = app(tab.session)
    assert [one.query for one in draft(again).queries()] == ["a", "b changed", "c"]
    assert again.field("query").value == "b changed"
    assert open_store().sessions.get(tab.session).draft["query"] == "b changed"


def test_an_upload_is_undone_with_its_queries(app):
    tab = entered(app).upload(("many.jsonl", MANY)).use()
    assert len(draft(tab).queries()) == 3
    tab.click("undo-documents")
    assert len(draft(tab).queries()) == 1
    assert (tab.field("query").value, tab.field("text").value) == ("apple pie", TWO)


def test_what_was_undone_can_be_done_again_up_to_the_next_change(app):
    tab = table(entered(app, text="\n\n".join(f"text {at}" for at in range(8))))
    before = texts(tab)
    assert not tab.has("redo-documents")
    first = texts(tab.click("shuffle"))
    second = texts(tab.click("shuffle"))
    tab.click("undo-documents").click("undo-documents")
    assert texts(tab) == before
    assert texts(tab.click("redo-documents")) == first
    assert texts(tab.click("redo-documents")) == second
    assert not tab.has("redo-documents")
    assert texts(tab.click("undo-documents")) == first
    tab.click("as-text")
    assert not tab.has("redo-documents")
    assert texts(tab.click("undo-documents")) == first


def test_an_upload_that_was_undone_from_a_later_query_comes_back_with_all_its_queries(app):
    tab = app().upload(("many.jsonl", MANY)).use().click("next-query")
    tab.upload(("two.json", json.dumps([{"text": "one"}, {"text": "two"}]).encode())).use()
    assert len(draft(tab).queries()) == 1
    tab.click("undo-documents")
    assert [one.query for one in draft(tab).queries()] == ["a", "b", "c"]
    assert draft(tab).at == 1
    tab.click("redo-documents")
    assert texts(tab) == ["one", "two"]
    assert len(draft(tab).queries()) == 1


def test_a_query_that_took_the_place_of_another_gets_none_of_its_documents_by_undo(app):
    tab = table(app().upload(("many.jsonl", MANY)).use().click("next-query"))
    tab.click("shuffle").click("previous-query")
    tab.upload(("others.jsonl", MANY.replace(b"a", b"x").replace(b"b", b"y"))).use().click("next-query")
    assert draft(tab).query == "y"
    assert not tab.has("undo-documents")
    tab.click("previous-query").click("undo-documents").click("next-query")
    assert draft(tab).query == "b"
    tab.click("undo-documents")
    assert texts(tab) == ["b one", "b two"]


def test_the_screen_that_two_undos_emptied_comes_back(app):
    tab = app()
    tab.click("example-minor-burn").click("paste-instead").click("undo-documents").click("undo-documents")
    assert draft(tab).is_empty()
    tab.click("redo-documents")
    assert draft(tab).query
    assert len(texts(tab)) > 10
    assert open_store().sessions.get(tab.session).draft["query"] == draft(tab).query


def test_a_shuffle_is_the_same_for_the_same_seed_and_each_step_is_undone(app):
    text = "\n\n".join(f"text {at}" for at in range(8))
    before = text.split("\n\n")
    tab = table(entered(app, text=text))
    tab.click("shuffle")
    first = texts(tab)
    assert first != before
    assert sorted(first) == sorted(before)
    tab.click("shuffle").click("undo-documents")
    assert texts(tab) == first
    tab.click("undo-documents")
    assert texts(tab) == before
    tab.click("shuffle")
    assert texts(tab) == first
    tab.click("undo-documents").at.number_input(key="shuffle-seed").set_value(2)
    assert texts(tab.run().click("shuffle")) != first


def test_the_input_order_can_be_that_of_a_strategy_and_the_old_results_are_marked(app):
    tab = entered(app, text="motor oil\n\na clock\n\napple pie").tick({"bm25", "input-order"}).compare()
    table(tab)
    menu = next(item for item in tab.at.get("menu_button") if item.key == "order-by")
    assert menu.proto.options[:] == ["Input order", "BM25"]
    from reranking.ui import documents_table, state

    job = state.jobs().status(open_store().jobs.of(tab.session)[0].id)
    order = documents_table.ordered_by(job, draft(tab).documents())
    assert [item.text for item in order["BM25"]] == ["apple pie", "motor oil", "a clock"]
    assert documents_table.ordered_by(job, [Document("another")]) == {}
    tab.click("shuffle")
    assert any("Changed since these results: the documents" in said for said in tab.said("info"))


def test_documents_become_text_and_come_back(app):
    rows = [{"id": "x", "text": "one\n\nstill one"}, {"text": "two"}]
    tab = app().upload(("x.json", json.dumps(rows).encode())).use()
    table(tab).click("as-text")
    assert tab.field("text").value == "one\n\nstill one\n---\ntwo"
    assert texts(tab) == ["one\n\nstill one", "two"]
    tab.click("undo-documents")
    assert draft(tab).documents()[0].id == "x"


def test_documents_written_to_a_file_are_the_documents_that_were_entered(app):
    from reranking.ui.export import documents_json

    tab = app().upload(("many.jsonl", MANY)).use()
    found = read(documents_json(draft(tab).queries()).encode(), "x.json").queries
    assert found == tuple(Input(name, (Document(f"{name} one"), Document(f"{name} two"))) for name in ("a", "b", "c"))


@pytest.mark.parametrize("kind", ["csv", "json", "documents"])
def test_results_and_documents_are_offered_as_files(app, kind):
    tab = entered(app).tick({"bm25"}).compare()
    tab.at.session_state["export"] = True
    tab.run()
    assert any(item.proto.id.endswith(f"export-{kind}") for item in tab.at.get("download_button"))
