"""What is shown of a model call is what was recorded: nothing is made up, and no text becomes markup."""

import re
from dataclasses import replace
from html import unescape
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reranking.replies import Choices, Failed, LogLikelihood, Receipt, Scores, Text
from reranking.store.calls import CallRow
from reranking.ui.calls import calls

ROW = CallRow(
    id=1, position=0, repetition=0, model="p:m", kind="generate", task="grade", shown=(3,),
    request=[[["system", "You grade."], ["user", "Passage"]], None, 1024], source="sent", reply=Text(text="7"),
    failed=None, raw="", answered_by="m-2026", sent={"temperature": 0}, input_tokens=120, output_tokens=3,
    reasoning_tokens=None, cost_usd=0.0004, retries=2, started=0.0, seconds=0.25,
)  # fmt: skip
TAGS = {"div", "details", "summary", "b", "table", "tbody", "tr", "td", "pre"}


def text_of(shown):
    return unescape(re.sub(r"<[^>]*>", " ", shown))


def facts(row, index=3):
    return facts_of(calls([row], index))


def facts_of(shown):
    return {name: unescape(value) for name, value in re.findall("<tr><td>(.*?)</td><td>(.*?)</td></tr>", shown)}


def test_everything_recorded_of_a_call_is_shown():
    found, shown = facts(ROW), text_of(calls([ROW], 3))
    assert found["model asked"] == "p:m"
    assert found["model that answered"] == "m-2026"
    assert found["parameters sent"] == "temperature = 0"
    assert found["tokens"] == "120 in, 3 out"
    assert found["cost"] == "$0.00040"
    assert found["retries"] == "2"
    for words in ("You grade.", "Passage", "7", "250\xa0ms", "sent to the model"):
        assert words in shown


def test_a_schema_that_went_into_the_prompt_is_said_to_have_been_sent_there():
    row = replace(ROW, request=[[["user", "Passage"]], '{"type": "object"}', 1024])
    assert "sent as words of the prompt" not in calls([row], 3)
    assert "sent as words of the prompt" in calls([replace(row, sent={"schema_in_prompt": True})], 3)


def test_a_cached_reply_tells_how_long_the_model_took_when_it_was_sent():
    row = replace(ROW, source="cache", seconds=0.002, reply=Text(text="7", receipt=Receipt(seconds=12.0)))
    assert facts(row)["time of the model"] == "12.0\xa0s"
    assert facts(row)["time, waiting included"] == "2\xa0ms"


def test_the_time_of_a_call_that_was_sent_begins_when_it_leaves_the_line():
    """What it waited for its turn before that is not in it, so the page does not say so."""
    found = facts(ROW)
    assert found["time, retries included"] == "250\xa0ms"
    assert "time, waiting included" not in found
    assert facts(replace(ROW, source="shared"))["time, waiting included"] == "250\xa0ms"


def test_what_is_not_known_is_said_to_be_unknown_and_never_zero():
    found = facts(replace(ROW, cost_usd=None, input_tokens=None, output_tokens=None, answered_by="", sent={}))
    assert found["cost"] == "unknown"
    assert found["tokens"] == "unknown in, unknown out"
    assert found["model that answered"] == "not stated"
    assert found["reasoning tokens"] == "none stated"
    assert found["time of the model"] == "not stated"
    assert found["parameters sent"] == "none stated"
    assert facts(replace(ROW, cost_usd=0.0))["cost"] == "free"


@pytest.mark.parametrize("source", ["cache", "shared"])
def test_a_reply_that_was_not_sent_for_says_where_it_is_from_and_that_it_was_paid_before(source):
    found = facts(replace(ROW, source=source))
    assert found["where from"].startswith({"cache": "reply cache", "shared": "shared"}[source])
    assert found["cost"] == "$0.00040, paid when it was sent"


def test_a_choice_shows_the_probability_of_each_and_one_that_was_written_shows_none():
    row = replace(ROW, kind="choose", request=[[["user", "?"]], ["yes", "no", "maybe"]], task="yes-no",
                  reply=Choices(logprobs=(log(0.6), log(0.0001), None)))  # fmt: skip
    found = facts(row)
    assert (found["p(yes)"], found["p(no)"], found["p(maybe)"]) == ("0.600", "1.0e-04", "not returned")
    written = facts(replace(row, reply=Choices(logprobs=(0.0, None, None), by="generated")))
    assert not [name for name in written if name.startswith("p(")]


def test_a_failed_call_shows_its_code_message_and_raw_reply():
    shown = text_of(calls([replace(ROW, reply=None, failed=Failed("bad-reply", "Odd.", "<x>"), raw="<x>")], 3))
    for words in ("failed: bad-reply", "Odd.", "<x>"):
        assert words in shown


