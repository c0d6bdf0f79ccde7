"""To which address a key is sent: to the one that it is for, whatever somebody names a connection."""

import pytest

from reranking.models import ModelError
from reranking.providers.abilities import Abilities
from reranking.providers.connection import OWN_URLS
from reranking.providers.probing import Probe
from reranking.providers.registry import Registry
from reranking.providers.saved import SavedConnection
from reranking.providers.settings import BUILT_IN, Settings, key_variable, same_address, url_variable
from tests.providers import fake_rerankers
from tests.providers.fake_server import serving
from tests.providers.fakes import KEY, ask, generate

SECRETS = {
    "EVIL_API_KEY": "sk-environment-0123456789", "OPENAI_API_KEY": "sk-openais-0123456789",
    "OPENAI_COMPATIBLE_API_KEY": "sk-compatible-0123456789", "RERANK_API_KEY": "sk-reranks-0123456789",
    "OPENAI_ADMIN_KEY": "sk-admin-0123456789", "OPENAI_ORG_ID": "org-0123456789", "OPENAI_PROJECT_ID": "proj-0123456",
    "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer sk-header-0123456789\nX-Gate: gate-0123456789",
    "ANTHROPIC_API_KEY": "sk-ant-0123456789", "ANTHROPIC_AUTH_TOKEN": "token-0123456789",
    "ANTHROPIC_CUSTOM_HEADERS": "X-Gate: gate-0123456789",
}  # fmt: skip
ALL_OF_THEM = [part for value in SECRETS.values() for part in value.replace("\n", " ").split() if "0123456" in part]


class Listening:
    """A server that turns everything down and writes down what it was sent."""

    def __init__(self):
        self.heard = []

    def __call__(self, method, path, headers, body):
        self.heard.append((method, path, dict(headers)))
        return (200, {"data": [{"id": "m"}]}) if method == "GET" else (401, {"error": {"message": "Who are you?"}})

    def leaked(self):
        return [part for part in ALL_OF_THEM for *_, headers in self.heard if part in str(headers)]


def question(kind):
    return fake_rerankers.score() if kind == "rerank" else generate()


