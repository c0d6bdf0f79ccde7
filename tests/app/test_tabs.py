"""Two tabs on one session, sessions that vanish, and a store that cannot be written."""

import time

from reranking.store import StoreError, open_store
from reranking.store.jobs import Jobs as StoredJobs
from reranking.store.sessions import Sessions
from reranking.ui import state
from tests.app.test_compare import TWO, entered


def test_two_tabs_lose_nothing_of_either(app):
    first = entered(app)
    session = first.session
    second = app(session)
    second.write("query", "from the second tab")
    first.write("query", "from the first tab")
    assert second.session == session
    assert first.session != session
    assert any("changed in another tab" in sentence for sentence in first.said("warning"))
    sessions = open_store().sessions
    assert sessions.get(session).draft["query"] == "from the second tab"
    assert sessions.get(first.session).draft["query"] == "from the first tab"
    assert sessions.get(first.session).draft["text"] == TWO
    kept = first.session
    first.write("query", "and more")
    assert (first.session, first.said()) == (kept, [])


def test_a_title_or_a_run_in_another_tab_is_no_conflict(app):
    first = entered(app).tick({"bm25"})
    session = first.session
    second = app(session)
    second.save()
    second.compare()
    first.write("query", "another")
    assert (first.session, first.said("warning"), first.said("error")) == (session, [], [])


def test_what_is_entered_into_a_deleted_session_becomes_a_new_one(app):
    tab = entered(app)
    session = tab.session
    open_store().sessions.delete(session)
    tab.write("query", "still here")
    assert tab.session != session
    assert any("deleted in another tab" in sentence for sentence in tab.said("warning"))
    assert open_store().sessions.get(tab.session).draft["query"] == "still here"


def test_a_deleted_session_can_still_be_run_and_judged_as_a_new_one(app):
    tab = entered(app).tick({"bm25"})
    session = tab.session
    open_store().sessions.delete(session)
    tab.compare()
    assert tab.session != session
    assert tab.html().count("<th scope='col'><h3>") == 1
    open_store().sessions.delete(tab.session)
    assert "rl-judge-query" in tab.go("judge").html()


def test_a_store_that_cannot_be_written_is_explained_and_what_was_entered_stays(app, monkeypatch):
    def full(*args, **kwargs):
        raise StoreError("There is no room left.")

    tab = entered(app)
    with monkeypatch.context() as patched:
        patched.setattr(Sessions, "save_draft", full)
        tab.write("query", "new query")
        assert tab.said("error") == ["There is no room left."]
        assert tab.field("query").value == "new query"
    tab.run()
    assert tab.said() == []
    assert open_store().sessions.get(tab.session).draft["query"] == "new query"


def test_the_top_line_shows_what_was_just_entered(app):
    tab = app()
    assert tab.at.button(key="new-session").disabled
    tab.write("query", "apple pie")
    assert "<b>apple pie</b>" in line(tab)
    assert not tab.at.button(key="new-session").disabled
    tab.write("text", TWO)
    assert "2 documents" in line(tab)
    assert any("2 documents" in item.value for item in tab.at.html if "rl-part" in item.value)
    tab.tick({"bm25"})
    assert "1 strategy" in line(tab)


def line(tab):
    return next(item.value for item in tab.at.html if "rl-line" in item.value)


def test_the_suggested_title_follows_the_query_until_the_session_is_saved_under_one(app):
    tab = app()
    tab.write("query", "apple pie").click("save")
    assert tab.field("title").value == "apple pie"
    tab.write("query", "apple juice")
    assert tab.save("Mine") == "apple juice"
    tab.write("query", "pear juice")
    assert tab.save() == "Mine"


def test_deleting_a_session_stops_its_jobs_first(app, monkeypatch):
    from reranking.jobs import Jobs

    done = []
    monkeypatch.setattr(Jobs, "cancel_session", lambda self, session: done.append(("stopped", session)))
    monkeypatch.setattr(Sessions, "discard", lambda self, session: done.append(("deleted", session)))
    tab = entered(app)
    session = tab.session
    tab.go("sessions").click(f"delete-{session}")
    assert done == [("stopped", session), ("deleted", session)]


def test_resume_pressed_in_two_tabs_at_once_goes_on_once_and_says_so_in_the_other(app, monkeypatch):
    tab = entered(app).tick({"bm25"}).compare()
    session = tab.session
    store = open_store()
    job = store.jobs.of(session)[0].id

    def beat(seconds_ago):
        with store.database.write() as connection:
            values = (time.time() - seconds_ago, job)
            connection.execute("UPDATE jobs SET state = 'running', heartbeat = ? WHERE id = ?", values)

    beat(60)
    state.jobs.clear()  # what a restart of the server does
    late = app(session)
    assert "was interrupted" in late.said("warning")[0]

    def taken(self, id):
        beat(0)  # the other tab was a moment earlier
        return False

    monkeypatch.setattr(StoredJobs, "resume", taken)
    late.click("resume-comparison")
    assert late.said("error") == ["This run is going on already."]
    assert late.said("warning") == []
    store.jobs.end(job, "done")
