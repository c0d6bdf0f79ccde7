"""Strategy sets: kept under a name, replaced by the same name, found again."""

import pytest

from reranking.store import StoreError, open_store

ENTRIES = [{"spec": {"kind": "bm25", "k1": 2.0}, "on": False, "label": "mine, “öß”", "key": "a"}]


def test_a_set_is_kept_and_found_again_after_the_file_is_opened_anew(tmp_path):
    store = open_store(tmp_path / "x.db")
    store.strategy_sets.save(" Mine ", ENTRIES)
    store.close()
    again = open_store(tmp_path / "x.db")
    (found,) = again.strategy_sets.all()
    assert (found.name, list(found.entries)) == ("Mine", ENTRIES)
    again.close()


def test_the_same_name_replaces_a_set_and_names_are_listed_in_order(tmp_path):
    store = open_store(tmp_path / "x.db")
    for name, entries in (("b", ENTRIES), ("A", []), ("b", [])):
        store.strategy_sets.save(name, entries)
    assert [(one.name, one.entries) for one in store.strategy_sets.all()] == [("A", ()), ("b", ())]
    store.strategy_sets.delete("A")
    store.strategy_sets.delete("never there")
    assert [one.name for one in store.strategy_sets.all()] == ["b"]
    store.close()


def test_a_set_without_a_name_is_refused(tmp_path):
    store = open_store(tmp_path / "x.db")
    with pytest.raises(StoreError, match="needs a name"):
        store.strategy_sets.save("  ", ENTRIES)
    store.close()