@pytest.mark.parametrize("kind", ["openai", "anthropic", "rerank"])
@pytest.mark.parametrize("through", ["environment", "secrets"])
def test_a_connection_that_somebody_names_gets_no_key_of_the_server_by_its_name(kind, through, monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    server = Listening()
    with serving(server) as url:
        saved = SavedConnection("evil", kind, url)
        found = {"environment": {}, "secrets": SECRETS.get} if through == "secrets" else {}
        settings = Settings(connections={"evil": saved}, **found)
        registry = Registry(settings)
        with pytest.raises(ModelError) as caught:
            ask(registry.resolve("evil:m"), question(kind))
        registry.listing()
        Probe("evil:m", settings, 0.0)
        assert {method for method, *_ in server.heard} == {"GET", "POST"}
        assert server.leaked() == []
    assert caught.value.code == "no-key"
    for variable in ("EVIL_API_KEY", "EVIL_BASE_URL"):
        assert variable in caught.value.message
    assert url in caught.value.message
    assert not any(part in caught.value.message + caught.value.raw for part in ALL_OF_THEM)


@pytest.mark.parametrize("name", ["openai-compatible:m@{url}/v1", "rerank:m@{url}"])
def test_a_model_that_names_its_own_server_gets_no_key_for_any_other(name, monkeypatch):
    for variable, value in SECRETS.items():
        monkeypatch.setenv(variable, value)
    server = Listening()
    with serving(server) as url:
        prefix = name.partition(":")[0]
        with pytest.raises(ModelError):
            ask(Registry(Settings()).resolve(name.format(url=url)), question(prefix))
        assert server.leaked() == []
        monkeypatch.setenv(url_variable(prefix), url)
        with pytest.raises(ModelError):
            ask(Registry(Settings()).resolve(name.format(url=url)), question(prefix))
        assert set(server.leaked()) == {SECRETS[key_variable(prefix)]}


@pytest.mark.parametrize("kind", ["openai", "anthropic", "rerank"])
def test_a_key_and_the_address_that_it_is_set_for_serve_a_connection_there(kind):
    server = Listening()
    with serving(server) as url:
        environment = {"MY_BOX_API_KEY": KEY, "MY_BOX_BASE_URL": f"{url}/"}
        known = {"my-box": SavedConnection("my-box", kind, url)}
        with pytest.raises(ModelError) as caught:
            ask(Registry(Settings(environment=environment, connections=known)).resolve("my-box:m"), question(kind))
    assert KEY in str(server.heard[0][2])
    assert caught.value.code == "bad-key"


def test_what_the_environment_holds_for_an_sdk_goes_where_it_says_the_provider_is(monkeypatch):
    server = Listening()
    with serving(server) as url:
        for name in ("OPENAI", "ANTHROPIC"):
            monkeypatch.setenv(f"{name}_BASE_URL", url)
            monkeypatch.setenv(f"{name}_API_KEY", SECRETS[f"{name}_API_KEY"])
            monkeypatch.setenv(f"{name}_CUSTOM_HEADERS", "X-Gate: gate-0123456789")
            with pytest.raises(ModelError):
                ask(Registry(Settings()).resolve(f"{name.lower()}:m"), generate())
            key = SECRETS[f"{name}_API_KEY"]
            assert {key, "gate-0123456789"} <= set(server.leaked())


@pytest.mark.parametrize("name", sorted(BUILT_IN - {"hf", "embedded", "simulated", "openai-compatible", "rerank"}))
def test_the_address_of_a_built_in_provider_is_what_its_key_is_for(name):
    environment = {key_variable(name): KEY}
    settings = Settings(environment=environment)
    assert settings.key(name, settings.address(name)) == KEY
    assert settings.key(name, "https://evil.example/v1") is None
    elsewhere = Settings(environment=environment | {url_variable(name): "https://proxy.example/v1"})
    assert elsewhere.key(name, "https://proxy.example/v1") == KEY
    assert elsewhere.key(name, settings.address(name)) is None


def test_a_typed_key_is_for_the_address_that_its_connection_has():
    settings = Settings(keys={"box": KEY, "openai": KEY, "rerank": KEY}, environment={},
                        connections={"box": SavedConnection("box", "openai", "http://box:8000/v1")})  # fmt: skip
    assert settings.key("box", "http://box:8000/v1") == KEY
    assert settings.key("box", "http://box:8001/v1") is None
    assert settings.key("openai", OWN_URLS["openai"]) == KEY
    assert settings.key("openai", "http://box:8000/v1") is None
    assert settings.key("rerank", "http://anywhere") is None


def test_looking_for_the_context_of_a_model_sends_no_key_elsewhere(monkeypatch):
    monkeypatch.setenv("EVIL_API_KEY", SECRETS["EVIL_API_KEY"])
    server = Listening()
    with serving(server) as url:
        probe = Probe("evil:m", Settings(connections={"evil": SavedConnection("evil", "openai", url)}), 0.0)
        probe.look_up(Abilities(place=url, at=0.0, answers=("generate",)))
    assert len(server.heard) > 1
    assert server.leaked() == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://box:8000/v1", "http://box:8000", True),
        ("http://box:8000/v1/", "HTTP://BOX:8000/rerank", True),
        ("http://box/v2/rerank", "http://box:80", True),
        ("https://box:443/v1", "https://box/v1", True),
        ("https://box/a/v1", "https://box/a", True),
        ("https://box/a", "https://box/b", False),
        ("https://box/a", "https://box/A", False),
        ("http://box", "https://box", False),
        ("http://box:80", "http://box:8000", False),
        ("http://box", "http://box.evil.example", False),
        ("http://box", "http://evil.example/box", False),
        ("http://box", "http://box@evil.example", False),
        ("http://box", "http://evil.example\\@box", False),
        ("http://box/v1/rerank/x", "http://box", False),
        ("", "", False),
        ("", "http://box", False),
        ("http://[::1", "http://[::1", False),
        ("http://[::1", "http://box", False),
    ],
)
def test_addresses_are_the_same_only_where_host_port_scheme_and_path_are(one, other, same):
    assert same_address(one, other) is same
    assert same_address(other, one) is same


def test_an_address_that_cannot_be_read_is_one_line_of_the_models_and_gets_no_key():
    settings = Settings(keys={"openai": KEY}, environment={"OPENAI_BASE_URL": "http://[::1", "OPENAI_API_KEY": KEY})
    assert settings.key("openai", settings.address("openai")) is None
    rows = [row for row in Registry(settings).listing() if row.name.startswith("openai:")]
    assert rows
    assert not any(row.available for row in rows)
    with pytest.raises(ModelError, match="cannot be read"):
        Registry(settings).resolve("openai:m")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("kind", ["openai", "anthropic", "rerank"])
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("session", "Enter it again under Key on Connections"),
        ("environment", "Check MY_BOX_API_KEY"),
        ("secrets", "Check MY_BOX_API_KEY in .streamlit/secrets.toml"),
    ],
)
def test_a_refused_key_is_looked_for_where_it_came_from(source, said, kind, status):
    def refuses(method, path, headers, body):
        return status, {"error": {"message": "This key may not do that."}}

    with serving(refuses) as url:
        saved = SavedConnection("my-box", kind, url)
        here, address = {"MY_BOX_API_KEY": KEY}, {"MY_BOX_BASE_URL": url}
        settings = Settings(
            keys={"my-box": KEY} if source == "session" else {},
            environment={**(here if source != "secrets" else {}), **address},
            secrets=here.get if source == "secrets" else None,
            connections={"my-box": saved},
        )
        with pytest.raises(ModelError) as problem:
            ask(Registry(settings).resolve("my-box:m"), question(kind))
    assert problem.value.code == "bad-key"
    assert said in problem.value.message
    assert ("MY_BOX_API_KEY" in problem.value.message) is (source != "session")
    assert ("what this key may use" in problem.value.message) is (status == 403)
