"""Judge, Bias and Sessions on a small session."""

from reranking.store import open_store
from tests.app.test_compare import TWO, entered


def shown_document(tab):
    return next(item.value for item in tab.at.html if "rl-judge-query" in item.value)


def test_judging_shows_one_document_without_rank_score_or_strategy_and_keeps_every_grade(app):
    tab = entered(app).tick({"bm25", "input-order"}).compare().go("judge")
    first = shown_document(tab)
    for word in ("BM25", "rl-rank", "rl-score", "▲"):
        assert word not in first
    tab.press("grade-3")
    assert shown_document(tab) != first
    tab.click("back")
    assert shown_document(tab) == first
    tab.press("grade-1")
    tab.press("grade-0")
    history = [row.grade for row in open_store().judgments.latest("apple pie")]
    assert sorted(history) == [0, 1]
    with open_store().database.read() as connection:
        assert connection.execute("SELECT count(*) FROM judgments").fetchone()[0] == 3


def test_a_grade_can_be_taken_back_and_stays_in_the_history(app):
    tab = entered(app).tick({"bm25"}).compare().go("judge")
    tab.press("grade-2").click("back").press("withdraw")
    assert open_store().judgments.grades("apple pie", "0-3") == {}
    with open_store().database.read() as connection:
        assert connection.execute("SELECT count(*) FROM judgments").fetchone()[0] == 2


def test_judged_documents_give_quality_on_compare_with_the_number_of_unjudged(app):
    tab = entered(app).tick({"bm25", "input-order"}).compare()
    assert "nDCG@10" not in tab.html()
    tab.go("judge").press("grade-3").go("compare")
    assert "nDCG@10" in tab.html()
    assert "1 of 2" in tab.html()


def test_when_all_is_judged_the_screen_says_so(app):
    tab = entered(app).tick({"bm25"}).compare().go("judge")
    tab.press("grade-3").press("grade-0")
    assert "All documents are judged" in tab.html()


def test_the_order_of_judging_tells_nothing_and_stays_the_same(app):
    from reranking.documents import Document
    from reranking.ui.judging import blind_order

    many = [Document(f"text {at}") for at in range(30)]
    assert blind_order("s", many) == blind_order("s", many)
    assert sorted(blind_order("s", many)) == list(range(30))
    assert blind_order("s", many) != list(range(30))
    assert blind_order("s", many) != blind_order("t", many)
    assert len(blind_order("s", [Document("same")] * 4)) == 1


def test_bias_of_bm25_is_exactly_none(app):
    tab = entered(app, text="apple pie\n\nmotor oil\n\napple juice\n\npie chart\n\nblue sky").go("bias")
    tab.at.selectbox(key="bias-strategy").set_value(tab.at.session_state["draft"].shelf[1].key)
    tab.run()
    tab.click("run-bias").wait("bias")
    assert "No effect was found" in tab.html()
    assert "BM25 asks no model and computes scores from the texts: it cannot depend on the order." in tab.html()
    assert "0 requests" not in tab.html()
    assert not tab.at.get("plotly_chart")


def test_the_strategy_to_test_first_is_one_that_shows_a_model_several_documents(app):
    tab = entered(app).add("grade").add("listwise").go("bias")
    chooser = tab.at.selectbox(key="bias-strategy")
    shelf = tab.at.session_state["draft"].shelf
    assert chooser.value == next(entry.key for entry in shelf if entry.spec["kind"] == "listwise")
    assert "Listwise" in chooser.options[-1]


def test_without_such_a_strategy_the_first_that_asks_a_model_is_tested_and_said_not_to_depend_on_the_order(app):
    tab = entered(app).go("bias")
    assert tab.at.selectbox(key="bias-strategy").value == tab.at.session_state["draft"].shelf[2].key
    assert "Dense bi-encoder looks at one document at a time: it cannot depend on the order." in tab.html()


def test_bias_of_the_input_order_is_total(app):
    tab = entered(app, text="a b\n\nc d\n\ne f\n\ng h").go("bias")
    tab.at.selectbox(key="bias-strategy").set_value(tab.at.session_state["draft"].shelf[0].key)
    tab.run()
    tab.click("run-bias").wait("bias")
    assert "Earlier documents end higher here" in tab.html()
    assert "gains 3.0 places" in tab.html()


def test_bias_and_judge_without_documents_say_where_to_begin(app):
    tab = app()
    for name in ("judge", "bias"):
        tab.go(name)
        assert "on Compare" in tab.html()


def test_a_saved_session_is_listed_and_opens_exactly_as_it_was(app):
    tab = entered(app).tick({"bm25", "input-order"}).compare()
    before = tab.html()
    tab.save("My pies")
    session = tab.session
    other = app()
    other.go("sessions")
    assert "My pies" in other.html()
    other.click(f"open-{session}")
    other.go("compare")
    assert (other.field("query").value, other.field("text").value) == ("apple pie", TWO)
    columns = next(item.value for item in other.at.html if "rl-columns" in item.value)
    assert columns in before


def test_sessions_are_searched_by_title_and_query(app):
    entered(app, query="first thing")
    tab = entered(app, query="second thing").go("sessions")
    tab.at.text_input(key="search").set_value("FIRST")
    tab.run()
    assert "first thing" in tab.html()
    assert sum(item.label == "Open" for item in tab.at.button) == 1
