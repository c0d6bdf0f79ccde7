"""Refusals, length stops, empty replies and chatter give no answer, and are told apart."""

from itertools import cycle

import pytest

from reranking.replies import Choices, Receipt, Text
from reranking.requests import Choose
from reranking.strategies.catalogue import fill_model, make
from reranking.strategies.unread import counted, noted, problem, why
from tests.oracles import Scripted
from tests.providers.fake_openai import LOCAL, completion, model
from tests.providers.fakes import Script
from tests.support import rank

BAD = {
    "refusal": {"text": "I would rather not.", "finish": "refusal"},
    "cut-off": {"text": "Let me think about", "finish": "length"},
    "empty": {"text": " \n"},
    "other": {"text": "Both are fine."},
}
SAID = {
    "refusal": "declined to answer",
    "cut-off": "cut off at",
    "empty": "empty",
    "other": "neither|none of the documents|no usable grade|no order|no grade",
}
CODES = {"refusal", "cut-off", "unusable-reply"}
CHOOSING = ["pairwise-all", "pairwise-sort", "pairwise-random", "setwise", "yes-no", "grade(mode='expected')"]
WRITING = ["grade", "listwise", "listwise-window", "tournament", "aspects"]


def bad(request, reason):
    if isinstance(request, Choose):
        return Choices(logprobs=(None,) * len(request.choices), by="generated", **BAD[reason])
    return Text(**BAD[reason])


def ranked(spec, asked, count=4):
    return rank(fill_model(make(spec), asked, asked.answers), count)


@pytest.mark.parametrize("spec", [*CHOOSING, *WRITING])
@pytest.mark.parametrize("reason", BAD)
def test_why_nothing_was_answered_is_said_and_nothing_else(spec, reason):
    ranking = ranked(spec, Scripted(lambda request, number: bad(request, reason)))
    assert ranking.outcome == "failed"
    said = " ".join(note.message for note in ranking.diagnostics if note.code in CODES)
    for other, words in SAID.items():
        assert any(word in said for word in words.split("|")) is (other == reason)


@pytest.mark.parametrize("spec", ["pairwise-all", "pairwise-random", "setwise", "yes-no"])
def test_of_mixed_replies_each_reason_has_a_note_of_its_own_with_its_documents(spec):
    reasons, given = cycle(BAD), {reason: [] for reason in BAD}

    def mixed(request, number):
        if number % 3:
            return Choices(logprobs=tuple(-float(at) for at in range(len(request.choices))))
        reason = next(reasons)
        given[reason].append(request.shown)
        return bad(request, reason)

    ranking = ranked(spec, Scripted(mixed), 12)
    assert ranking.outcome == "partial"
    for reason, shown in given.items():
        notes = [note for note in ranking.diagnostics if any(word in note.message for word in SAID[reason].split("|"))]
        assert notes
        named = {index for note in notes for index in note.indexes}
        assert named <= {index for each in shown for index in each}
        if spec != "pairwise-random":  # which names only those that are left without a score
            assert named == {index for each in shown for index in each}


def test_a_servers_replies_without_a_choice_are_told_apart_in_the_ranking():
    replies = {
        "refusal": completion(None, refusal="I cannot help."),
        "cut-off": completion("I would say", "length"),
        "empty": completion(""),
        "other": completion("Both."),
    }
    for reason, reply in replies.items():
        ranking = ranked("pairwise-all", model(Script(reply), base_url=LOCAL))
        (note,) = [note for note in ranking.diagnostics if note.code != "no-logprobs"]
        assert any(word in note.message for word in SAID[reason].split("|"))
        assert note.raw


def test_how_often_is_counted_and_the_note_holds_a_reply():
    def reply(raw, **values):
        return Choices(logprobs=(None, None), receipt=Receipt(raw=raw), **values)

    unread = [
        ((3, 1), reply("b", text="")),
        ((0, 1), reply("a", text="")),
        ((2, 4), reply("c", finish="refusal", text="")),
        ((2, 5), reply("d")),
    ]
    declined, empty, other = counted(unread, "said neither A nor B", "such comparisons count as ties")
    assert (empty.code, empty.indexes, empty.raw) == ("unusable-reply", (0, 1, 3), "a")
    assert empty.message == "2 replies are empty; such comparisons count as ties."
    assert (declined.code, declined.indexes) == ("refusal", (2, 4))
    assert declined.message.startswith("The model declined to answer once;")
    assert other.message.startswith("1 answer said neither A nor B;")
    assert counted([], "said neither") == []


@pytest.mark.parametrize("reason", BAD)
def test_the_reason_is_the_same_for_a_text_and_for_a_choice(reason):
    text, choice = Text(**BAD[reason]), Choices(logprobs=(None, None), **BAD[reason])
    assert why(text) == why(choice) == reason
    assert (problem(text, "otherwise") == "otherwise") is (reason == "other")
    assert noted(text, "otherwise").message[0].isupper()


def test_what_is_not_known_to_be_empty_is_not_called_so():
    assert why(Choices(logprobs=(None, None))) == "other"
