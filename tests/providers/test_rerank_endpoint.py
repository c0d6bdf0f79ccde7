"""Rerank endpoints: names, what each kind of server is sent, how its replies and failures are read."""

import asyncio
import json
import logging
import os
import subprocess
import sys
import time
import traceback

import httpx2
import pytest

from reranking.documents import as_candidates
from reranking.gateway import Gateway, MemoryArchive
from reranking.models import Model, ModelError
from reranking.providers.registry import MODULES, Registry
from reranking.providers.rerank_endpoint import RerankEndpoint, listing, open_model
from reranking.providers.settings import Settings
from reranking.replies import Scores, reply_from_json, reply_to_json
from reranking.requests import Generate, Score
from reranking.strategies.hosted import RerankEndpoint as Strategy
from tests.providers.fakes import KEY, Script, ask, generate
from tests.support import rank

HOST = "http://localhost:9999"
QUERY = "capital of France"
TEXTS = ("Rome is in Italy.", "Paris is the capital of France.", "Cheese is food.")
WORTH = (0.25, 0.75, -1.5)

REAL_SERVER = os.environ.get("RERANK_LENS_TEST_ENDPOINT")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    import openai._base_client

    monkeypatch.setattr(openai._base_client, "INITIAL_RETRY_DELAY", 0.001)


class Server:
    """A server with an endpoint at each of `paths`; `answer` gets the body and gives a status and a body."""

    def __init__(self, answer, *paths, missing=(404, {"detail": "Not Found"})):
        self.answer = answer
        self.paths = paths
        self.missing = missing
        self.asked = []

    def __call__(self, request):
        body = json.loads(request.content)
        self.asked.append((str(request.url), body))
        status, reply = self.answer(body) if request.url.path in self.paths else self.missing
        if isinstance(reply, str):
            return httpx2.Response(status, text=reply)
        return httpx2.Response(status, json=reply)

    @property
    def urls(self):
        return [url for url, _ in self.asked]


def ordered(texts):
    """The places of `texts`, best first: results come back sorted."""
    worth = dict(zip(TEXTS, WORTH, strict=True))
    return sorted(((worth.get(text, 0.5), at) for at, text in enumerate(texts)), reverse=True)


def results(texts):
    return [{"index": at, "relevance_score": score} for score, at in ordered(texts)]


def cohere(body):
    assert set(body) == {"model", "query", "documents", "top_n"}
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    return 200, {"id": "1", "results": results(body["documents"])[: body["top_n"]], "meta": meta}


def voyage(body):
    unknown = set(body) - {"model", "query", "documents", "top_k", "return_documents", "truncation"}
    if unknown:
        return 400, {"detail": f"Argument '{unknown.pop()}' is not supported by our API"}
    data = results(body["documents"])[: body["top_k"]]
    return 200, {"object": "list", "data": data, "model": "rerank-2.5", "usage": {"total_tokens": 26}}


def jina(body):
    assert body["return_documents"] is False
    usage = {"prompt_tokens": 0, "total_tokens": 815}
    return 200, {"model": body["model"], "usage": usage, "results": results(body["documents"])[: body["top_n"]]}


def tei(body, most=32):
    if "texts" not in body:
        return 422, "Failed to deserialize the JSON body into the target type: missing field `texts` at line 1"
    size = len(body["texts"])
    if size > most:
        return 413, {"error": f"batch size {size} > maximum allowed batch size {most}", "error_type": "Validation"}
    return 200, [{"index": at, "score": score} for score, at in ordered(body["texts"])]


def vllm(body):
    if body["model"] != "m":
        message = f"The model `{body['model']}` does not exist."
        return 404, {"error": {"message": message, "type": "NotFoundError", "code": 404}}
    found = [{**entry, "document": {"text": body["documents"][entry["index"]]}} for entry in results(body["documents"])]
    return 200, {"id": "r", "model": "m", "usage": {"prompt_tokens": 56, "total_tokens": 56}, "results": found}


def old_infinity(body):
    usage = {"prompt_tokens": 40, "total_tokens": 40}
    return 200, {"object": "rerank", "data": results(body["documents"]), "model": "default", "usage": usage}


def opened(name, handler, *, keys=None, retries=4):
    """The model of that name, whose calls go to `handler`."""
    model = open_model("rerank", name, Settings(keys=keys or {}, environment={}))
    model._server.http_client = lambda: httpx2.AsyncClient(transport=httpx2.MockTransport(handler))
    model._server.retries = retries
    return model


def served(handler, **options):
    return opened(f"m@{HOST}", handler, **options)


def score(texts=TEXTS, query=QUERY):
    return Score(model="m", task="score", query=query, texts=tuple(texts), shown=tuple(range(len(texts))))


def failure(handler, request=None, **options):
    with pytest.raises(ModelError) as caught:
        ask(served(handler, **options), request or score())
    return caught.value


# Names


