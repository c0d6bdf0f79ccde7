"""What an edited table makes of the documents."""

from hypothesis import given
from hypothesis import strategies as st

from reranking.documents import Document
from reranking.ui.documents_table import edited

BASE = tuple(Document(name, id=name, title=name.upper(), metadata={"n": name}) for name in "abcd")


def changed(**changes):
    return edited(BASE, {"edited_rows": {}, "added_rows": [], "deleted_rows": [], **changes})


def test_nothing_reported_changes_nothing():
    assert changed() == BASE


def test_a_cell_changes_its_document_and_keeps_the_rest_of_it():
    found = changed(edited_rows={1: {"text": "new", "id": None, "title": ""}})
    assert found == (BASE[0], Document("new", metadata={"n": "b"}), BASE[2], BASE[3])


def test_rows_are_deleted_and_added_and_an_empty_row_is_no_document_yet():
    found = changed(deleted_rows=[0, 2], added_rows=[{"text": "e"}, {}, {"title": None}])
    assert found == (BASE[1], BASE[3], Document("e"))


def test_another_number_moves_a_document_to_that_place():
    assert changed(edited_rows={3: {"#": 1}}) == (BASE[3], *BASE[:3])
    assert changed(edited_rows={0: {"#": 3}}) == (BASE[1], BASE[2], BASE[0], BASE[3])
    assert changed(edited_rows={0: {"#": 99}}) == (*BASE[1:], BASE[0])
    assert changed(added_rows=[{"text": "e", "#": 2}]) == (BASE[0], Document("e"), *BASE[1:])


def test_texts_that_are_only_shown_from_their_beginning_are_not_taken_from_the_table():
    assert edited(BASE, {"edited_rows": {0: {"text": "cut"}}}, texts=False) == BASE


@given(st.dictionaries(st.integers(0, 3), st.fixed_dictionaries({"#": st.integers(1, 9)})), st.sets(st.integers(0, 3)))
def test_moving_and_deleting_lose_and_add_no_other_document(moves, deleted):
    found = changed(edited_rows=moves, deleted_rows=sorted(deleted))
    assert sorted(item.id for item in found) == [item.id for at, item in enumerate(BASE) if at not in deleted]
