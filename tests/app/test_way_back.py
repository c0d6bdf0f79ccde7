"""Where the results are for something else than what is entered, that is said in full, and a press leads back to it."""

from reranking.documents import Document
from reranking.draft import Entry
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


def lines(tab):
    """Which lines of the set are on, as its boxes show them, with what the draft holds of each."""
    return [(e.spec["kind"], tab.at.checkbox(key=f"on-{e.key}").value, e.on, e.spec) for e in draft(tab).shelf]


def are_on(tab):
    shown = lines(tab)
    assert all(box == held for _, box, held, _ in shown)
    return [kind for kind, box, _, _ in shown if box]


def test_strategies_switched_on_and_off_since_the_run_are_named(app):
    tab = entered(app).tick({"bm25", "input-order"}).compare()
    assert tab.said("info") == []
    (said,) = tab.tick({"bm25"}).said("info")
    assert "switched off since: Input order" in said
    assert "not run as they are set now" not in said
    (said,) = tab.tick({"late-interaction"}).said("info")
    assert "switched off since: Input order, BM25" in said
    assert "not run as they are set now: Late interaction" in said


def test_strategies_alone_come_back_as_they_ran_in_one_step_of_the_strategy_set(app):
    tab = entered(app).tick({"bm25", "input-order"}).compare()
    assert not tab.has("back-to-run")
    tab.tick({"late-interaction"}).click("back-to-run")
    assert are_on(tab) == ["input-order", "bm25"]
    assert len(draft(tab).shelf) == 5
    assert (tab.said("info"), tab.has("back-to-run"), tab.has("undo-documents")) == ([], False, False)
    assert are_on(app(tab.session)) == ["input-order", "bm25"]
    tab.click("undo-strategies")
    assert are_on(tab) == ["late-interaction"]
    tab.click("redo-strategies")
    assert are_on(tab) == ["input-order", "bm25"]


def test_query_documents_and_strategies_come_back_and_go_again_in_one_step(app):
    tab = loaded(app).tick(set()).click("paste-instead").write("query", "plum cake").write("text", "plums\n\ncake")
    tab.click("back-to-run")
    assert (draft(tab).query, draft(tab).documents(), are_on(tab)) == ("apple pie", tuple(LOADED), ["bm25"])
    assert (tab.said("info"), tab.has("back-to-run")) == ([], False)
    tab.click("undo-documents")
    assert (draft(tab).query, are_on(tab)) == ("plum cake", [])
    tab.click("redo-documents")
    assert (draft(tab).query, draft(tab).documents(), are_on(tab)) == ("apple pie", tuple(LOADED), ["bm25"])


def test_parameters_come_back_lines_that_are_gone_are_there_again_and_later_ones_stay_switched_off(app):
    tab = entered(app).tick({"bm25", "input-order"}).compare()
    ran = {entry.spec["kind"]: dict(entry.strategy().spec()) for entry in draft(tab).shelf if entry.on}
    order, bm25 = draft(tab).shelf[:2]
    bm25.spec = {**bm25.spec, "k1": 0.5}
    draft(tab).shelf.append(Entry({"kind": "bm25", "k1": 3.0}))
    tab.run().edit(order).click(f"remove-{order.key}")
    assert are_on(tab) == ["bm25", "bm25"]
    tab.click("back-to-run")
    assert are_on(tab) == ["input-order", "bm25"]
    assert {kind: spec for kind, box, _, spec in lines(tab) if box} == ran
    assert (lines(tab)[-1][0], lines(tab)[-1][3]["k1"]) == ("bm25", 3.0)
    assert tab.said("info") == []