def test_of_a_call_about_many_texts_the_documents_own_text_is_shown():
    texts = ["first", "second", "third"]
    row = replace(ROW, kind="score", shown=(5, 3, 4), request=["the query", texts],
                  reply=Scores(scores=(0.1, 0.75, 0.3), score_kind="logit", cut=(False,) * 3))  # fmt: skip
    shown = text_of(calls([row], 3))
    assert "second" in shown
    assert "first" not in shown
    assert "one of 3" in shown
    assert facts(row)["score of this document"] == "0.75"


def test_a_prompt_that_was_deleted_is_said_to_be_gone():
    assert "not stored any more" in calls([replace(ROW, request=None)], 3)
    choice = replace(ROW, kind="choose", request=None, reply=Choices(logprobs=(0.0,)))
    assert "not stored any more" in calls([choice], 3)


def test_a_single_call_is_open_and_several_are_closed_and_numbered_on():
    assert calls([ROW], 3).count("<details class='rl-call' open>") == 1
    several = calls([ROW, ROW], 3, first=21)
    assert "open>" not in several
    assert re.findall("<b>(.*?)</b>", several) == ["21", "22"]


@given(st.text(st.sampled_from(list("<>&\"'/= abscript\n")), max_size=40))
def test_no_foreign_text_becomes_markup(text):
    rows = [
        replace(ROW, task=text, model=text, answered_by=text, sent={text: text}, raw=text, reply=Text(text=text + "!"),
                request=[[["user", text]], text, 10]),
        replace(ROW, kind="choose", request=[[["user", text]], [text]], reply=Choices(logprobs=(-1.0,))),
        replace(ROW, kind="attend", request=[[text, text]], reply=None, failed=Failed(text, text, text)),
        replace(ROW, kind="likelihood", request=[[["user", text]], text], reply=LogLikelihood(logprob=-3.0, tokens=2)),
        replace(ROW, kind=text, request={text: text}, source=text, reply=None),
    ]  # fmt: skip
    shown = calls(rows, 3)
    assert {tag for tag in re.findall(r"</?([^ >]*)", shown)} <= TAGS
    assert text_of(shown).count(text) >= 8


def test_a_receipt_reaches_the_screen_through_the_store(tmp_path):
    from reranking.store.store import Store
    from tests.store.made_calls import RECEIPT, call, keep

    store = Store(tmp_path / "lens.db")
    session = store.sessions.new({"query": "q"})
    job = store.jobs.add(session, "comparison", "q", [], {"strategies": [], "orders": []}, 0)
    keep(store, call(run=f"{job}/0/0", reply=Text(text="yes", receipt=replace(RECEIPT, reasoning_tokens=2))))
    (row,) = store.calls.of(job, 0, shown=1)
    store.close()
    assert isinstance(row.reply.receipt, Receipt)
    assert facts(row, 1)["tokens"] == "120 in, 3 out"
    assert facts(row, 1)["reasoning tokens"] == "2, counted in those out"
    assert facts(row, 1)["time of the model"] == "250\xa0ms"
    assert RECEIPT.raw in text_of(calls([row], 1))


def test_a_prompt_that_shows_several_documents_names_them_in_its_order():
    labels = ["apple", "<b>", "clock", "door"]
    found = facts_of(calls([replace(ROW, shown=(3, 1))], 3, labels=labels))
    assert found["documents shown, in this order"] == "door; <b>"
    assert "documents shown, in this order" not in facts_of(calls([ROW], 3, labels=labels))


def test_a_probability_short_of_one_is_never_rounded_up_to_it():
    row = replace(ROW, kind="choose", request=[[["user", "?"]], ["A", "B"]],
                  reply=Choices(logprobs=(log(0.9997), log(0.0003))))  # fmt: skip
    assert facts(row)["p(A)"] == "over 0.999"
    assert facts(replace(row, reply=Choices(logprobs=(0.0, None))))["p(A)"] == "1.000"


def test_the_line_of_a_call_names_the_few_documents_it_compares_in_the_order_of_its_letters():
    labels = ["apple", "b" * 40, "clock", "door", "e"]

    def line(row, index):
        return re.search("<summary>(.*?)</summary>", calls([row], index, labels=labels)).group(1)

    assert "door / " + "b" * 31 + "…" in line(replace(ROW, shown=(3, 1)), 3)
    assert "door" not in line(ROW, 3)
    assert "door" in line(ROW, None)
    assert "apple" not in line(replace(ROW, shown=(0, 1, 2, 3)), 3)
    assert "empty reply" in line(replace(ROW, reply=Text(text=" ")), 3)


def test_a_reply_that_holds_no_probabilities_shows_none():
    broken = Choices(logprobs=(float("nan"), float("-inf")))
    row = replace(ROW, kind="choose", task="yes-no", request=[[["user", "?"]], ["yes", "no"]], reply=broken)
    found = facts(row)
    assert found["p(yes)"] == "not a probability (log nan)"
    assert found["p(no)"] == "0.0e+00"
    assert "no choice" in text_of(calls([row], 3))
