"""The strategy set: lines that are named, moved, copied and undone, sets by name, one model for all."""

from reranking.store import open_store
from tests.app.test_compare import entered


def shelf(tab):
    return tab.at.session_state["draft"].shelf


def kinds(tab):
    return [entry.spec["kind"] for entry in shelf(tab)]


def dialog(tab, opener, key):
    """Press a button in the dialog that another one opens."""
    tab.click(opener)
    tab.at.button(key=opener).click()
    return tab.click(key)


def test_a_removed_line_comes_back_with_undo_at_its_place(app):
    tab = entered(app)
    before = kinds(tab)
    tab.edit(shelf(tab)[1]).click(f"remove-{shelf(tab)[1].key}")
    assert kinds(tab) == [before[0], *before[2:]]
    tab.click("undo-strategies")
    assert kinds(tab) == before
    assert [entry["spec"]["kind"] for entry in open_store().sessions.get(tab.session).draft["shelf"]] == before


def test_a_removal_that_was_undone_is_done_again(app):
    tab = entered(app)
    before = kinds(tab)
    tab.edit(shelf(tab)[1]).click(f"remove-{shelf(tab)[1].key}").click("undo-strategies")
    assert kinds(tab) == before
    assert kinds(tab.click("redo-strategies")) == [before[0], *before[2:]]
    assert kinds(tab.click("undo-strategies")) == before


def test_lines_are_moved_and_duplicated(app):
    tab = entered(app)
    first, second, *rest = kinds(tab)
    tab.edit(shelf(tab)[1]).click(f"up-{shelf(tab)[1].key}")
    assert kinds(tab) == [second, first, *rest]
    tab.click(f"copy-{shelf(tab)[0].key}")
    assert kinds(tab) == [second, second, first, *rest]
    assert len({entry.key for entry in shelf(tab)}) == len(shelf(tab))


def test_a_name_stands_in_the_set_and_in_the_results_and_survives_a_reload(app):
    tab = entered(app).tick({"bm25", "input-order"})
    entry = shelf(tab)[1]
    tab.edit(entry)
    tab.at.text_input(key=f"label-{entry.key}").set_value("<b>Words</b> only")
    tab.run().compare()
    assert tab.at.checkbox(key=f"on-{entry.key}").label.replace("\\", "") == "<b>Words</b> only"
    assert tab.html().count("&lt;b&gt;Words&lt;/b&gt; only") > 1
    assert "<b>Words" not in tab.html()
    again = app(tab.session)
    assert "&lt;b&gt;Words&lt;/b&gt; only" in again.html()


def test_strategies_to_add_are_searched_and_say_what_they_ask_and_which_models_can(app):
    tab = entered(app).click("add-strategy")
    offered = [item.key for item in tab.at.button if item.key.startswith("add-")]
    assert len(offered) > 20
    said = next(item.value for item in tab.at.html if "rl-offer" in item.value and "p(yes)" in item.value)
    assert "Asks: choose. Here: embedded:smollm2" in said
    tab.in_dialog("add-strategy", lambda at: at.text_input(key="search-strategies").set_value("pairwise sort"))
    assert [item.key for item in tab.at.button if item.key.startswith("add-pairwise")] == ["add-pairwise-sort"]
    assert not tab.has("add-bm25")


def test_a_new_llm_strategy_takes_the_model_that_the_others_use(app):
    tab = entered(app)
    shelf(tab)[4].spec["model"] = "simulated:overlap"
    tab.add("grade")
    assert shelf(tab)[-1].spec["model"] == "simulated:overlap"
    tab.add("dense")
    assert shelf(tab)[-1].spec["model"] == "embedded:minilm"


def test_one_model_is_set_for_all_llm_strategies_and_undone(app):
    tab = entered(app).add("grade").add("cascade")
    tab.at.session_state["model-for-all"] = True
    tab.run()
    tab.at.selectbox(key="model-of-all").set_value("simulated:overlap")
    tab.run().click("set-model-of-all")
    models = {entry.spec["kind"]: entry.spec.get("model") for entry in shelf(tab)}
    assert models["grade"] == models["yes-no"] == "simulated:overlap"
    assert models["dense"] == "embedded:minilm"
    tab.click("undo-strategies")
    assert {entry.spec.get("model") for entry in shelf(tab)} == {None, "embedded:minilm", "embedded:smollm2"}


def test_a_set_is_saved_by_name_and_used_in_another_session(app):
    tab = entered(app).tick({"bm25"})
    shelf(tab)[1].label = "Mine"
    tab.click("open-sets")
    tab.at.text_input(key="set-name").set_value("Two of them")
    tab.at.button(key="open-sets").click()
    tab.click("save-set-button")
    assert [one.name for one in open_store().strategy_sets.all()] == ["Two of them"]
    other = app()
    before = [entry.key for entry in shelf(other)]
    dialog(other, "open-sets", "use-saved-Two of them")
    assert [(entry.label, entry.on) for entry in shelf(other)][1] == ("Mine", True)
    assert [entry.on for entry in shelf(other)].count(True) == 1
    assert before != [entry.key for entry in shelf(other)]
    dialog(other, "open-sets", "delete-saved-Two of them")
    assert open_store().strategy_sets.all() == []


def test_a_ready_made_set_runs_as_it_is(app):
    tab = dialog(entered(app), "open-sets", "use-Free and local")
    assert kinds(tab) == ["input-order", "bm25", "dense", "late-interaction", "fusion", "yes-no"]
    assert all(entry.on for entry in shelf(tab))
    assert any("used “Free and local”" in item.label.replace("\\", "") for item in tab.at.button)
    tab.tick({"bm25", "fusion"})
    assert tab.compare().html().count("rl-state rl-complete") >= 2


def test_a_set_that_lacks_a_model_says_what_it_needs_and_cannot_be_used(app):
    tab = entered(app).click("open-sets")
    assert tab.at.button(key="use-One method, several models").disabled
    assert "Needs two chat models or more; chosen: embedded:smollm2." in tab.html()


def test_labels_of_a_form_are_words(app):
    tab = entered(app)
    tab.edit(shelf(tab)[1])
    labels = {item.label for item in tab.at.number_input}
    assert {"Weight of repeated words (k1)", "Penalty for length (b)"} <= labels


def test_a_set_without_lines_says_how_to_go_on(app):
    tab = entered(app)
    for entry in list(shelf(tab)):
        tab.edit(entry).click(f"remove-{entry.key}")
    assert "None yet. Add one, or take a set." in tab.html()
