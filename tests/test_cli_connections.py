"""Connections and tests of models on the command line."""

import json

import pytest
from click.testing import CliRunner

from reranking.cli import main
from tests.providers.fake_server import FakeOpenAI, serving
from tests.providers.fakes import KEY


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("RERANK_LENS_DB", str(tmp_path / "cli.db"))
    monkeypatch.setenv("MY_BOX_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        return CliRunner().invoke(main, [str(item) for item in arguments])

    return call


@pytest.fixture
def box(command, monkeypatch):
    """A server, and a connection to it named my-box."""
    server = FakeOpenAI(keys={KEY}, context={"/v1/models": {"data": [{"id": "llama3", "max_model_len": 8192}]}})
    with serving(server) as url:
        monkeypatch.setenv("MY_BOX_BASE_URL", f"{url}/v1")
        assert command("connections", "add", "my-box", f"{url}/v1", "--concurrency", "3").exit_code == 0
        yield server


def rows(command):
    return {row["name"]: row for row in json.loads(command("models", "--json").stdout)}


def test_looking_creates_no_database(command, tmp_path):
    assert command("models").exit_code == 0
    assert "No connections yet" in command("connections", "list").stdout
    assert list(tmp_path.iterdir()) == []


def test_models_of_a_connection_are_listed_and_gone_when_it_is_removed(command, box):
    assert rows(command)["my-box:llama3"] == {
        "name": "my-box:llama3", "answers": ["generate", "choose"], "available": True, "reason": "",
    }  # fmt: skip
    assert "my-box" in command("connections").stdout
    (listed,) = json.loads(command("connections", "list", "--json").stdout)
    assert (listed["name"], listed["concurrency"], listed["key"]) == ("my-box", 3, "environment")
    assert command("connections", "remove", "my-box").exit_code == 0
    assert not any(name.startswith("my-box") for name in rows(command))
    assert command("connections", "remove", "my-box").exit_code == 2


def test_a_strategy_asks_the_model_of_a_connection(command, box, tmp_path):
    file = tmp_path / "input.json"
    file.write_text(json.dumps({"query": "apple", "documents": ["apple pie", "motor oil"]}))
    result = command("run", file, "--strategy", "yes-no", "--model", "my-box:llama3", "--json")
    (ranking,) = json.loads(result.stdout)["rankings"]
    assert ranking["outcome"] == "complete"
    assert {key for key, _ in box.asked} == {KEY}


def test_a_test_says_what_it_costs_then_what_it_found_and_remembers_it(command, box):
    result = command("models", "--test", "my-box:llama3")
    assert result.exit_code == 0
    assert "at most 11 short requests" in result.stderr
    assert "JSON schema: enforced" in result.stdout
    assert "context: 8,192 tokens" in result.stdout
    box.prompt_logprobs = True
    found = json.loads(command("models", "--test", "my-box:llama3", "--json").stdout)
    assert (found["model"], found["prompt_logprobs"]) == ("my-box:llama3", True)
    assert rows(command)["my-box:llama3"]["answers"] == ["generate", "choose", "likelihood"]
    box.keys = {"another"}
    failed = command("models", "--test", "my-box:llama3")
    assert failed.exit_code == 1
    assert "does not answer: " in failed.stdout
    assert command("models", "--test", "nowhere:llama3").exit_code == 2


def test_a_key_of_the_environment_is_not_sent_to_an_address_that_it_is_not_set_for(command, box, monkeypatch):
    monkeypatch.setenv("MY_BOX_BASE_URL", "http://127.0.0.1:1/v1")
    (listed,) = json.loads(command("connections", "list", "--json").stdout)
    assert listed["key"] is None
    failed = command("models", "--test", "my-box:llama3")
    assert {key for key, _ in box.asked} == {"none"}
    assert "set both MY_BOX_API_KEY and, to this address, MY_BOX_BASE_URL" in failed.stdout


def test_who_adds_a_connection_is_told_which_variables_hold_its_key(command):
    added = command("connections", "add", "other", "http://other:8000/v1")
    assert "set OTHER_API_KEY, and OTHER_BASE_URL to http://other:8000/v1." in added.stderr


def test_no_command_shows_or_keeps_a_key(command, box, tmp_path):
    results = [
        command(*arguments)
        for arguments in (
            ("models",),
            ("connections", "list"),
            ("models", "--test", "my-box:llama3"),
            ("connections", "add", "other", f"http://host/v1?key={KEY}"),
            ("connections", "add", "other", f"http://{KEY}@host/v1"),
        )
    ]
    assert KEY not in "".join(result.output for result in results)
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.iterdir())


def test_limits_of_a_connection_that_is_built_in_can_be_set_but_not_its_address(command):
    assert command("connections", "add", "openai", "--per-minute", "60", "--temperature", "0").exit_code == 0
    (row,) = json.loads(command("connections", "list", "--json").stdout)
    assert (row["name"], row["place"], row["per_minute"], row["temperature"]) == ("openai", "", 60, 0.0)
    wrong = command("connections", "add", "openai", "http://box/v1")
    assert wrong.exit_code == 2
    assert "built in" in wrong.stderr
