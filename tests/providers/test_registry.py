"""From names to models, and where keys and addresses come from."""

import json
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from reranking.models import ModelError
from reranking.providers import registry as registry_module
from reranking.providers.prices import cost
from reranking.providers.registry import MODULES, Registry
from reranking.providers.settings import OWN_URLS, ModelInfo, Settings
from reranking.requests import Choose, Generate, Score
from tests.providers.fakes import KEY, ask, generate

NOBODY = {"OLLAMA_BASE_URL": "http://127.0.0.1:1/v1", "VLLM_BASE_URL": "http://127.0.0.1:1/v1"}


def registry(keys=None, **options):
    return Registry(Settings(keys=keys or {}, **{"environment": NOBODY, **options}))


def failure(ref, **options):
    with pytest.raises(ModelError) as caught:
        registry(**options).resolve(ref)
    return caught.value


@contextmanager
def server(status, body):
    """A local server that answers every GET alike; gives its base URL and the headers it saw."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append((self.path, dict(self.headers)))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())

        def log_message(self, *_):
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}/v1", seen
    finally:
        running.shutdown()
        running.server_close()


# Settings


def test_a_key_is_looked_for_in_the_session_then_the_environment_then_the_secrets():
    secrets = {"OPENAI_API_KEY": "from-secrets", "ANTHROPIC_API_KEY": "from-secrets"}
    environment = {"OPENAI_API_KEY": "from-environment"}
    everywhere = Settings(keys={"openai": "from-session"}, environment=environment, secrets=secrets.get)
    found = {name: everywhere.key(name, OWN_URLS[name]) for name in ("openai", "anthropic", "cohere")}
    assert found == {"openai": "from-session", "anthropic": "from-secrets", "cohere": None}
    assert [everywhere.key_source(name) for name in found] == ["session", "secrets", None]
    later = Settings(environment=environment, secrets=secrets.get)
    assert later.key("openai", OWN_URLS["openai"]) == "from-environment"
    assert later.key_source("openai") == "environment"


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_blank_key_is_no_key(blank):
    settings = Settings(keys={"openai": blank}, environment={"OPENAI_API_KEY": blank})
    assert settings.key("openai", OWN_URLS["openai"]) is None


def test_the_environment_of_the_process_is_the_default(monkeypatch):
    settings = Settings()
    monkeypatch.setenv("ANTHROPIC_API_KEY", f" {KEY}\n")
    assert settings.key("anthropic", OWN_URLS["anthropic"]) == KEY


def test_local_servers_have_default_addresses():
    settings = Settings(environment={"VLLM_BASE_URL": "http://gpu:1/v1"})
    assert settings.base_url("ollama") == "http://localhost:11434/v1"
    assert settings.base_url("vllm") == "http://gpu:1/v1"
    assert settings.base_url("openai") is None


def test_settings_do_not_show_keys():
    settings = Settings(keys={"openai": KEY}, environment={"OPENAI_API_KEY": KEY}, secrets=lambda _: KEY)
    assert KEY not in repr(settings) + str(settings)


def test_the_keys_of_a_session_do_not_change_behind_the_settings_back():
    keys = {"openai": KEY}
    settings = Settings(keys=keys, environment={})
    keys["openai"] = "another"
    assert settings.key("openai", OWN_URLS["openai"]) == KEY


# Names


def test_an_object_is_returned_as_it_is():
    model = SimpleNamespace(name="mine", answers=frozenset({Score}), answer=None)
    assert registry().resolve(model) is model
    assert registry().answers(model) == {Score}


def test_a_name_is_opened_once():
    known = registry({"openai": KEY})
    assert known.resolve("openai:gpt-a") is known.resolve(" openai:gpt-a ")
    assert known.resolve("openai:gpt-a") is not known.resolve("openai:gpt-b")


def test_a_name_may_hold_colons():
    assert registry().resolve("ollama:llama3:8b").name == "ollama:llama3:8b"


@pytest.mark.parametrize("ref", ["gpt-4o", "azure:gpt-4o", ":gpt-4o", ""])
def test_an_unknown_provider_is_reported_with_those_there_are(ref):
    problem = failure(ref)
    assert problem.code == "unknown-model"
    for prefix in MODULES:
        assert prefix in problem.message


@pytest.mark.parametrize("ref", ["openai:", "ollama: "])
def test_a_provider_without_a_name_is_reported(ref):
    assert failure(ref, keys={"openai": KEY}).code == "unknown-model"


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_missing_key_is_reported_with_the_fix(provider):
    with pytest.raises(ModelError) as caught:
        ask(registry().resolve(f"{provider}:some-model"), generate())
    problem = caught.value
    variable = f"{provider.upper()}_API_KEY"
    assert problem.code == "no-key"
    assert problem.message == f"No API key for '{provider}'. Set {variable}, or add it to .streamlit/secrets.toml."


@pytest.mark.parametrize("ref", ["ollama:m", "vllm:m", "openai-compatible:m@http://127.0.0.1:1/v1"])
def test_a_server_of_ones_own_needs_no_key(ref):
    assert registry().resolve(ref).answers == {Generate, Choose}


@pytest.mark.parametrize("key", ["sk-with space-1234567", "sk-smart’quote-12345", "sk-two\nlines-1234567"])
def test_a_key_that_cannot_be_one_is_reported_without_it(key):
    problem = failure("openai:m", keys={"openai": key})
    assert problem.code == "bad-key"
    assert key not in problem.message


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://host/v1", "http://", "http://user:pass@host/v1", "http://host/v1#"]
)
def test_a_base_url_that_cannot_be_used_is_reported(url):
    problem = failure("vllm:m", environment={"VLLM_BASE_URL": url})
    assert problem.code == "bad-request"
    assert "vllm" in problem.message
    assert "pass" not in problem.message


def test_what_a_model_answers_is_known_without_its_key():
    assert registry().answers("anthropic:some-model") == {Generate, Choose}
    with pytest.raises(ModelError, match="There is no provider"):
        registry().answers("azure:some-model")


def test_a_model_has_the_same_identity_with_and_without_its_key_so_that_replies_are_found_again():
    assert (
        registry().resolve("openai:gpt-a").fingerprint == registry({"openai": KEY}).resolve("openai:gpt-a").fingerprint
    )


def test_opening_models_loads_no_heavy_library():
    code = (
        "import sys\n"
        "from reranking.providers.registry import Registry\n"
        "from reranking.providers.settings import Settings\n"
        "known = Registry(Settings(keys={'openai': 'k' * 20, 'anthropic': 'k' * 20}))\n"
        "for name in ('openai:a', 'anthropic:a', 'ollama:a', 'openai-compatible:a@http://h/v1'):\n"
        "    known.resolve(name), known.answers(name)\n"
        "print([name for name in ('openai', 'anthropic', 'httpx2', 'torch') if name in sys.modules])\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_provider_whose_package_is_missing_says_so(monkeypatch):
    monkeypatch.setitem(registry_module.MODULES, "broken", "no_such_module")
    problem = failure("broken:m")
    assert problem.code == "not-installed"
    assert "no_such_module" in problem.message
    rows = [row for row in registry().listing() if row.name.startswith("broken")]
    assert [(row.available, row.reason) for row in rows] == [(False, problem.message)]


# Listing


def hosted_rows(provider, **options):
    return [row for row in registry(**options).listing() if row.name.startswith(f"{provider}:")]


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_suggested_models_have_a_price_and_need_a_key(provider):
    rows = hosted_rows(provider)
    assert rows
    for row in rows:
        assert cost(provider, row.name.partition(":")[2], 10, 10) is not None
        assert (row.available, row.answers) == (False, ("generate", "choose"))
        assert f"{provider.upper()}_API_KEY" in row.reason
    assert all(row.available and not row.reason for row in hosted_rows(provider, keys={provider: KEY}))


def test_a_local_servers_own_models_are_listed():
    with server(200, {"object": "list", "data": [{"id": "llama3:8b"}, {"id": "qwen3"}]}) as (url, seen):
        environment = NOBODY | {"OLLAMA_BASE_URL": f"{url}/", "OLLAMA_API_KEY": KEY}
        rows = hosted_rows("ollama", environment=environment)
    assert rows == [ModelInfo(f"ollama:{name}", ("generate", "choose"), True) for name in ("llama3:8b", "qwen3")]
    assert seen[0][0] == "/v1/models"
    assert seen[0][1]["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("status", "body", "part"),
    [
        (200, {"data": []}, "no models yet"),
        (200, b"<html>hello</html>", "does not list models (200)"),
        (200, {"data": [{"name": "x"}]}, "does not list models (200)"),
        (401, {}, "does not list models (401)"),
    ],
)
def test_a_local_server_that_names_no_models_is_one_line_that_says_why(status, body, part):
    with server(status, body) as (url, _):
        (row,) = hosted_rows("vllm", environment=NOBODY | {"VLLM_BASE_URL": url})
    assert not row.available
    assert part in row.reason


def test_a_local_server_that_does_not_run_is_one_line_that_says_so():
    (row,) = hosted_rows("ollama")
    assert not row.available
    assert "127.0.0.1:1" in row.reason
    assert "OLLAMA_BASE_URL" in row.reason
