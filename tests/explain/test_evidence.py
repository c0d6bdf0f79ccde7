"""What is said of a document's place is in the ranking, and nothing else is said."""

import re

from reranking.documents import as_candidates
from reranking.explain.evidence import because, choices
from reranking.explain.quotes import check_quotes
from reranking.ranking import Choice, Contribution, Diagnostic, Explanation, by_order, by_score, failed
from reranking.strategies.lexical import BM25
from tests.support import rank

ITEMS = as_candidates(["apple pie with cinnamon", "motor oil"])


def scored(*explanations, scores=(2.0, 1.0), **more):
    return by_score(ITEMS, scores, "points", explanations=explanations or None, **more)


def test_a_score_with_parts_is_told_with_its_largest_parts():
    values = {"pie": 0.5, "apple": 8.25, "a": 0.0, "the": 0.35}
    parts = tuple(Contribution(part, value) for part, value in values.items())
    ranking = scored(Explanation(contributions=parts), None, scores=(9.1, 1.0))
    assert because(ranking, 0) == (
        "score 9.100 (points), of which 8.250 from “apple”, 0.500 from “pie” and 0.350 from “the”",
    )


def test_smaller_parts_are_counted_and_what_a_part_matched_is_named():
    parts = [Contribution(word, value, "match") for word, value in zip("abcde", (5, 4, -3, 2, 1), strict=True)]
    (told,) = because(scored(Explanation(contributions=tuple(parts)), None), 0)
    assert "5.000 from “a” (match)" in told
    assert "-3.000 from “c”" in told
    assert told.endswith("; 2 smaller parts")


def test_a_score_of_nothing_names_what_gave_nothing():
    ranking = scored(None, Explanation(contributions=(Contribution("apple", 0.0), Contribution("pie", 0.0))))
    assert because(ranking, 1) == ("score 1.000 (points), nothing from “apple” and “pie”",)


def test_a_word_that_counts_nothing_says_why():
    common = Contribution("pie", 0.0, note="in half of the documents or more: counts nothing")
    ranking = scored(None, Explanation(contributions=(Contribution("apple", 0.0), common)))
    assert because(ranking, 1) == (
        "score 1.000 (points), nothing from “apple” and “pie” (in half of the documents or more: counts nothing)",
    )


def test_how_the_model_chose_is_told_the_likeliest_first():
    yes_no = Explanation(choices=(Choice("yes", 0.2), Choice("no", 0.7)))
    assert because(scored(yes_no, None), 0)[1] == "probability of “no” 0.700 and “yes” 0.200"
    lacking = Explanation(choices=(Choice("yes", 0.2), Choice("no", None)))
    assert choices(lacking) == "probability of “yes” 0.200 and “no” not returned"
    grades = Explanation(choices=tuple(Choice(str(at), at / 100) for at in range(11)))
    assert choices(grades) == "probability of “10” 0.100, “9” 0.090, “8” 0.080 and “7” 0.070; 7 less likely"
    written = Explanation(choices=(Choice("yes", None, written=True),))
    assert choices(written) == "it wrote “yes”, without a probability"
    assert choices(None) == choices(Explanation("why")) == ""


def test_a_bare_score_stands_beside_the_highest():
    assert because(scored(), 0) == ("score 2.000 (points), the highest",)
    assert because(scored(), 1) == ("score 1.000 (points), the highest is 2.000",)


def test_reason_and_quotes_are_told_and_a_quote_that_is_not_in_the_text_is_not_passed_off_as_one():
    quotes = check_quotes(ITEMS[0].text, ["with cinnamon", "with sugar"])
    told = because(scored(Explanation("It is about pie.", quotes), None), 0)
    assert "its reason: “It is about pie.”" in told
    assert "it quotes “with cinnamon”" in told
    assert "1 of its 2 quotes is not in the text" in told
    assert not any("with sugar" in piece for piece in told)


def test_an_order_without_reasons_says_that_there_is_none():
    assert because(by_order(ITEMS, [1, 0]), 0) == ("it gives an order and no reason",)


def test_an_unscored_document_is_told_as_such_and_a_failed_ranking_places_nothing():
    assert "no score" in because(scored(scores=(None, 1.0)), 0)[0]
    assert because(failed(ITEMS, []), 0) == ("it failed and gives no order",)


def test_a_note_on_the_document_counts_and_one_on_others_does_not():
    notes = [Diagnostic("missing", "The reply left it out.", (1,)), Diagnostic("cut", "All were cut.", tuple(range(9)))]
    ranking = by_order(ITEMS, [0, 1], diagnostics=notes)
    assert because(ranking, 1) == ("note: The reply left it out.",)
    assert because(ranking, 0) == ("it gives an order and no reason",)


def test_the_words_told_of_bm25_sum_up_to_its_score():
    ranking = rank(BM25(), as_candidates(["apple pie with cinnamon", "pear", "plum", "clock"]), "apple cinnamon pie")
    (told,) = because(ranking, 0)
    total, *parts = map(float, re.findall(r"\d+\.\d+", told))
    assert abs(total - sum(parts)) < 0.002
