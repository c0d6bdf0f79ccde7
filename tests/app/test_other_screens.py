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


def test_judge_without_documents_says_where_to_begin(app):
    assert "on Compare" in app().go("judge").html()


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


def test_a_deleted_session_leaves_the_list_comes_back_as_it_was_and_can_be_erased(app):
    tab = entered(app).tick({"bm25", "input-order"}).compare()
    session = tab.session
    tab.go("sessions").click(f"delete-{session}")
    assert not tab.has(f"open-{session}")
    assert any("Deleted: apple pie" in said for said in tab.said("info"))
    assert open_store().sessions.get(session) is None
    tab.click(f"restore-{session}")
    assert tab.has(f"open-{session}")
    again = app(session)
    assert again.field("query").value == "apple pie"
    assert "rl-prices'>" in again.html()
    tab.click(f"delete-{session}").click(f"erase-{session}")
    assert open_store().sessions.discarded() == []
    assert open_store().jobs.of(session) == []
