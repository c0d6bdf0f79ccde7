"""Grades and yes/no: what counts, what does not, and what is said about it."""

import json
import math

import pytest

from reranking.documents import Document, as_candidates
from reranking.ranking import Choice
from reranking.replies import Choices, Text
from reranking.strategies.grade_all import GradeAll
from reranking.strategies.pointwise import Grade, YesNo
from tests.oracles import Scripted
from tests.support import rank


def by_document(answers):
    return Scripted(lambda request, number: answers[request.shown[0]])


@pytest.mark.parametrize(
    ("logprobs", "score"),
    [
        ((math.log(0.6), math.log(0.2)), 0.75),
        ((math.log(0.6), None), 1.0),
        ((None, math.log(0.2)), 0.0),
        ((None, None), None),
        ((-800.0, -800.0), 0.5),
        ((-900.0, -800.0), 0.0),
    ],
)
def test_yes_no_scores_p_yes_over_both_and_an_answer_that_was_not_returned_counts_zero(logprobs, score):
    ranking = rank(YesNo(model=by_document([Choices(logprobs=logprobs), Choices(logprobs=(0.0, -1.0))])), 2)
    found = {item.index: item.score for item in ranking}[0]
    assert found == (None if score is None else pytest.approx(score))


def test_a_model_without_logprobs_scores_one_or_zero_and_the_ranking_says_so():
    replies = [
        Choices(logprobs=(None, 0.0), by="generated"),
        Choices(logprobs=(0.0, None), by="generated"),
        Choices(logprobs=(None, None), by="generated"),
    ]
    ranking = rank(YesNo(model=by_document(replies)), 3)
    assert [(item.index, item.score) for item in ranking] == [(1, 1.0), (0, 0.0), (2, None)]
    assert ranking.score_kind == "written yes (1) or no (0)"
    assert ranking.outcome == "partial"
    assert {"no-logprobs", "unusable-reply"} <= {note.code for note in ranking.diagnostics}


def test_how_the_model_chose_is_kept_with_the_document():
    replies = [
        Choices(logprobs=(math.log(0.6), math.log(0.2))),
        Choices(logprobs=(math.log(0.6), None)),
        Choices(logprobs=(None, 0.0), by="generated"),
        Choices(logprobs=(None, None)),
    ]
    ranking = rank(YesNo(model=by_document(replies)), 4)
    kept = {item.index: item.explanation and item.explanation.choices for item in ranking}
    assert kept == {
        0: (Choice("yes", pytest.approx(0.6)), Choice("no", pytest.approx(0.2))),
        1: (Choice("yes", pytest.approx(0.6)), Choice("no", None)),
        2: (Choice("no", None, written=True),),
        3: None,
    }


def test_the_expected_grade_keeps_the_probability_of_every_grade():
    logprobs = (math.log(0.25), None, math.log(0.75), None)
    ranking = rank(Grade(model=by_document([Choices(logprobs=logprobs)]), mode="expected", top=3), 1)
    kept = ranking.items[0].explanation.choices
    assert [(choice.text, choice.probability) for choice in kept] == [
        ("0", pytest.approx(0.25)), ("1", None), ("2", pytest.approx(0.75)), ("3", None),
    ]  # fmt: skip


def test_the_expected_grade_is_the_mean_over_the_returned_probabilities():
    logprobs = (math.log(0.25), None, math.log(0.75), None)
    ranking = rank(Grade(model=by_document([Choices(logprobs=logprobs)]), mode="expected", top=3), 1)
    assert ranking.items[0].score == pytest.approx(1.5)
    assert ranking.score_kind == "expected grade out of 3"


def test_an_unreadable_grade_leaves_the_document_unscored_below_the_scored_ones():
    replies = [
        Text(text="I'd rather not say"),
        Text(text='{"score": 2, "reason": "weak", "quotes": []}'),
        Text(text=""),
    ]
    ranking = rank(Grade(model=by_document(replies)), 3)
    assert [(item.index, item.score) for item in ranking] == [(1, 2.0), (0, None), (2, None)]
    assert ranking.items[1].tie == ranking.items[2].tie
    assert ranking.outcome == "partial"
    assert [note.raw for note in ranking.diagnostics] == ["I'd rather not say", ""]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Text(text="no", finish="refusal"), "declined"),
        (Text(text='{"reason": "it', finish="length"), "length limit"),
        (Text(text='{"score": 99}'), "outside 0 to 10"),
    ],
)
def test_the_reason_why_a_reply_gave_nothing_is_told_apart(reply, said):
    ranking = rank(Grade(model=by_document([reply])), 1)
    assert ranking.outcome == "failed"
    assert said in ranking.diagnostics[0].message


def test_quotes_are_checked_against_the_document_and_an_invented_one_is_marked():
    text = "The kettle boils at sea level in four minutes."
    quotes = ["boils at sea level", "never boils at all"]
    reply = Text(text=json.dumps({"reason": "r", "quotes": quotes, "score": 5}))
    ranking = rank(Grade(model=by_document([reply])), as_candidates([text]))
    first, second = ranking.items[0].explanation.quotes
    assert text[first.start : first.end] == "boils at sea level"
    assert (second.start, second.end) == (None, None)


