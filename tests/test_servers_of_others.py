"""Strategies end to end at servers that nobody here wrote. `make servers` installs them and runs this."""

import asyncio
import json
import math
import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from reranking.documents import as_candidates
from reranking.engine import run_strategy
from reranking.gateway import Gateway, MemoryArchive
from reranking.providers.registry import Registry
from reranking.providers.settings import Settings
from reranking.strategies.catalogue import fill_model, make
from tests.faulty_server import short_pauses
from tests.generated import held_out_cases
from tests.support import candidates, gateway, rank

HOME = os.environ.get("RERANK_LENS_TEST_SERVERS")

pytestmark = pytest.mark.skipif(HOME is None, reason="servers of others are tested by `make servers`")
pytest_plugins = ("tests.trained",)

START_SECONDS = 180.0

LITELLM_MODEL = {"model": "openai/gpt-4o-mini", "api_key": "none"}

GRADE = {"reason": "known", "quotes": ["text number"], "score": 7}
ORDER = {"ranking": [3, 1, 2, 4, 5, 6]}
MOCKS = {
    "grader": json.dumps(GRADE),
    "orderer": json.dumps(ORDER),
    "chooser": "B",
    "agreer": "Yes",
    "full": "litellm.RateLimitError",
    "broken": "litellm.InternalServerError",
    "short": "litellm.ContextWindowExceededError",
}
"""Name of a model -> what LiteLLM answers for it, or fails with."""


class Served:
    """A server in a process of its own, with a folder of its own for whatever it writes."""

    def __init__(self, name, folder, command, health, **environment):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log"
        program = Path(HOME) / name / "bin" / command[0]
        rest = [part.replace("PORT", str(self.port)) for part in command[1:]]
        kept = {key: value for key, value in os.environ.items() if not key.endswith(("_API_KEY", "_BASE_URL"))}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(program), *rest], cwd=folder, stdout=log, stderr=log,
                env={**kept, "HOME": str(folder), "HF_HUB_OFFLINE": "1", **environment},
            )  # fmt: skip
        self._wait(self.url + health)

    def _wait(self, url):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(url, timeout=2):
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(0.5)
        self.stop()
        pytest.fail(f"the server did not start:\n{self.log.read_text()[-3000:]}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """LiteLLM's proxy with the models of MOCKS; gives the settings for both of its APIs."""
    folder = tmp_path_factory.mktemp("litellm")
    models = [
        {
            "model_name": name,
            "litellm_params": {"model": "openai/gpt-4o-mini", "api_key": "none", "mock_response": says},
        }
        for name, says in MOCKS.items()
    ]
    config = {"model_list": models, "litellm_settings": {"telemetry": False}, "router_settings": {"num_retries": 0}}
    (folder / "config.yaml").write_text(json.dumps(config))  # JSON is YAML
    key = f"sk-{secrets.token_hex(24)}"
    command = ["litellm", "--config", "config.yaml", "--host", "127.0.0.1", "--port", "PORT"]
    server = Served("litellm", folder, command, "/health/liveliness",
                    LITELLM_MASTER_KEY=key, LITELLM_LOCAL_MODEL_COST_MAP="True")  # fmt: skip
    environment = {"OPENAI_BASE_URL": f"{server.url}/v1", "ANTHROPIC_BASE_URL": server.url,
                   "OPENAI_API_KEY": key, "ANTHROPIC_API_KEY": key}  # fmt: skip
    yield environment
    server.stop()


APIS = ("openai", "anthropic")


def ranked(strategy, api, name, environment, archive=None):
    """The ranking of six documents by the model `name` of the proxy, through one of its APIs."""

    async def go():
        model = Registry(Settings(environment=environment)).resolve(f"{api}:{name}")
        ready = fill_model(make(strategy), model, model.answers)
        try:
            return await run_strategy(ready, "harbour lantern", candidates(6), gateway(archive))
        finally:
            await model.aclose()

    return asyncio.run(go())


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("strategy", "model", "order"),
    [
        ("grade", "grader", (0, 1, 2, 3, 4, 5)),
        ("yes-no", "agreer", (0, 1, 2, 3, 4, 5)),
        ("listwise(reasons=False)", "orderer", (2, 0, 1, 3, 4, 5)),
        ("self-consistency(base='listwise-window', runs=3)", "orderer", None),
        ("pairwise-all", "chooser", (0, 1, 2, 3, 4, 5)),
        ("setwise(k=2)", "chooser", None),
    ],
)
def test_a_proxy_with_both_apis_serves_strategies_end_to_end(proxy, api, strategy, model, order):
    archive = MemoryArchive()
    ranking = ranked(strategy, api, model, proxy, archive)
    assert ranking.outcome == "complete", ranking.diagnostics
    assert order is None or ranking.order == order
    assert len(archive.calls) == ranking.usage.requests > 0
    for call in archive.calls:
        receipt = call.reply.receipt
        assert receipt.model == model
        assert min(receipt.input_tokens, receipt.output_tokens) > 0
        assert json.loads(receipt.raw)
        assert proxy["OPENAI_API_KEY"] not in repr(call)


