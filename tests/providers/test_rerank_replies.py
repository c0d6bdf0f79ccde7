"""Rerank endpoints: how replies and failures are read, and what is kept."""

import asyncio
import json
import logging
import traceback

import httpx2
import pytest

from reranking.documents import as_candidates
from reranking.gateway import Gateway, MemoryArchive
from reranking.models import ModelError
from reranking.replies import Scores, reply_from_json, reply_to_json
from reranking.strategies.hosted import RerankEndpoint as Strategy
from tests.providers.fake_rerankers import (
    HOST,
    QUERY,
    TEXTS,
    WORTH,
    Server,
    cohere,
    failure,
    opened,
    results,
    score,
    served,
    tei,
    vllm,
)
from tests.providers.fakes import KEY, Script, ask
from tests.support import rank

# Replies


def test_the_receipt_tells_the_model_the_tokens_and_the_whole_reply():
    reply = ask(served(Server(vllm, "/rerank")), score())
    receipt = reply.receipt
    assert (receipt.model, receipt.input_tokens, receipt.output_tokens) == ("m", 56, 0)
    assert receipt.sent == {"model": "m", "top_n": 3}
    assert len(json.loads(receipt.raw)["results"]) == 3
    assert receipt.retries == 0


def test_search_units_stay_in_the_raw_reply_and_the_cost_is_unknown():
    reply = ask(opened("cohere/rerank-v3.5", Server(cohere, "/v2/rerank"), keys={"cohere": KEY}), score())
    assert json.loads(reply.receipt.raw)["meta"]["billed_units"] == {"search_units": 1}
    assert (reply.receipt.input_tokens, reply.receipt.cost_usd) == (None, None)


def test_half_a_surrogate_pair_can_be_sent():
    server = Server(cohere, "/rerank")
    ask(served(server), score(("broken \ud83d text",), "query \ud83d"))
    assert server.asked[0][1]["documents"] == ["broken \ufffd text"]
    assert server.asked[0][1]["query"] == "query \ufffd"


@pytest.mark.parametrize(
    "body",
    ["<html>hello</html>", "", '{"results": [{"index": 0, "relev', "null", "[]", '{"results": []}', {"data": "none"}],
)
def test_a_reply_that_is_none_is_reported_with_its_raw_text(body):
    script = Script(body)
    problem = failure(script)
    assert problem.code == "bad-reply"
    assert problem.raw == (body if isinstance(body, str) else json.dumps(body))
    assert (problem.receipt.sent, problem.receipt.raw) == ({"model": "m", "top_n": 3}, problem.raw)
    assert problem.receipt.seconds > 0
    assert len(script.requests) == 1


def test_an_error_that_comes_as_a_success_is_passed_on():
    problem = failure(Script({"error": {"message": "No credits", "code": 402}}))
    assert problem.code == "no-credit"
    assert problem.receipt.sent == {"model": "m", "top_n": 3}
    problem = failure(Script({"error": "This is no reranker."}))
    assert problem.code == "bad-reply"
    assert "This is no reranker. Check the address" in problem.message


@pytest.mark.parametrize(
    ("results", "part"),
    [
        ([(0, None)], "no score for any of 3 documents"),
        ([(0, 0.5), (1, 0.5), (1, 0.4), (2, 0.3)], "more than one score for document 2"),
        ([(0, 0.5), (1, 0.5), (3, 0.3)], "the index 3"),
    ],
)
def test_no_score_is_made_up_where_the_reply_has_none(results, part):
    body = {"results": [{"index": at, "relevance_score": value} for at, value in results], "usage": {"total_tokens": 9}}
    problem = failure(Script(body))
    assert problem.code == "bad-reply"
    assert part in problem.message
    assert problem.receipt.input_tokens == 9
    assert problem.receipt.raw == problem.raw


@pytest.mark.parametrize("strange", [[], [{"index": 1, "relevance_score": None}], [{"index": 1}]])
def test_a_document_without_a_score_takes_no_other_down_and_is_not_paid_for_again(strange):
    given = [{"index": 2, "relevance_score": 0.9}, *strange, {"index": 0, "relevance_score": 0.1}]
    script = Script({"results": given, "usage": {"total_tokens": 9}})
    archive = MemoryArchive()
    door = Gateway(lambda ref: ref, archive)
    model = served(script)
    for _ in range(2):
        ranking = rank(Strategy(model=model), as_candidates(TEXTS), query=QUERY, through=door)
        assert ranking.outcome == "partial"
        assert [(item.index, item.score) for item in ranking] == [(2, 0.9), (0, 0.1), (1, None)]
        ((code, indexes, raw),) = [(note.code, note.indexes, note.raw) for note in ranking.diagnostics]
        assert (code, indexes) == ("no-score", (1,))
        assert json.loads(raw)["results"] == given
    assert len(script.requests) == 1


# Failures


def test_a_rate_limited_request_is_retried_and_then_answered():
    limited = (429, {"message": "slow down"}, {"retry-after-ms": "1"})
    script = Script(limited, (503, "busy"), cohere({"model": "m", "query": "", "documents": TEXTS, "top_n": 3})[1])
    reply = ask(served(script), score())
    assert reply.scores == WORTH
    assert reply.receipt.retries == 2
    assert len(script.requests) == 3


def test_a_rate_limit_that_stays_is_reported_after_the_retries():
    script = Script((429, {"message": "slow down"}, {"retry-after-ms": "1"}))
    problem = failure(script, retries=2)
    assert problem.code == "rate-limit"
    assert "3 tries" in problem.message
    assert len(script.requests) == 3


