"""Rerank endpoints: names, dialects that are found out, listings, and a real server."""

import subprocess
import sys
import time

import httpx2
import pytest

from reranking.documents import as_candidates
from reranking.gateway import Gateway
from reranking.models import Model, ModelError
from reranking.providers.registry import MODULES, Registry
from reranking.providers.rerank_endpoint import RerankEndpoint, listing, open_model
from reranking.providers.settings import Settings
from reranking.requests import Generate, Score
from reranking.strategies.hosted import RerankEndpoint as Strategy
from tests.providers.fake_rerankers import (
    HOST,
    QUERY,
    REAL_SERVER,
    TEXTS,
    WORTH,
    Server,
    cohere,
    failure,
    jina,
    old_infinity,
    opened,
    score,
    served,
    tei,
    vllm,
    voyage,
)
from tests.providers.fakes import KEY, Script, ask, generate
from tests.support import rank

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
    """The server speaks of texts; it does not speak the dialect either."""

    def refuse(body):
        return 422, {"detail": [{"type": "string_type", "loc": ["body", "query"], "msg": "takes no texts"}]}

    server = Server(refuse, "/rerank")
    problem = failure(server)
    assert problem.code == "bad-request"
    assert "string_type" in problem.message
    assert len(server.asked) == 2


def test_what_a_server_repeats_of_a_document_is_no_sign_of_another_dialect():
    detail = [{"type": "string_type", "loc": ["body", "query"], "msg": "a string", "input": "texts and top_n"}]
    server = Server(lambda body: (422, {"detail": detail}), "/rerank")
    assert failure(server).code == "bad-request"
    assert len(server.asked) == 1


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