def test_a_grade_read_from_text_is_marked_as_repaired():
    ranking = rank(Grade(model=by_document([Text(text="Score: 7/10, it fits.")])), 1)
    assert (ranking.outcome, ranking.items[0].score) == ("repaired", 7.0)


def test_documents_are_cut_at_the_word_limit_and_the_ranking_says_which():
    model = Scripted(lambda request, number: Choices(logprobs=(-0.1, -1.0)))
    items = as_candidates([Document("short"), Document("one two three four five six")])
    ranking = rank(YesNo(model=model, passage_words=3), items)
    cut = [note for note in ranking.diagnostics if note.code == "truncated"]
    assert [note.indexes for note in cut] == [(1,)]


def test_the_title_is_shown_only_if_asked_for():
    prompts = []
    model = Scripted(
        lambda request, number: (prompts.append(request.messages[1].text), Choices(logprobs=(0.0, -1.0)))[1]
    )
    for show in (True, False):
        rank(YesNo(model=model, show_title=show), as_candidates([Document("body", title="HEADLINE")]))
    assert ["HEADLINE" in prompt for prompt in prompts] == [True, False]


WRITTEN = Choices(logprobs=(None, None, 0.0, None), by="generated")
WEIGHED = Choices(logprobs=(math.log(0.25), None, math.log(0.75), None))


@pytest.mark.parametrize(
    ("replies", "kind", "said"),
    [
        ([WRITTEN, WRITTEN], "grade out of 3", "The model gives no log-probabilities; the grade"),
        ([WEIGHED, WRITTEN], "expected or written grade out of 3", "For 1 of 2 documents"),
        ([WEIGHED, WEIGHED], "expected grade out of 3", None),
    ],
)
def test_a_written_grade_is_never_called_an_expected_one(replies, kind, said):
    ranking = rank(Grade(model=by_document(replies), mode="expected", top=3), 2)
    notes = [note for note in ranking.diagnostics if note.code == "no-logprobs"]
    assert ranking.score_kind == kind
    assert len(notes) == (said is not None)
    for note in notes:
        assert said in note.message
        assert note.indexes == tuple(at for at, reply in enumerate(replies) if reply is WRITTEN)


def test_written_and_weighed_answers_in_one_ranking_are_told_apart():
    replies = [Choices(logprobs=(0.0, None), by="generated"), Choices(logprobs=(-1.0, -2.0))]
    ranking = rank(YesNo(model=by_document(replies)), 2)
    assert ranking.score_kind == "probability, or written yes (1) or no (0)"
    assert [note.indexes for note in ranking.diagnostics if note.code == "no-logprobs"] == [(0,)]


@pytest.mark.parametrize(("top", "hint"), [(10, True), (9, False)])
def test_a_grade_that_no_token_tells_is_unscored_with_what_to_do(top, hint):
    reply = Choices(logprobs=(None,) * (top + 1))
    ranking = rank(Grade(model=by_document([reply]), mode="expected", top=top), 1)
    assert ranking.outcome == "failed"
    assert "no usable grade among the answers" in ranking.diagnostics[0].message
    assert ("needs top <= 9" in ranking.diagnostics[0].message) == hint


def quoted(quotes, document, **options):
    reply = Text(text=json.dumps({"reason": "r", "quotes": quotes, "score": 5}))
    return rank(Grade(model=by_document([reply]), **options), as_candidates([document]))


def test_a_quote_from_beyond_the_cut_is_not_something_the_model_read():
    ranking = quoted(["one two", "five six"], Document("one two three four five six"), passage_words=4)
    first, second = ranking.items[0].explanation.quotes
    assert (first.start, first.end) == (0, 7)
    assert (second.start, second.end) == (None, None)


def test_a_quote_from_the_title_has_no_place_in_the_text_but_is_no_invention():
    document = Document("the body", title="A fine headline")
    ranking = quoted(["fine headline", "the body", "made up"], document)
    assert [quote.start for quote in ranking.items[0].explanation.quotes] == [None, 0, None]
    (note,) = ranking.diagnostics
    assert (note.code, note.data["quotes"]) == ("quote-from-title", ["fine headline"])
    assert ranking.outcome == "complete"
    assert quoted(["fine headline"], document, show_title=False).diagnostics == ()


@pytest.mark.parametrize(
    ("strategy", "reply"),
    [
        (Grade(reasons=False), '{"score": 7}'),
        (GradeAll(reasons=False), '{"grades": [{"passage": 1, "score": 7}, {"passage": 2, "score": 7}]}'),
    ],
)
def test_a_grade_without_reasons_asks_for_none_and_a_bare_grade_is_a_whole_reply(strategy, reply):
    asked = []
    oracle = Scripted(lambda request, number: asked.append(request) or Text(text=reply))
    ranking = rank(strategy.model_copy(update={"model": oracle}), 2)
    assert ranking.outcome == "complete"
    assert {item.score for item in ranking} == {7}
    assert asked
    for request in asked:
        assert "reason" not in request.schema
        assert not any("sentence" in message.text for message in request.messages)
