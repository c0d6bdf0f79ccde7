"""Replies are read as the methods document says, and nothing is made up."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.parsing import parse_grade, parse_order

LISTISH = st.text(st.sampled_from(list('[]0123456789> ,.\n{}"rankingpse:²³①٣</think>-')), max_size=300)


@given(st.one_of(st.text(max_size=400), LISTISH), st.integers(0, 30))
def test_any_text_gives_a_permutation_and_honest_counters_or_no_order(text, count):
    order = parse_order(text, count)
    if order.places is None:
        assert order.missing == ()
        return
    assert sorted(order.places) == list(range(count))
    assert order.places[len(order.places) - len(order.missing) :] == order.missing
    assert list(order.missing) == sorted(order.missing)
    assert len(order.missing) < count
    assert order.duplicates >= 0
    assert order.out_of_range >= 0


@pytest.mark.parametrize(
    ("form", "rule"),
    [
        (lambda p: " > ".join(f"[{i + 1}]" for i in p), "strict"),
        (lambda p: " > ".join(f"[{i + 1}]" for i in p)[1:], "continued"),
        (lambda p: str([i + 1 for i in p]), "strict"),
        (lambda p: '{"ranking": ' + str([i + 1 for i in p]) + "}", "strict"),
        (lambda p: "Sure! " + ", ".join(f"[{i + 1}]" for i in p) + " is my order.", "brackets"),
        (lambda p: ", ".join(str(i + 1) for i in p), "numbers"),
        (lambda p: "\n".join(f"{at}. {i + 1}" for at, i in enumerate(p, 1)), "numbers"),
        (lambda p: "<think>[3] > [1] maybe</think>\n" + " > ".join(f"[{i + 1}]" for i in p), "strict"),
        (lambda p: "```json\n" + str([i + 1 for i in p]) + "\n```", "strict"),
    ],
)
@given(data=st.data())
def test_a_full_order_is_read_exactly_in_every_usual_form(form, rule, data):
    permutation = data.draw(st.permutations(range(12)))
    order = parse_order(form(permutation), 12)
    assert order.places == tuple(permutation)
    assert order.rule == rule
    assert not order.mended


@pytest.mark.parametrize(
    "refusal",
    [
        "20 passages have been provided.",
        "I cannot rank these 3 passages as I lack 2 things.",
        "As of 2024, the answer is 7.",
        "",
        "   \n",
        "A",
        "null",
        "{}",
        '{"ranking": []}',
        '{"ranking": "none"}',
    ],
)
def test_digits_of_a_refusal_are_not_a_ranking(refusal):
    assert parse_order(refusal, 20).places is None


def test_a_numbered_line_holding_a_list_is_one_list():
    order = parse_order("1. [14] > [15]", 20)
    assert order.places is not None
    assert order.places[:2] == (13, 14)


def test_repeats_and_strangers_are_dropped_and_counted_and_the_missing_follow_in_order():
    order = parse_order("[3] > [9] > [3] > [0] > [1]", 5)
    assert order.places == (2, 0, 1, 3, 4)
    assert (order.duplicates, order.out_of_range, order.missing) == (1, 2, (1, 3, 4))
    assert order.mended


@pytest.mark.parametrize("digit", ["²", "③", "３", "٣"])
def test_unicode_digits_do_not_crash(digit):
    parse_order(f"[{digit}] > [1]", 3)


@given(st.text(max_size=400), st.integers(1, 100))
def test_a_grade_is_within_its_scale_or_absent_with_a_reason(text, top):
    grade = parse_grade(text, top)
    assert (grade.score is None) == bool(grade.problem)
    assert grade.score is None or 0 <= grade.score <= top


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ('{"reason": "r", "quotes": ["q"], "score": 7}', 7),
        ('```json\n{"score": 7}\n```', 7),
        ("\n```\n7\n\n```  \n", 7),
        ("7", 7),
        ("Score: 7/10. It answers the question.", 7),
        ("I would give it 7 out of 10.", 7),
        ("**Relevance score:** 6.5", 6.5),
        ("Score (0-10): 8", 8),
        ("Relevance (0\u201310): 8", 8),
        ("Score (1-10): 8", 8),
        ("**Score** (0 to 10): 8/10", 8),
        ("Rating [0-10] = 8", 8),
        ("Score (8): it fits", 8),
        ("Score (8/10)", 8),
        ("Score - 8", 8),
        ("Score: 8. In short: 8/10.", 8),
        ('I see {braces}. {"score": 8}', 8),
        ('{"score": "８"}', 8),
    ],
)
def test_a_stated_grade_is_read(text, score):
    assert parse_grade(text, 10).score == score


@pytest.mark.parametrize(
    "text",
    ["", "11", "-1", "Score: 12", "3/5", "Score: 3. Score: 4.", '{"score": null}', '{"score": NaN}', '{"score": true}',
     "I read 7 passages", "7/20 because", "Score: -3", "Score: \u22123", "Score (0-10): -3", "Score: 0-10",
     "Score 7 to 8", "7-8/10", "between 7 to 8/10", "Score (0-5): 4", "Score (out of 5): 4",
     "Score (10 is best). I read 7 passages",
     '{"score": 3} or rather {"score": 4}'],
)  # fmt: skip
def test_a_grade_that_is_not_stated_is_never_replaced_by_a_default(text):
    assert parse_grade(text, 10).score is None


@pytest.mark.parametrize(
    "text",
    [
        '[3] > [2] > [1]\n{"ranking": [1, 2, 3]}',
        "[3] > [2] > [1]\n\nPassage [1] says {nothing}.",
        'My order: {"ranking": [3, 2, 1]}',
        '[3] {"note": 1} {"ranking": [3, 2, 1]}',
        '{"ranking": "[3] > [2] > [1]"}',
        '{"ranking": ["[³]", "２", 1]}',
        "[3] > [2]\n> [1]",
        "[3] > [2]\n[1]",
        " [3, 2, 1]\n",
    ],
)
def test_a_brace_or_a_list_does_not_hide_the_order_that_is_stated(text):
    order = parse_order(text, 3)
    assert order.places == (2, 1, 0)
    assert not order.mended


@pytest.mark.parametrize("rest", [' > [2] > {"a": 1}', " is best, {really}", "\n{}"])
def test_a_first_identifier_is_no_list_of_one(rest):
    assert parse_order("[3]" + rest, 3).rule == "brackets"


@pytest.mark.parametrize(
    "text",
    [
        '{"ranking": [{"passage": 2, "reason": "better than [3]',
        '{"ranking": [2, "see [3]"]}',
        '{"ranking": [], "reason": "[1] and [2] are alike"}',
    ],
)
def test_numbers_inside_a_broken_json_ranking_are_not_an_order(text):
    assert parse_order(text, 3).places is None


VERBATIM = "10² m of H₂O, ﬁne ＂as is＂"


def test_reasons_and_quotes_are_given_word_for_word():
    grade = parse_grade(json.dumps({"reason": VERBATIM, "quotes": [VERBATIM], "score": 8}, ensure_ascii=False), 10)
    assert (grade.score, grade.reason, grade.quotes) == (8, VERBATIM, (VERBATIM,))
    assert parse_grade(f"Score: 8. {VERBATIM}", 10).reason == f"Score: 8. {VERBATIM}"
    entries = [{"passage": 2, "reason": VERBATIM}, {"passage": 1, "reason": ""}]
    order = parse_order(json.dumps({"ranking": entries}, ensure_ascii=False), 2)
    assert (order.places, order.reasons) == ((1, 0), {1: VERBATIM})
