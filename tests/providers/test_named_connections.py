"""Models of connections that a person named: how they are opened, limited, priced and told apart."""

import json
from dataclasses import replace

import pytest

from reranking.models import ModelError
from reranking.providers.connection import holds_key
from reranking.providers.registry import Registry
from reranking.providers.saved import Prices, SavedConnection
from reranking.providers.settings import Settings
from reranking.requests import Choose, Generate, Score
from tests.providers import fake_rerankers
from tests.providers.fake_server import FakeOpenAI, serving
from tests.providers.fakes import KEY, ask, choose, generate

URL = "http://box:8000/v1"
BOX = SavedConnection("box", "openai", URL)


def registry(*saved, **options):
    known = {one.name: one for one in saved}
    return Registry(Settings(connections=known, **{"environment": {}, **options}))


@pytest.mark.parametrize(
    ("kind", "answers"),
    [("openai", {Generate, Choose}), ("anthropic", {Generate, Choose}), ("rerank", {Score})],
)
def test_the_name_of_a_connection_begins_the_names_of_its_models(kind, answers):
    model = registry(replace(BOX, kind=kind)).resolve("box:org/llama3:8b")
    assert (model.name, model.answers) == ("box:org/llama3:8b", answers)


def test_an_unknown_prefix_is_reported_with_ones_own_connections():
    with pytest.raises(ModelError) as caught:
        registry(BOX).resolve("bax:m")
    assert "box" in caught.value.message


def test_limits_belong_to_the_connection_and_two_at_one_address_have_each_their_own():
    slow = SavedConnection("slow", "openai", URL, 2, 30)
    ranks, hosted = SavedConnection("ranks", "rerank", "http://r", 3, 5), SavedConnection("openai", "openai", "", 7)
    known = registry(BOX, slow, ranks, hosted)
    limits = {
        name: (known.resolve(name).concurrency, known.resolve(name).per_minute)
        for name in ("box:m", "slow:m", "ranks:m", "openai:m", "ollama:m")
    }
    assert limits == {
        "box:m": (16, None), "slow:m": (2, 30), "ranks:m": (3, 5), "openai:m": (7, None), "ollama:m": (16, None),
    }  # fmt: skip
    assert known.resolve("slow:a").connection == known.resolve("slow:b").connection
    assert known.resolve("slow:a").connection != known.resolve("box:a").connection


def test_a_reply_is_the_same_whatever_the_connection_is_called_but_not_at_another_temperature():
    other = SavedConnection("other", "openai", URL)
    known = registry(BOX, other, SavedConnection("warm", "openai", URL, temperature=0.5))
    same = {known.resolve(f"{name}:m").fingerprint for name in ("box", "other")}
    assert same == {known.resolve(f"openai-compatible:m@{URL}").fingerprint}
    assert known.resolve("warm:m").fingerprint not in same


def test_a_key_goes_to_its_own_connection_only():
    server = FakeOpenAI(text="yes")
    with serving(server) as url:
        mine, other = replace(BOX, place=f"{url}/v1"), SavedConnection("other", "openai", f"{url}/v1")
        known = registry(mine, other, keys={"box": KEY}, environment={"OPENAI_API_KEY": "sk-somebody-elses-key"})
        ask(known.resolve("box:m"), generate())
        ask(known.resolve("other:m"), generate())
    assert [key for key, _ in server.asked] == [KEY, "none"]


def test_prices_that_were_entered_hold_instead_of_the_list():
    server = FakeOpenAI(text="yes")
    with serving(server) as url:
        priced = replace(BOX, place=f"{url}/v1", prices=Prices(1.0, 10.0, 3.0))
        (reply,) = [ask(registry(priced).resolve("box:m"), choose("yes", "no"))]
        unknown = ask(registry(replace(priced, prices=None)).resolve("box:m"), choose("yes", "no"))
    # 20 tokens read and 1 written, at 1 and 10 dollars a million, and 3 dollars for a thousand requests.
    assert reply.receipt.cost_usd == pytest.approx(20e-6 + 10e-6 + 0.003)
    assert unknown.receipt.cost_usd is None


