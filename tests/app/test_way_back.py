"""Where the results are for something else than what is entered, that is said in full, and a press leads back to it."""

from reranking.documents import Document
from tests.app.test_compare import TWO, entered

LOADED = [Document("apple pie with cinnamon", "a1", "Pie"), Document("motor oil", "a2", "Oil", {"of": "a file"})]


def draft(tab):
    return tab.at.session_state["draft"]


def loaded(app):
    """A comparison of documents of a file, which have ids and titles."""
    tab = entered(app, text="")
    draft(tab).load(LOADED, "a file")
    return tab.run().tick({"bm25"}).compare()


def test_what_was_run_comes_back_after_its_documents_are_gone_and_the_page_is_loaded_again(app):
    tab = loaded(app)
    assert not tab.has("back-to-run")
    tab.click("paste-instead")
    again = app(tab.session)
    assert draft(again).documents() == ()
    assert not again.has("undo-documents")
    again.click("back-to-run")
    assert draft(again).documents() == tuple(LOADED)
    assert (again.said("info"), again.has("back-to-run")) == ([], False)
    kept = app(tab.session)
    assert (draft(kept).query, draft(kept).documents()) == ("apple pie", tuple(LOADED))


def test_what_was_run_comes_back_where_nothing_is_entered_any_more(app):
    tab = loaded(app).click("paste-instead").write("query", "")
    assert draft(tab).is_empty()
    again = app(tab.session).click("back-to-run")
    assert (draft(again).query, draft(again).documents()) == ("apple pie", tuple(LOADED))


def test_going_back_to_what_was_run_is_one_step_that_can_be_undone_and_redone(app):
    tab = loaded(app).click("paste-instead").write("query", "plum cake").write("text", "plums\n\ncake")
    tab.click("back-to-run")
    assert (draft(tab).query, draft(tab).documents()) == ("apple pie", tuple(LOADED))
    assert tab.field("query").value == "apple pie"
    undo = next(item for item in tab.at.button if item.key == "undo-documents")
    assert "went back to what was run" in undo.label
    tab.click("undo-documents")
    assert (draft(tab).query, [item.text for item in draft(tab).documents()]) == ("plum cake", ["plums", "cake"])
    assert tab.has("back-to-run")
    tab.click("redo-documents")
    assert (draft(tab).query, draft(tab).documents()) == ("apple pie", tuple(LOADED))


def test_pasted_text_that_was_run_is_the_text_again(app):
    tab = entered(app).tick({"bm25"}).compare()
    draft(tab).load(LOADED, "a file")
    tab.run().click("back-to-run")
    assert (draft(tab).loaded, draft(tab).text) == (None, TWO)


def test_strategies_switched_on_and_off_since_the_run_are_named(app):
    tab = entered(app).tick({"bm25", "input-order"}).compare()
    assert tab.said("info") == []
    (said,) = tab.tick({"bm25"}).said("info")
    assert "not on any more as they ran: Input order" in said
    assert "not run as they are set now" not in said
    assert not tab.has("back-to-run")
    (said,) = tab.tick({"late-interaction"}).said("info")
    assert "not on any more as they ran: Input order, BM25" in said
    assert "not run as they are set now: Late interaction" in said
