"""A prompt in the user's own words, and a domain, are run, kept and opened again with the session."""

from reranking.store import open_store
from tests.app.test_compare import entered


def test_own_words_and_domain_are_sent_and_come_back_with_the_session(app):
    tab = entered(app, text="apple pie\n\nmotor oil\n\nblue sky").add("grade-all")
    entry = tab.at.session_state["draft"].shelf[-1]
    form = f"form-{entry.key}"
    tab.at.selectbox(key=f"{form}-model").set_value("simulated:overlap").run()
    tab.at.selectbox(key=f"{form}-domain-name").set_value("legal").run()
    tab.at.toggle(key=f"{form}-prompt-own").set_value(True).run()
    tab.at.text_area(key=f"{form}-prompt-user").set_value("Grade {{ passages }} for {{ query }} up to {{ top }}.")
    tab.run().tick({"grade-all"}).compare()
    spec = tab.at.session_state["draft"].shelf[-1].spec
    assert spec["prompt"]["user"] == "Grade {{ passages }} for {{ query }} up to {{ top }}."
    assert spec["domain"]["title"] == "Legal"
    again = app(tab.session)
    assert again.at.session_state["draft"].shelf[-1].spec == spec
    store = open_store()
    (job,) = store.jobs.of(tab.session, "comparison")
    (call,) = store.calls.of(job.id, 0)
    system, user = (text for _, text in call.request[0])
    assert "Domain: Legal." in system
    assert user.startswith("Grade [1]")


def test_a_prompt_that_leaves_out_the_passage_is_refused_and_what_was_there_stays(app):
    tab = entered(app, text="apple pie\n\nmotor oil").add("yes-no")
    entry = tab.at.session_state["draft"].shelf[-1]
    before = dict(entry.spec)
    tab.at.toggle(key=f"form-{entry.key}-prompt-own").set_value(True).run()
    tab.at.text_area(key=f"form-{entry.key}-prompt-user").set_value("Is it about {{ query }}?")
    tab.run()
    assert any("must show {{ passage }}" in said for said in tab.said("error"))
    assert tab.at.session_state["draft"].shelf[-1].spec == before
