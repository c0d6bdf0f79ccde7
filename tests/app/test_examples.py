"""Examples for a model come from the user's own judgments, and are kept with the strategy."""

from tests.app.test_compare import entered

FOUR = "apple pie\n\nmotor oil\n\nblue sky\n\ngreen tea"


def test_the_clearest_judged_documents_become_examples_and_can_be_removed(app):
    tab = entered(app, text=FOUR).go("judge")
    for grade in (3, 0):
        tab.press(f"grade-{grade}")
    tab.go("compare").add("aspects")
    entry = tab.at.session_state["draft"].shelf[-1]
    assert entry.spec["examples"] == []
    tab.click(f"form-{entry.key}-examples-take")
    taken = tab.at.session_state["draft"].shelf[-1].spec["examples"]
    assert sorted(item["rating"] for item in taken) == ["bad", "good"]
    assert {item["passage"] for item in taken} < set(FOUR.split("\n\n"))
    tab.click(f"form-{entry.key}-examples-remove-0-of-2")
    assert tab.at.session_state["draft"].shelf[-1].spec["examples"] == taken[1:]


def test_without_judgments_it_says_where_examples_come_from(app):
    tab = entered(app, text=FOUR).add("aspects")
    entry = tab.at.session_state["draft"].shelf[-1]
    assert not tab.has(f"form-{entry.key}-examples-take")
    assert "take them here" in tab.html()