@pytest.mark.parametrize(
    ("name", "answer", "url"),
    [
        ("cohere/rerank-v3.5", cohere, "https://api.cohere.com/v2/rerank"),
        ("voyage/rerank-2.5", voyage, "https://api.voyageai.com/v1/rerank"),
        ("jina/jina-reranker-v3", jina, "https://api.jina.ai/v1/rerank"),
    ],
)
def test_hosted_providers_are_asked_at_their_address_with_their_key_in_one_call(name, answer, url):
    provider, _, model = name.partition("/")
    seen = []

    def handler(request):
        seen.append(request)
        return server(request)

    server = Server(answer, httpx2.URL(url).path)
    reply = ask(opened(name, handler, keys={provider: KEY}), score())
    assert reply.scores == WORTH
    assert server.urls == [url]
    assert server.asked[0][1]["model"] == model
    assert seen[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("name", "url", "model"),
    [
        ("m@http://host:1", "http://host:1/rerank", "m"),
        ("m@http://host:1/", "http://host:1/rerank", "m"),
        ("m@http://host:1/v1", "http://host:1/v1/rerank", "m"),
        ("m@http://host:1/v2/rerank", "http://host:1/v2/rerank", "m"),
        ("m@https://host/models/rerank/", "https://host/models/rerank", "m"),
        ("BAAI/bge-reranker-v2-m3@http://host:1", "http://host:1/rerank", "BAAI/bge-reranker-v2-m3"),
        ("cohere/rerank-v3.5@http://proxy:4000", "http://proxy:4000/rerank", "cohere/rerank-v3.5"),
    ],
)
def test_a_server_is_named_by_its_address(name, url, model):
    server = Server(cohere, httpx2.URL(url).path)
    opened_model = opened(name, server)
    ask(opened_model, score())
    assert server.urls == [url]
    assert server.asked[0][1]["model"] == model
    assert opened_model.name == f"rerank:{name}"


@pytest.mark.parametrize("name", ["m", "BAAI/bge-reranker-base", "cohere", "cohere/", "m@host:1", "@http://host:1"])
def test_a_name_without_a_server_is_reported_with_the_forms_there_are(name):
    with pytest.raises(ModelError) as caught:
        open_model("rerank", name, Settings(environment={}))
    assert caught.value.code == "unknown-model"
    assert "rerank:NAME@http://host:port" in caught.value.message
    assert "rerank:cohere/NAME" in caught.value.message


@pytest.mark.parametrize("url", ["http://user:secret@host/v1", "http://host/v1?key=secret", "http://host:x"])
def test_an_address_that_carries_a_key_or_is_none_is_reported(url):
    with pytest.raises(ModelError) as caught:
        open_model("rerank", f"m@{url}", Settings(environment={}))
    assert caught.value.code == "bad-request"
    assert "secret" not in caught.value.message


def test_the_prefix_is_known_and_a_model_answers_only_scores():
    assert "rerank" in MODULES
    model = Registry(Settings(environment={})).resolve(f"rerank:m@{HOST}")
    assert isinstance(model, Model)
    assert model.answers == {Score}
    with pytest.raises(ModelError) as caught:
        ask(model, generate())
    assert caught.value.code == "cannot-answer"
    assert Generate.__name__ in caught.value.message


def test_the_identity_of_a_model_is_its_address_and_name_and_not_its_key():
    def identity(name, **keys):
        return open_model("rerank", name, Settings(keys=keys, environment={})).fingerprint

    assert identity("cohere/a") == identity("cohere/a", cohere=KEY)
    assert len({identity("cohere/a"), identity("cohere/b"), identity(f"a@{HOST}"), identity("a@http://other:1")}) == 4


