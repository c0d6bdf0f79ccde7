"""What the listings tell of the strategies is what the strategies do."""

from pathlib import Path

import pytest

from reranking import guide
from reranking.models import ModelError
from reranking.providers.registry import MODULES, Registry, serves
from reranking.requests import KINDS
from reranking.strategies.catalogue import strategies

PAGE = Path(__file__).parents[1] / "docs" / "strategies.md"


def test_the_docs_page_is_what_the_classes_say():
    """`rerank-lens strategies --markdown > docs/strategies.md` writes it anew."""
    assert PAGE.read_text(encoding="utf-8") == guide.page()


def test_every_strategy_is_told_with_its_requests_models_and_source():
    entries = guide.entries()
    assert [entry.kind for entry in entries] == list(strategies())
    for entry in entries:
        assert len(entry.requests) == len(guide.SIZES)
        assert bool(entry.served_by) == bool(entry.asks)


def test_the_requests_told_are_those_of_the_methods():
    told = {entry.kind: entry.requests for entry in guide.entries()}
    assert told["pairwise-all"] == ("90", "380", "9,900")
    assert told["pairwise-random"] == ("45", "190", "4,950")
    assert told["listwise-window"] == ("1", "1", "9")
    assert told["listwise-groups"] == ("1", "1", "11")
    assert told["yes-no"] == ("10", "20", "100")


@pytest.mark.parametrize("prefix", MODULES)
def test_no_model_is_offered_for_what_its_kind_cannot_serve(prefix):
    able = {kind for kind, cls in KINDS.items() if cls in serves(prefix)}
    try:
        rows = [row for row in Registry().listing() if row.name.startswith(f"{prefix}:")]
    except ModelError:
        rows = []
    assert able
    for row in rows:
        assert set(row.answers) <= able
