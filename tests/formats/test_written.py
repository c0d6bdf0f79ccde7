"""What is exported is read back equal, and no spreadsheet takes it for a formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.documents import Document, as_candidates
from reranking.formats.read import read
from reranking.formats.written import RANKING_HEADER, guarded, inputs_json, rankings_csv
from reranking.ranking import by_order, failed
from tests.formats.test_json_files import queries


@given(st.lists(queries, min_size=1, max_size=4))
def test_queries_and_documents_written_are_read_back_equal(inputs):
    assert read(inputs_json(inputs).encode(), "x.json").queries == tuple(inputs)


def test_rankings_have_one_row_per_document_with_empty_cells_for_what_is_not_known():
    candidates = as_candidates([Document("a", "=x"), Document("b", title="-1+1")])
    text = rankings_csv("@q", [("BM25", by_order(candidates, [1, 0])), ("LLM", failed(candidates, []))])
    header, *rows = csv.reader(io.StringIO(text))
    assert tuple(header) == RANKING_HEADER
    assert rows == [
        ["'@q", "BM25", "complete", "rank only", "1", "1", "2", "d2", "'-1+1", ""],
        ["'@q", "BM25", "complete", "rank only", "2", "2", "1", "'=x", "", ""],
        ["'@q", "LLM", "failed", rows[2][3], "", "", "1", "'=x", "", ""],
        ["'@q", "LLM", "failed", rows[3][3], "", "", "2", "d2", "'-1+1", ""],
    ]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r=1", "\n\u00a0@x", "＝1", "\tx"])
def test_a_text_that_might_be_a_formula_stands_behind_an_apostrophe(cell):
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["a=b", "1-2", "", "'x", -1.5, 0, None, "e-mail a@b"])
def test_other_cells_and_numbers_stay_as_they_are(cell):
    assert guarded(cell) == cell
