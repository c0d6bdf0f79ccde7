"""A grade counts for the document that was seen, and for no other."""

from reranking.store import open_store
from tests.app.test_compare import entered

THREE = "apple pie\n\nmotor oil\n\nblue sky"


def graded():
    with open_store().database.read() as connection:
        return [row[0] for row in connection.execute("SELECT fingerprint FROM judgments")]


def key_of(tab, name):
    return next(item.key for item in tab.at.button if item.key.startswith(f"{name}-"))


def test_a_second_press_meant_for_the_document_that_has_gone_grades_nothing(app):
    tab = entered(app, text=THREE).go("judge")
    first = key_of(tab, "grade-3")
    tab.press("grade-3")
    assert key_of(tab, "grade-3") != first
    assert len(graded()) == 1


def test_a_grade_before_the_document_can_have_been_seen_is_ignored(app):
    tab = entered(app, text=THREE).go("judge")
    shown, since = tab.at.session_state["judging_shown"]
    tab.at.session_state["judging_shown"] = (shown, since + 60)  # shown later than now: not even begun
    tab.click(key_of(tab, "grade-3"))
    assert graded() == []
    tab.at.session_state["judging_shown"] = (shown, since - 1)
    tab.click(key_of(tab, "grade-3"))
    assert len(graded()) == 1


def test_where_judging_stands_belongs_to_the_session(app):
    tab = entered(app, text=THREE).go("judge")
    tab.click("later")
    assert tab.at.session_state["judging"][0] == tab.session
    tab.click("new-session").go("compare")
    tab.write("query", "apple pie")
    tab.write("text", THREE)
    tab.go("judge")
    fresh = app(tab.session).go("judge")
    assert key_of(tab, "grade-0") == key_of(fresh, "grade-0")


def latest():
    return {row.fingerprint: row.grade for row in open_store().judgments.latest("apple pie")}


def test_a_grade_is_undone_at_once_and_its_document_comes_back(app):
    tab = entered(app, text=THREE).go("judge")
    assert not any(item.key.startswith("undo-") for item in tab.at.button)
    first = key_of(tab, "grade-3")
    tab.press("grade-3")
    assert "Graded 3, answers fully: " in tab.html()
    tab.click(key_of(tab, "undo"))
    assert key_of(tab, "grade-3") == first
    assert list(latest().values()) == [None]
    assert len(graded()) == 2
    assert not any(item.key.startswith("undo-") for item in tab.at.button)


def test_undo_goes_back_grade_by_grade_and_gives_a_changed_one_its_old_grade_again(app):
    tab = entered(app, text=THREE).go("judge")
    tab.press("grade-3").click("back").press("grade-1").press("grade-2")
    tab.click(key_of(tab, "undo"))
    assert sorted(latest().values(), key=str) == [1, None]
    tab.click(key_of(tab, "undo"))
    assert sorted(latest().values(), key=str) == [3, None]


def test_the_last_grade_of_all_can_be_undone_too(app):
    tab = entered(app, text=THREE).go("judge")
    for _ in range(3):
        tab.press("grade-2")
    assert "All documents are judged" in tab.html()
    tab.click(key_of(tab, "undo"))
    assert "All documents are judged" not in tab.html()
    assert sorted(latest().values(), key=str) == [2, 2, None]


def test_undo_does_not_reach_into_another_session(app):
    tab = entered(app, text=THREE).go("judge").press("grade-3")
    tab.click("new-session").go("compare")
    tab.write("query", "apple pie")
    tab.write("text", THREE)
    tab.go("judge")
    assert not any(item.key.startswith("undo-") for item in tab.at.button)
