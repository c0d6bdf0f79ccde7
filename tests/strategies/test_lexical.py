"""BM25: the published figures, the sums of its explanations, and the library's known faults."""

import math
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reranking.documents import as_candidates
from reranking.strategies.lexical import BM25, words
from tests.support import needs_shared, noveleval, rank


def scores(query, texts, **parameters):
    ranking = rank(BM25(**parameters), as_candidates(texts), query)
    return {item.index: item.score for item in ranking}, ranking


@needs_shared
def test_noveleval_gives_the_published_figures():
    import json

    from reranking.analysis.metrics import ndcg
    from tests.support import SHARED

    figures = json.loads((SHARED / "conformance" / "figures.json").read_text())["noveleval_bm25"]
    totals = {1: [], 5: [], 10: []}
    for _, query, found, grades in noveleval():
        ranking = rank(BM25(tokens="spaces"), as_candidates(found), query)
        for k, values in totals.items():
            values.append(ndcg(ranking, grades, k))
    for k, values in totals.items():
        assert 100 * sum(values) / 21 == pytest.approx(figures[f"ndcg@{k}"], abs=figures["tolerance"])


def notes(query, texts, **parameters):
    """Word of the query -> what is said of how it counts."""
    _, ranking = scores(query, texts, **parameters)
    return {part.part: part.note for part in ranking.items[0].explanation.contributions}


def test_a_word_of_half_of_the_documents_counts_nothing_and_says_so():
    texts = ["common rare", "common", "two", "three"]
    assert notes("common rare none", texts) == {
        "common": "in half of the documents or more: counts nothing", "rare": "", "none": "in no document",
    }  # fmt: skip
    found, _ = scores("common", texts)
    assert set(found.values()) == {0.0}
    assert notes("common rare", texts, idf="lucene") == {"common": "", "rare": ""}


def test_a_word_of_more_than_half_of_the_documents_counts_a_quarter_of_the_average_and_says_so():
    from rank_bm25 import BM25Okapi

    texts = ["common a b", "common c d", "common e f", "g h"]
    library = BM25Okapi([words(text) for text in texts])
    assert library.idf["common"] == pytest.approx(0.25 * library.average_idf)
    assert notes("common", texts) == {"common": "in more than half of the documents: counts a quarter of the average"}


@given(
    st.lists(st.text(st.sampled_from("abc de"), max_size=30), min_size=1, max_size=8),
    st.text(st.sampled_from("abc de")),
)
def test_contributions_of_the_query_terms_sum_to_the_score(texts, query):
    _, ranking = scores(query, texts)
    for item in ranking:
        assert math.fsum(part.value for part in item.explanation.contributions) == pytest.approx(item.score, abs=1e-12)


@given(
    st.lists(st.text(st.sampled_from("abc de"), max_size=30), min_size=1, max_size=8),
    st.text(st.sampled_from("abc de")),
)
def test_scores_equal_the_library_where_its_floor_is_positive(texts, query):
    from rank_bm25 import BM25Okapi

    pool = [words(text) for text in texts]
    if not any(pool):
        return
    library = BM25Okapi(pool)
    if library.average_idf < 0:
        return
    found, _ = scores(query, texts)
    for index, value in enumerate(library.get_scores(words(query))):
        assert found[index] == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("texts", [[], [""], ["", ""], ["   "], ["one"], ["same", "same", "same"], ["...", "!!!"]])
@pytest.mark.parametrize("idf", ["okapi", "lucene"])
def test_empty_single_and_near_duplicate_pools_give_no_error_and_no_negative_score(texts, idf):
    found, ranking = scores("one same", texts, idf=idf)
    assert ranking.outcome == "complete"
    assert all(value >= 0 for value in found.values())


def test_lucene_formula_is_as_published():
    texts = ["apple pear", "apple", "plum fig", "fig"]
    found, _ = scores("apple", texts, idf="lucene", k1=1.2, b=0)
    idf = math.log(1 + (4 - 2 + 0.5) / (2 + 0.5))
    assert found[0] == pytest.approx(idf * 1 * (1.2 + 1) / (1 + 1.2))
    assert found[2] == 0


@settings(max_examples=50)
@given(st.permutations(range(8)))
def test_the_order_of_the_input_changes_no_score(order):
    texts = [f"word{at % 3} text{at} " * (at + 1) for at in range(8)]
    plain, _ = scores("word1 text5", texts)
    items = [as_candidates(texts)[at] for at in order]
    shuffled = {item.index: item.score for item in rank(BM25(), items, "word1 text5")}
    assert shuffled == plain


@pytest.mark.parametrize(
    ("query", "texts", "best"),
    [
        ("東京の天気", ["大阪の料理について", "東京の天気は晴れです", "京都の寺"], 1),
        ("CAFÉ", ["tea house", "a small café", "coffee"], 1),
        ("กรุงเทพ", ["เชียงใหม่", "กรุงเทพมหานคร", "ภูเก็ต"], 1),
    ],
)
def test_words_are_found_in_languages_without_spaces_and_in_any_case(query, texts, best):
    _, ranking = scores(query, texts)
    assert ranking.order[0] == best
    assert ranking.items[0].score > 0


def test_a_query_without_words_ties_all_documents_and_says_so():
    _, ranking = scores("?!", ["one", "two"])
    assert {item.tie for item in ranking} == {1}
    assert "no-terms" in {note.code for note in ranking.diagnostics}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("हिन्दी में खोज", ["हिन्दी", "में", "खोज"]),
        ("क्‍ष", ["क्‍ष"]),  # with a joiner
        ("cafe\u0301 noir", ["cafe\u0301", "noir"]),
        ("İstanbul", ["i\u0307stanbul"]),
        ("snow_shoes x²", ["snow", "shoes", "x²"]),
        ("น้ำ ใจ", ["น้", "้ำ", "ใจ"]),
    ],
)
def test_accents_and_vowel_signs_belong_to_their_words(text, expected):
    assert words(text) == expected


@given(st.text(st.characters(max_codepoint=0x2FF), max_size=80))
def test_words_without_marks_are_runs_of_letters_and_digits(text):
    folded = text.casefold()
    expected = "".join(char if char.isalnum() else " " for char in folded).split()
    if not any(unicodedata.category(char).startswith("M") for char in folded):
        assert words(text) == expected
