"""Rerank servers that are not there, each with its own dialect."""

import json
import os

import httpx2
import pytest

from reranking.models import ModelError
from reranking.providers.rerank_endpoint import open_model
from reranking.providers.settings import Settings
from reranking.requests import Score
from tests.providers.fakes import ask

HOST = "http://localhost:9999"
QUERY = "capital of France"
TEXTS = ("Rome is in Italy.", "Paris is the capital of France.", "Cheese is food.")
WORTH = (0.25, 0.75, -1.5)

REAL_SERVER = os.environ.get("RERANK_LENS_TEST_ENDPOINT")


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
    model = open_model("rerank", name, Settings(keys=keys or {}, environment={"RERANK_BASE_URL": HOST}))
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