def test_opening_a_model_loads_no_heavy_library():
    code = (
        "import sys\n"
        "from reranking.providers.registry import Registry\n"
        "known = Registry()\n"
        "for name in ('rerank:cohere/a', 'rerank:a@http://h'):\n"
        "    known.resolve(name), known.answers(name)\n"
        "print([name for name in ('openai', 'anthropic', 'httpx2', 'torch') if name in sys.modules])\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


# Dialects, found out


@pytest.mark.parametrize("answer", [cohere, voyage, tei, vllm, old_infinity])
@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank", "/v2/rerank"])
def test_the_path_and_the_dialect_of_a_server_are_found_out_and_remembered(answer, path):
    server = Server(answer, path)
    model = served(server)
    first, second = ask(model, score(), score(TEXTS[:2]))
    assert first.scores == WORTH
    assert second.scores == WORTH[:2]
    assert first.score_kind == "relevance score"
    found = len(server.asked) - 1
    assert server.urls[found - 1 :] == [HOST + path] * 2
    assert found <= 4


def test_text_embeddings_inference_may_cut_and_gives_scores_between_0_and_1():
    server = Server(tei, "/rerank")
    reply = ask(served(server), score())
    body = server.asked[-1][1]
    assert body == {"query": QUERY, "texts": list(TEXTS), "truncate": True, "raw_scores": False}
    assert reply.receipt.sent == {"truncate": True, "raw_scores": False}
    assert reply.receipt.model == "m"


def test_all_documents_are_asked_for():
    server = Server(cohere, "/rerank")
    ask(served(server), score())
    assert server.asked[0][1]["top_n"] == 3


def test_a_refusal_that_only_looks_like_another_dialect_is_reported_as_it_was():
    """The server repeats a document that speaks of texts; it does not speak the dialect either."""

    def refuse(body):
        return 422, {"detail": [{"type": "string_type", "loc": ["body", "query"], "input": "texts"}]}

    server = Server(refuse, "/rerank")
    problem = failure(server)
    assert problem.code == "bad-request"
    assert "string_type" in problem.message
    assert len(server.asked) == 2


def test_an_endpoint_that_is_nowhere_is_reported_with_where_it_was_looked_for():
    server = Server(cohere, missing=(404, "404 page not found"))
    problem = failure(server)
    assert problem.code == "unknown-model"
    for path in ("/rerank", "/v1/rerank", "/v2/rerank"):
        assert HOST + path in problem.message
    assert len(server.asked) == 3


def test_a_model_that_the_server_does_not_know_is_not_looked_for_elsewhere():
    server = Server(vllm, "/rerank", "/v1/rerank", "/v2/rerank")
    with pytest.raises(ModelError) as caught:
        ask(opened(f"other@{HOST}", server), score())
    assert caught.value.code == "unknown-model"
    assert "'other'" in caught.value.message
    assert len(server.asked) == 1


def test_an_unknown_model_of_a_hosted_provider_is_reported_by_its_name():
    reply = (404, {"message": "model 'rerank-v99' not found, make sure the correct model ID was used"})
    with pytest.raises(ModelError) as caught:
        ask(opened("cohere/rerank-v99", Script(reply), keys={"cohere": KEY}), score())
    assert caught.value.code == "unknown-model"
    assert caught.value.message == "Cohere does not know the model 'rerank-v99' (404). Check the name."


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
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("results", "part"),
    [
        ([(0, 0.5), (1, 0.5)], "no score for 1 of 3 documents (3)"),
        ([(0, 0.5), (1, 0.5), (1, 0.4), (2, 0.3)], "more than one score for document 2"),
        ([(0, 0.5), (1, 0.5), (3, 0.3)], "the index 3"),
        ([(0, 0.5), (1, float("nan")), (2, 0.3)], "document 2 that is no number"),
    ],
)
def test_no_score_is_made_up_where_the_reply_has_none(results, part):
    body = {"results": [{"index": at, "relevance_score": value} for at, value in results], "usage": {"total_tokens": 9}}
    problem = failure(Script(body))
    assert problem.code == "bad-reply"
    assert part in problem.message
    assert problem.receipt.input_tokens == 9
    assert problem.receipt.raw == problem.raw


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


@pytest.mark.parametrize(("name", "variable"), [("cohere/m", "COHERE_API_KEY"), (f"m@{HOST}", "RERANK_API_KEY")])
def test_a_refused_key_is_reported_with_the_fix_and_is_in_no_message_log_or_trace(name, variable, caplog):
    caplog.set_level(logging.DEBUG)
    keys = {"cohere": KEY, "rerank": KEY}
    script = Script((401, {"message": f"invalid api token: {KEY}"}))
    with pytest.raises(ModelError) as caught:
        ask(opened(name, script, keys=keys), score())
    problem = caught.value
    assert problem.code == "bad-key"
    assert variable in problem.message
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


# Listing


def test_hosted_rerankers_are_listed_with_what_is_missing():
    rows = {row.name: row for row in listing(Settings(environment={"COHERE_API_KEY": KEY}))}
    assert rows["rerank:cohere/rerank-v3.5"].available
    assert not rows["rerank:cohere/rerank-v3.5"].reason
    for name, row in rows.items():
        assert row.answers == ("score",)
        if not name.startswith("rerank:cohere/"):
            assert not row.available
            assert row.reason
    assert "VOYAGE_API_KEY" in rows["rerank:voyage/rerank-2.5"].reason
    assert "JINA_API_KEY" in rows["rerank:jina/jina-reranker-v3"].reason
    assert "rerank:NAME@http://host:port" in rows


def test_suggested_models_can_be_opened():
    for row in listing(Settings(environment={})):
        model = Registry(Settings(environment={})).resolve(row.name.replace("host:port", "host:1"))
        assert isinstance(model, RerankEndpoint)
        assert model.name == row.name.replace("host:port", "host:1")


# A real server


@pytest.mark.skipif(
    REAL_SERVER is None, reason="RERANK_LENS_TEST_ENDPOINT names no model (rerank:NAME@http://host:port)"
)
def test_a_real_server_scores_every_document_and_the_same_texts_alike():
    model = Registry().resolve(REAL_SERVER)
    texts = [*TEXTS, TEXTS[1], *(f"Filler text number {at}." for at in range(40))]
    clock = time.perf_counter()
    ranking = rank(Strategy(model=model), as_candidates(texts), query=QUERY, through=Gateway(lambda ref: model))
    print(f"\n{REAL_SERVER}: {time.perf_counter() - clock:.2f} s", [note.message for note in ranking.diagnostics])
    assert ranking.outcome == "complete"
    assert len({item.score for item in ranking}) > 2
    scores = {item.index: item.score for item in ranking}
    assert scores[1] == pytest.approx(scores[3], abs=1e-3)