def test_a_rerank_connection_is_asked_at_its_address_and_its_requests_have_a_price():
    def server(method, path, headers, body):
        return fake_rerankers.cohere(body) if path == "/v2/rerank" else (404, {"detail": "Not Found"})

    with serving(server) as url:
        saved = SavedConnection("ranks", "rerank", url, prices=Prices(requests=2.0))
        reply = ask(registry(saved).resolve("ranks:m"), fake_rerankers.score())
    assert reply.scores == fake_rerankers.WORTH
    assert reply.receipt.cost_usd == pytest.approx(0.002)


def test_the_message_about_a_named_server_names_the_connection_and_the_fix():
    with pytest.raises(ModelError) as caught:
        ask(registry(replace(BOX, place="http://127.0.0.1:1/v1")).resolve("box:m"), generate())
    assert "change the address of the connection" in caught.value.message


# Folders


@pytest.fixture
def folder(tmp_path):
    """A folder with a cross-encoder, a language model, and something else."""
    for name, config in (
        ("cross", {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "LABEL_0"}}),
        ("talker", {"architectures": ["LlamaForCausalLM"]}),
        ("notes", None),
    ):
        (tmp_path / name).mkdir()
        if config is not None:
            (tmp_path / name / "config.json").write_text(json.dumps(config))
    return SavedConnection("disk", "folder", str(tmp_path))


def test_the_models_of_a_folder_are_listed_and_opened_by_the_names_of_its_folders(folder):
    known = registry(folder)
    rows = {row.name: set(row.answers) for row in known.listing() if row.name.startswith("disk:")}
    assert rows == {"disk:cross": {"score"}, "disk:talker": {"generate", "choose", "likelihood", "attend"}}
    assert known.resolve("disk:cross").name == "disk:cross"
    assert known.answers("disk:cross") == {Score}


@pytest.mark.parametrize("name", ["notes", "nothing", "../elsewhere", "/etc"])
def test_what_is_no_model_of_the_folder_is_reported(folder, name):
    with pytest.raises(ModelError) as caught:
        registry(folder).resolve(f"disk:{name}")
    assert caught.value.code == "unknown-model"


def test_a_folder_without_models_is_one_line_that_says_so(tmp_path):
    (row,) = [row for row in registry(SavedConnection("empty", "folder", str(tmp_path))).listing()
              if row.name.startswith("empty:")]  # fmt: skip
    assert not row.available
    assert str(tmp_path) in row.reason


# Listing


def test_models_of_servers_are_listed_whatever_the_kind_and_one_that_is_down_is_one_line():
    server = FakeOpenAI(context={"/v1/models": {"data": [{"id": "a"}, {"id": "b"}]}})
    with serving(server) as url:
        known = registry(
            SavedConnection("chat", "openai", f"{url}/v1"), SavedConnection("claudes", "anthropic", url),
            SavedConnection("ranks", "rerank", url), SavedConnection("down", "openai", "http://127.0.0.1:1/v1"),
        )  # fmt: skip
        rows = {row.name: row for row in known.listing()}
    assert {name for name in rows if name.partition(":")[0] in {"chat", "claudes", "ranks"}} == {
        f"{prefix}:{model}" for prefix in ("chat", "claudes", "ranks") for model in "ab"
    }
    assert rows["ranks:a"].answers == ("score",)
    assert "No 'down' server" in rows["down:NAME"].reason
    assert "change the address" in rows["down:NAME"].reason


@pytest.mark.parametrize(
    "name",
    [
        "openai-compatible:x@http://me:secret@box/v1",
        "openai-compatible:x@https://box/v1?api_key=secret",
        "rerank:x@http://box/sk-proj-0123456789abcdef/v1",
        "ollama:sk-proj-0123456789abcdef",
    ],
)
def test_a_models_name_that_holds_a_key_is_told(name):
    assert holds_key(name)
    with pytest.raises(ModelError) as caught:
        Registry(Settings(environment={})).resolve(name)
    assert "secret" not in caught.value.message
    assert "0123456789abcdef" not in caught.value.message


@pytest.mark.parametrize(
    "name",
    ["openai:gpt-5-mini", "ollama:llama3:8b", "hf:BAAI/bge-reranker-v2-m3", "hf:/models/one", "x@http://box:8000/v1",
     "rerank:a/b@https://h/v1", "http://[", ""],
)  # fmt: skip
def test_an_ordinary_models_name_holds_no_key(name):
    assert not holds_key(name)
