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
