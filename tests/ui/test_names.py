"""Names tell strategies apart, in as few words as it takes."""

from hypothesis import given
from hypothesis import strategies as st

from reranking.strategies.catalogue import make
from reranking.strategies.unknown import UnknownStrategy
from reranking.ui.names import full_name, parameters_and_model, short_names


def names(*specs):
    return short_names([make(spec) for spec in specs])


def test_titles_are_enough_where_they_differ():
    assert names("bm25(k1=3.0)", "input-order") == ["BM25", "Input order"]


def test_equal_titles_get_the_parameters_in_which_they_differ():
    assert names("bm25", "bm25(k1=3.0)") == ["BM25", "BM25 (k1=3.0)"]
    assert names("bm25(k1=2.0, b=0.5)", "bm25(k1=3.0, b=0.5)") == ["BM25 (k1=2.0)", "BM25 (k1=3.0)"]


def test_equal_parameters_get_the_model():
    found = names({"kind": "yes-no", "model": "openai:a"}, {"kind": "yes-no", "model": "openai:b"})
    assert [name.rsplit(" · ", 1)[1] for name in found] == ["openai:a", "openai:b"]


def test_what_is_equal_in_everything_is_numbered():
    assert names("bm25", "bm25", "bm25") == ["BM25", "BM25 (2)", "BM25 (3)"]


def cascade(*models):
    return {"kind": "cascade", "stages": [{"strategy": {"kind": "dense", "model": model}} for model in models]}


def test_cascades_over_different_models_differ():
    found = names(cascade("embedded:minilm"), cascade("hf:other"))
    assert len(set(found)) == 2
    assert all(name.startswith("Cascade (stages=") for name in found)


SPECS = st.sampled_from(
    ["bm25", "bm25(k1=3.0)", "bm25(k1=3.0, b=0.5)", "input-order", {"kind": "yes-no", "model": "a"},
     {"kind": "yes-no", "model": "b"}, {"kind": "yes-no"}, cascade("a"), cascade("b")]
)  # fmt: skip


@given(st.lists(SPECS, max_size=7))
def test_all_names_differ_whatever_stands_side_by_side(specs):
    found = names(*specs)
    assert len(set(found)) == len(specs)


def test_a_strategy_that_is_not_installed_any_more_has_a_name():
    gone = UnknownStrategy(stored={"kind": "gone", "x": 1})
    assert full_name(gone) == gone.name
    assert parameters_and_model(gone) == ""
    assert len(set(short_names([gone, gone]))) == 2