@pytest.mark.parametrize("api", APIS)
def test_grades_reasons_and_quotes_come_through_the_proxy(proxy, api):
    ranking = ranked("grade", api, "grader", proxy)
    assert {item.score for item in ranking} == {GRADE["score"]}
    for item in ranking:
        assert item.explanation.reason == GRADE["reason"]
        (quote,) = item.explanation.quotes
        assert item.candidate.text[quote.start : quote.end] == quote.text == GRADE["quotes"][0]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("model", "code", "sentence"),
    [
        ("full", "rate-limit", "limits the rate; 5 tries were not enough (429)"),
        ("broken", "server", "failed (500)"),
        ("short", "context-too-long", "The prompt is too long for 'short' (400)"),
        ("nobody", "unknown-model", "does not know the model 'nobody'"),
    ],
)
def test_failures_of_the_proxy_are_told_as_what_they_are(proxy, api, model, code, sentence, monkeypatch):
    short_pauses(monkeypatch)
    ranking = ranked("listwise", api, model, proxy)
    assert ranking.outcome == "failed"
    (note,) = ranking.diagnostics
    assert (note.code, sentence in note.message) == (code, True), note.message


@pytest.mark.parametrize("api", APIS)
def test_a_key_that_the_proxy_does_not_know_ends_the_ranking_and_is_told_nowhere(proxy, api):
    key = "sk-of-somebody-else-0123456789"
    ranking = ranked("grade", api, "grader", {**proxy, "OPENAI_API_KEY": key, "ANTHROPIC_API_KEY": key})
    assert ranking.outcome == "failed"
    (note,) = ranking.diagnostics
    assert note.code in {"bad-key", "bad-request"}  # a proxy without a database of keys says 400: it has none
    assert "somebody" not in note.message + note.raw


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory, trained_folder):
    """The name of the trained cross-encoder behind infinity's rerank endpoint."""
    folder = tmp_path_factory.mktemp("infinity")
    command = ["infinity_emb", "v2", "--model-id", str(trained_folder), "--served-model-name", "tiny", "--engine",
               "torch", "--device", "cpu", "--no-bettertransformer", "--host", "127.0.0.1",
               "--port", "PORT"]  # fmt: skip
    server = Served("infinity", folder, command, "/health", DO_NOT_TRACK="1", INFINITY_ANONYMOUS_USAGE_STATS="0")
    yield f"rerank:tiny@{server.url}"
    server.stop()


def test_a_rerank_endpoint_orders_as_the_same_model_does_here(endpoint, trained_folder):
    case = next(iter(held_out_cases()))
    items = as_candidates(case.documents)
    there, here = (
        rank(make({"kind": kind, "model": name}), items, query=case.query, through=Gateway(Registry().resolve))
        for kind, name in (("rerank-endpoint", endpoint), ("cross-encoder", f"hf:{trained_folder}"))
    )
    assert there.outcome == here.outcome == "complete"
    assert there.order == here.order
    logits = {item.index: item.score for item in here}
    for item in there:
        assert item.score == pytest.approx(1 / (1 + math.exp(-logits[item.index])), abs=1e-4)
    assert there.usage.input_tokens > 0
