"""The selection stands in the URL; an address that names what is not there selects nothing."""

from streamlit.testing.v1 import AppTest


def script():
    import streamlit as st

    from reranking.ui import selection

    st.session_state.found = (
        selection.selected_document(20),
        selection.selected_pair([0, 2, 5]),
        selection.selected_cut(20),
        selection.selected_view(["rank", "document"]),
    )
    for name, arguments in st.session_state.get("wanted", []):
        getattr(selection, name)(*arguments)


def opened(**parameters):
    tab = AppTest.from_function(script)
    for name, value in parameters.items():
        tab.query_params[name] = value
    return tab.run()


def found(**parameters):
    return opened(**parameters).session_state["found"]


def test_an_address_without_a_selection_gives_the_defaults():
    assert found() == (None, None, 10, "rank")


def test_an_address_selects_document_pair_cut_and_view():
    assert found(doc="3", a="5", b="0", k="7", view="document") == (3, (5, 0), 7, "document")


def test_an_address_that_names_what_is_not_there_selects_nothing():
    assert found(doc="20", a="1", b="0", k="99", view="<b>") == (None, None, 20, "rank")
    assert found(doc="-1", a="2", b="2", k="0") == (None, None, 10, "rank")
    assert found(doc="²", a="x", k="9" * 5000) == (None, None, 10, "rank")


def test_what_is_selected_is_in_the_address_and_none_removes_it():
    tab = opened(session="kept", doc="4")
    tab.session_state["wanted"] = [
        ("select_document", [7]), ("select_pair", [0, 2]), ("select_cut", [5]), ("select_view", ["document"]),
    ]  # fmt: skip
    tab.run()
    assert {name: "".join(tab.query_params[name]) for name in tab.query_params} == {
        "session": "kept", "doc": "7", "a": "0", "b": "2", "k": "5", "view": "document",
    }  # fmt: skip
    tab.session_state["wanted"] = [
        ("select_document", [None]), ("select_pair", [None, None]), ("select_cut", [None]), ("select_view", [None]),
    ]  # fmt: skip
    tab.run()
    assert list(tab.query_params) == ["session"]
