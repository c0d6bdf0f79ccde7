"""Many grades in one reply, and grades by aspect: read honestly, whatever the text."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.parsing import parse_grades, parse_parts

GRADISH = st.text(st.sampled_from(list('[]0123456789> ,.:/\n{}"|*-passagescoregradesreasonDoc²③٣')), max_size=300)
PIECES = st.lists(
    st.sampled_from(
        ['{"grades": [', '{"passage": 1, "reason": "r", "score": 7}', '{"passage": "[2]", "score": "3/10"}', ", ", "]}",
         '{"passage": 9, "score": 1}', '{"passage": 2, "score": 99}', "Doc 1: 8/10 - why\n", "[2] 3\n", "[3]\nScore: 4",
         "1. 7\n", "| 2 | 5 | ok |\n", "```json\n", "```", "</think>", "\n", "[", "{", '"', "7"]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@given(st.one_of(st.text(max_size=400), GRADISH, PIECES), st.integers(0, 6), st.integers(1, 100))
def test_any_text_gives_grades_on_the_scale_and_honest_counters(text, count, top):
    grades = parse_grades(text, count, top)
    assert len(grades.scores) == len(grades.reasons) == count
    assert all(score is None or 0 <= score <= top for score in grades.scores)
    scored = {place for place, score in enumerate(grades.scores) if score is not None}
    parts = [scored, set(grades.off_scale), set(grades.missing)]
    assert set().union(*parts) == set(range(count))
    assert sum(map(len, parts)) == count
    assert min(grades.duplicates, grades.out_of_range) >= 0
    if grades.rule is None:
        assert not scored | set(grades.off_scale)
        assert not grades.mended


ENTRIES = st.lists(
    st.tuples(st.integers(-1, 8), st.one_of(st.integers(-2, 13), st.none(), st.text(max_size=3)), st.text(max_size=8)),
    max_size=12,
)


@given(ENTRIES, st.integers(0, 6))
def test_every_entry_of_the_form_is_a_grade_a_duplicate_off_the_scale_or_of_no_document(entries, count):
    form = {"grades": [{"passage": at, "reason": why, "score": score} for at, score, why in entries]}
    grades = parse_grades(json.dumps(form), count, 10)
    first = {}
    for at, score, why in entries:
        first.setdefault(at, (score, why))
    for place in range(count):
        score, why = first.get(place + 1, (None, ""))
        if isinstance(score, int):
            assert grades.scores[place] == (score if 0 <= score <= 10 else None)
        if grades.scores[place] is not None:
            assert grades.reasons[place] == (why.strip() or None)
        assert (place in grades.missing) == (place + 1 not in first)
    named = count - len(grades.missing)
    assert named + grades.duplicates + grades.out_of_range == len(entries)
    assert grades.out_of_range == sum(not 1 <= at <= count for at, _, _ in entries)


def pairs(permutation):
    return [(place + 1, (3 * place) % 11) for place in permutation]


@pytest.mark.parametrize(
    ("form", "rule"),
    [
        (lambda g: json.dumps({"grades": [{"passage": a, "reason": "r", "score": s} for a, s in g]}), "form"),
        (lambda g: json.dumps([{"passage": a, "score": s, "reason": "r"} for a, s in g]), "form"),
        (lambda g: "```json\n" + json.dumps({"grades": [{"passage": a, "score": s} for a, s in g]}) + "\n```", "form"),
        (lambda g: json.dumps({"ranking": [{"passage": f"[{a}]", "score": s} for a, s in g]}), "entries"),
        (lambda g: "\n".join(json.dumps({"passage": a, "score": str(s)}) for a, s in g), "entries"),
        (lambda g: "\n".join(f"Doc {a}: {s}/10 - it mentions 3 things, 5/5." for a, s in g), "text"),
        (lambda g: "\n\n".join(f"[{a}]\nScore: {s}\nReason: it is so" for a, s in g), "text"),
        (lambda g: "Here you are:\n" + "\n".join(f"- **Passage {a}**: {s} - it is so" for a, s in g), "text"),
        (lambda g: "\n".join(f"{at}. [{a}] {s}/10" for at, (a, s) in enumerate(g, 1)), "text"),
        (lambda g: "\n".join(f"[{a}] {s}" for a, s in g), "text"),
        (lambda g: "\n".join(f"{a}. {s}/10: why" for a, s in g), "text"),
        (lambda g: "| Passage | Score |\n|---|---|\n" + "\n".join(f"| {a} | {s} | why |" for a, s in g), "text"),
    ],
)
@given(data=st.data())
def test_all_grades_are_read_exactly_in_every_usual_form(form, rule, data):
    given_pairs = pairs(data.draw(st.permutations(range(12))))
    grades = parse_grades(form(given_pairs), 12, 10)
    assert {place + 1: score for place, score in enumerate(grades.scores)} == dict(given_pairs)
    assert grades.rule == rule
    assert (grades.duplicates, grades.out_of_range, grades.off_scale, grades.missing) == (0, 0, (), ())
    assert grades.mended == (rule != "form")


@pytest.mark.parametrize(
    "text",
    ["", "I cannot grade passages [1] and [2].", "20 passages have been provided.", "[2] > [1]", "null", "{}",
     '{"grades": []}', '{"grades": {"1": 7}}', "[1] 3 kettles are described\n[2] 4 more", "Passage 1 is from 1984.",
     "[1] is better than [2], 7 times", "1984: a novel", "[1] 3-5\n[2] 7 to 8", "[1] 80%", "[1] 7, 8 and 9 are odd"],
)  # fmt: skip
def test_numbers_in_a_refusal_or_in_prose_are_no_grades(text):
    grades = parse_grades(text, 2, 10)
    assert grades.scores == (None, None)
    assert grades.off_scale == ()
    assert grades.missing == (0, 1)


@pytest.mark.parametrize(
    "text",
    ["[1] -3", "[1] \u22123", "[1]: 11", "Doc 1: 4/5 - good", "[1]\nScore: 3\nNo, score: 4",
     '{"grades": [{"passage": 1, "score": 4.5e400}]}', '{"grades": [{"passage": 1}]}',
     '{"grades": [{"passage": 1, "score": true}]}', '{"grades": [{"passage": 1, "score": "4/5"}]}'],
)  # fmt: skip
def test_a_grade_off_the_scale_is_never_replaced_or_rescaled(text):
    grades = parse_grades(text, 1, 10)
    assert grades.scores == (None,)
    assert grades.off_scale == (0,)


def test_reasons_are_given_word_for_word():
    verbatim = "10² m of H₂O, ﬁne – ＂as is＂."
    form = json.dumps({"grades": [{"passage": 1, "reason": verbatim, "score": 8}]}, ensure_ascii=False)
    for text in (form, f"Doc 1: 8/10 – {verbatim}\n\n", f"[1] 8\n{verbatim}"):
        assert parse_grades(text, 1, 10).reasons == (verbatim,)


def test_a_cut_off_list_keeps_what_is_whole_and_nothing_from_inside_a_reason():
    inner = json.dumps({"passage": 2, "score": 10})
    whole = json.dumps({"passage": 1, "reason": f"it says {inner}", "score": 3})
    grades = parse_grades('{"grades": [' + whole + ', {"passage": 2, "reason": "beca', 2, 10)
    assert grades.scores == (3.0, None)
    assert (grades.rule, grades.missing) == ("entries", (1,))


ASPECTS = [("score_1", "Direct answer", 5), ("score_2", "Completeness", 3)]


@given(st.one_of(st.text(max_size=300), GRADISH, st.text(st.sampled_from(list('{}":, 0123score_12D')), max_size=60)))
def test_parts_are_all_there_or_a_problem_says_why_not(text):
    parts = parse_parts(text, ASPECTS)
    assert (parts.scores is None) == bool(parts.problem)
    if parts.scores is not None:
        assert all(0 <= score <= top for score, (_, _, top) in zip(parts.scores, ASPECTS, strict=True))


@pytest.mark.parametrize(
    ("text", "scores", "mended"),
    [
        ('{"reason": "r", "score_1": 4, "score_2": 0}', (4, 0), False),
        ('Sure.\n```json\n{"score_1": "4", "score_2": 2.5}\n```', (4, 2.5), False),
        ('<think>{"score_1": 1, "score_2": 1}</think>{"score_1": 4, "score_2": 2}', (4, 2), False),
        ('{"grades": {"score_1": 4, "score_2": 2}}', (4, 2), False),
        ('{"score_1": 4, "score_2": 2} and again {"score_1": 4, "score_2": 2}', (4, 2), False),
        ('{"direct answer": 4, "COMPLETENESS": 2, "other": 9}', (4, 2), True),
        ('{"Direct-Answer": 4}', None, False),
        ('{"score_1": 4, "Completeness": 2}', None, False),
        ('{"score_1": 4, "score_2": 2} or {"score_1": 5, "score_2": 2}', None, False),
    ],
)
def test_parts_are_read_under_their_keys_or_their_names(text, scores, mended):
    parts = parse_parts(text, ASPECTS)
    assert (parts.scores, parts.mended) == (scores, mended)
