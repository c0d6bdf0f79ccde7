"""Where a bias test begins: with documents of a session, an example or a file."""

import json

from tests.app.test_bias import FIVE, choose, findings, jobs, measured, with_strategies
from tests.app.test_compare import entered


def test_documents_of_another_session_and_of_a_file_can_be_tested(app):
    other = entered(app, query="motor oil", text=FIVE)
    tab = with_strategies(app, "input-order", text="one text\n\nanother")
    tab.at.selectbox(key="bias-source").set_value("another session")
    tab.run()
    tab.at.selectbox(key="bias-session").set_value(other.session)
    tab.run()
    assert "raises it 4 places" in findings(measured(tab))[0]
    assert "This test is about “motor oil”" in tab.html()
    tab.at.selectbox(key="bias-source").set_value("a file")
    tab.run()
    assert tab.at.button(key="run-bias").disabled
    documents = json.dumps([{"query": query, "documents": list("abc")} for query in ("x", "y")])
    tab.at.file_uploader(key="bias-file").upload("two.json", documents.encode(), "application/json")
    tab.run()
    assert "Of 2 queries 2 favour earlier documents" in findings(measured(tab))[0]


def test_who_opens_bias_first_can_test_an_example_which_becomes_the_session(app):
    from reranking.formats.examples import examples

    tab = app().go("bias")
    source = tab.at.selectbox(key="bias-source")
    assert source.options == ["an example", "a saved session", "a file"]
    example = examples()[1]
    tab.at.selectbox(key="bias-example").set_value(example.name)
    tab.run()
    choose(tab, 0, 1)
    measured(tab)
    draft = tab.at.session_state["draft"]
    assert (draft.query, draft.documents()) == (example.query, example.documents)
    assert draft.source == f"example “{example.title}”"
    assert "Earlier documents are favoured" in findings(tab)[0]
    assert "with the documents as they were then" not in tab.html()
    assert jobs(tab)[0].query == example.query


def test_who_opens_bias_first_can_test_a_saved_session_with_its_own_strategies(app):
    saved = entered(app, query="motor oil", text=FIVE)
    saved.at.session_state["draft"].shelf = saved.at.session_state["draft"].shelf[:1]  # the input order
    saved.run()
    saved.save("Oils")
    tab = app().go("bias")
    tab.at.selectbox(key="bias-source").set_value("a saved session")
    tab.run()
    tab.at.selectbox(key="bias-session").set_value(saved.session)
    tab.run()
    (widget,) = (item for item in tab.at.multiselect if item.key.startswith("bias-strategies"))
    assert widget.options == ["Input order"]
    measured(tab)
    assert tab.session == saved.session
    assert jobs(tab)[0].query == "motor oil"
    assert "raises it 4 places" in findings(tab)[0]


def test_who_opens_bias_first_can_test_a_file_with_several_queries(app):
    tab = app().go("bias")
    tab.at.selectbox(key="bias-source").set_value("a file")
    tab.run()
    documents = json.dumps([{"query": query, "documents": list("abc")} for query in ("x", "y")])
    tab.at.file_uploader(key="bias-file").upload("two.json", documents.encode(), "application/json")
    tab.run()
    choose(tab, 0)
    measured(tab)
    assert "Of 2 queries 2 favour earlier documents" in findings(tab)[0]
    assert [one.query for one in tab.at.session_state["draft"].queries()] == ["x", "y"]


def test_without_another_session_that_is_said(app):
    tab = app().go("bias")
    tab.at.selectbox(key="bias-source").set_value("a saved session")
    tab.run()
    assert any("There is no other session" in text for text in tab.said("info"))
    assert tab.at.button(key="run-bias").disabled