@pytest.mark.parametrize(
    ("status", "body", "code", "part"),
    [
        (400, {"message": "query must not be empty"}, "bad-request", "query must not be empty"),
        (500, {"message": "boom"}, "server", "boom"),
        (424, {"error": "model is not a re-ranker model", "error_type": "Backend"}, "bad-request", "not a re-ranker"),
        (413, {"error": "batch size 40 > maximum allowed batch size 32"}, "context-too-long", "fewer documents"),
        (422, {"detail": [{"type": "too_long", "msg": "List should have at most 2048 items after validation"}]},
         "context-too-long", "fewer documents"),
        (400, {"detail": "The max allowed tokens per submitted batch is 600000."}, "context-too-long", "less of each"),
        (400, {"message": "This model's maximum context length is 512 tokens."}, "context-too-long", "less of each"),
    ],
)  # fmt: skip
def test_a_failure_says_what_to_do(status, body, code, part):
    problem = failure(Script((status, body)), retries=0)
    assert problem.code == code
    assert part in problem.message


def test_what_a_server_repeats_of_the_documents_is_not_taken_for_its_reason():
    detail = {"detail": [{"type": "missing", "msg": "Field required", "input": "too many documents exceed the limit"}]}
    assert failure(Script((422, detail))).code == "bad-request"


@pytest.mark.parametrize("name", ["cohere/m", "voyage/m", "jina/m"])
def test_a_missing_key_is_reported_with_the_fix_and_nothing_is_sent(name):
    script = Script("")
    with pytest.raises(ModelError) as caught:
        ask(opened(name, script), score())
    provider = name.partition("/")[0]
    variable = f"{provider.upper()}_API_KEY"
    assert caught.value.code == "no-key"
    assert caught.value.message == f"No API key for '{provider}'. Set {variable}, or add it to .streamlit/secrets.toml."
    assert script.requests == []


def test_a_server_that_wants_a_key_says_which_variable_holds_it():
    problem = failure(Script((401, {"detail": "Unauthorized"})))
    assert problem.code == "no-key"
    assert "RERANK_API_KEY" in problem.message


@pytest.mark.parametrize("name", ["cohere/m", f"m@{HOST}"])
def test_a_refused_key_is_reported_with_the_fix_and_is_in_no_message_log_or_trace(name, caplog):
    caplog.set_level(logging.DEBUG)
    keys = {"cohere": KEY, "rerank": KEY}
    script = Script((401, {"message": f"invalid api token: {KEY}"}))
    with pytest.raises(ModelError) as caught:
        ask(opened(name, script, keys=keys), score())
    problem = caught.value
    assert problem.code == "bad-key"
    assert "Enter it again under Key on Connections" in problem.message  # it was typed in
    trace = "".join(traceback.format_exception(problem))
    assert KEY not in problem.message + problem.raw + trace + caplog.text


def test_a_key_that_comes_back_in_a_reply_is_not_kept():
    body = {"results": results(TEXTS), "echo": KEY}
    reply = ask(served(Script(body), keys={"rerank": KEY}), score())
    assert KEY not in json.dumps(reply_to_json(reply))


def test_a_server_that_does_not_run_is_reported_with_its_address():
    problem = failure(Script(httpx2.ConnectError("refused")), retries=0)
    assert problem.code == "connection"
    assert problem.message == (
        "No connection to localhost:9999. Start the server, or check the address in the model's name."
    )


# Through the gateway


def through(model, *batches, archive=None):
    """What the gateway gives for each batch of texts, one after another, and its archive."""
    archive = archive if archive is not None else MemoryArchive()

    async def run():
        from reranking.gateway import Run

        door = Gateway(lambda ref: model, archive)
        return [(await door.ask([score(texts)], Run()))[0] for texts in batches]

    return asyncio.run(run()), archive


def test_a_reply_is_kept_for_exactly_its_texts_in_their_order():
    server = Server(cohere, "/rerank")
    turned = tuple(reversed(TEXTS))
    replies, archive = through(served(server), TEXTS, TEXTS, turned, TEXTS[:2], turned)
    assert [reply.scores for reply in replies] == [WORTH, WORTH, WORTH[::-1], WORTH[:2], WORTH[::-1]]
    assert [len(body["documents"]) for _, body in server.asked] == [3, 3, 2]
    assert [call.source for call in archive.calls] == ["sent", "cache", "sent", "sent", "cache"]


def test_a_kept_reply_is_whole_after_it_was_stored():
    (reply,), archive = through(served(Server(vllm, "/rerank")), TEXTS)
    (kept,) = archive.replies.values()
    stored = reply_from_json(json.loads(json.dumps(reply_to_json(kept))))
    assert isinstance(stored, Scores)
    assert (stored.scores, stored.cut, stored.receipt) == (reply.scores, reply.cut, reply.receipt)


def test_a_ranking_through_a_server_that_takes_few_documents_has_all_scores_and_says_how_it_was_made():
    server = Server(lambda body: tei(body, most=4), "/rerank")
    items = as_candidates([f"text {at}" for at in range(8)] + list(TEXTS))
    model = served(server)
    ranking = rank(Strategy(model=model), items, query=QUERY, through=Gateway(lambda ref: model))
    assert ranking.outcome == "complete"
    assert ranking.order[0] == 9
    assert all(item.score is not None for item in ranking)
    (note,) = ranking.diagnostics
    assert note.code == "several-requests"
    assert sum(note.data["documents"]) == 11
    assert max(note.data["documents"]) <= 4
