"""What the command line says of cost before a run, keeps to during it, and clears afterwards."""

import json
import time

import pytest
from click.testing import CliRunner

from reranking.api import compare, rerank
from reranking.archive import MemoryArchive
from reranking.cli import main
from reranking.gateway import Budget
from reranking.models import Predicted
from reranking.providers.registry import Registry
from reranking.replies import Choices, Receipt
from reranking.store import open_store
from tests.oracles import Scripted
from tests.store.made_calls import call, keep


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cli.db"


@pytest.fixture
def command(path, tmp_path, monkeypatch):
    monkeypatch.setenv("RERANK_LENS_DB", str(path))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nobody-asks-with-this")
    monkeypatch.chdir(tmp_path)
    return lambda *arguments, **options: CliRunner().invoke(main, [str(item) for item in arguments], **options)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "input.json"
    path.write_text(json.dumps({"query": "apple pie", "documents": ["a clock", "apple pie", "motor oil", "blue sky"]}))
    return path


@pytest.fixture
def priced(monkeypatch):
    """Every model says yes; a call costs 10 cents and may cost no more."""
    model = Scripted(
        lambda request, number: Choices(logprobs=(-0.1 * number, -1.0), receipt=Receipt(cost_usd=0.1)),
        name="p:m", fingerprint="p:m", predicted=lambda request: Predicted(0.04, 0.06, 0.1),
    )  # fmt: skip
    monkeypatch.setattr(Registry, "resolve", lambda self, ref: model)
    return model


def test_an_estimate_prints_what_would_be_asked_and_costs_and_sends_nothing(command, file, path):
    result = command(
        "run", file, "--strategy", "pairwise-all", "--model", "openai:gpt-4o-mini", "--strategy", "bm25",
        "--strategy", "grade", "--model", "ollama:x", "--estimate", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    pairs, words, grade = value["estimates"]
    assert (pairs["strategy"]["kind"], pairs["requests"], pairs["exact"]) == ("pairwise-all", 12, True)
    assert 0 < pairs["input_usd"] < 0.01
    assert (words["requests"], words["input_usd"], words["output_usd"]) == (0, 0, 0)
    assert (grade["input_usd"], grade["unpriced"]) == (None, ["ollama:x"])
    assert value["total"]["requests"] == 16
    assert value["total"]["input_usd"] == pairs["input_usd"]
    assert value["total"]["unpriced"] == ["ollama:x"]
    assert not path.exists()


def test_an_estimate_for_people_names_what_it_does_not_know(command, file):
    result = command("run", file, "--strategy", "grade", "--model", "ollama:x", "--estimate")
    assert "unknown" in result.stdout
    assert "The price of ollama:x is not known" in result.stdout
    assert "free" not in result.stdout


def test_the_sum_of_an_estimate_for_people_does_not_hide_what_is_unknown(command, file):
    result = command(
        "run", file, "--strategy", "grade", "--model", "openai:gpt-4o-mini", "--strategy", "grade", "--model",
        "ollama:x", "--estimate",
    )  # fmt: skip
    (total,) = (line for line in result.stdout.splitlines() if line.startswith("all of them"))
    assert total.count(" and unknown") == 2


def test_an_estimate_sums_the_models_of_a_cascade_at_their_own_prices(command, file):
    stages = [{"kind": "yes-no", "model": "openai:gpt-4o"}, {"kind": "grade", "model": "openai:gpt-4o-mini"}]
    parts = [{"strategy": stage, "keep": 4} for stage in stages]
    one = {"kind": "cascade", "stages": parts}
    found = command("run", file, "--strategy", json.dumps(one), "--estimate", "--json")
    assert found.exit_code == 0, found.output
    (both,) = json.loads(found.stdout)["estimates"]
    alone = [
        json.loads(command("run", file, "--strategy", json.dumps(stage), "--estimate", "--json").stdout)["estimates"][0]
        for stage in stages
    ]
    assert both["requests"] == sum(stage["requests"] for stage in alone)
    assert both["input_usd"] == pytest.approx(sum(stage["input_usd"] for stage in alone))


def test_a_budget_stops_the_run_and_a_higher_one_goes_on_where_it_was(command, file, priced):
    first = command("run", file, "--strategy", "yes-no", "--model", "p:m", "--budget", "0.25", "--json")
    assert priced.count == 2
    (ranking,) = json.loads(first.stdout)["rankings"]
    assert (ranking["outcome"], ranking["usage"]["requests"]) == ("partial", 2)
    assert [note["code"] for note in ranking["diagnostics"]] == ["budget"]
    assert "spending limit of $0.25" in first.stderr
    again = command("run", file, "--strategy", "yes-no", "--model", "p:m", "--budget", "0.25", "--json")
    assert priced.count == 4
    (ranking,) = json.loads(again.stdout)["rankings"]
    assert (ranking["outcome"], ranking["usage"]["cached"]) == ("complete", 2)
    assert again.stderr == ""


def test_one_budget_holds_for_all_queries_of_a_file(command, tmp_path, priced):
    file = tmp_path / "two.jsonl"
    lines = [{"query": f"query {at}", "documents": ["a", "b", "c"]} for at in range(2)]
    file.write_text("\n".join(map(json.dumps, lines)))
    result = command("run", file, "--strategy", "yes-no", "--model", "p:m", "--budget", "0.45", "--json")
    outcomes = [json.loads(line)["rankings"][0]["outcome"] for line in result.stdout.splitlines()]
    assert outcomes == ["complete", "partial"]
    assert priced.count == 4


@pytest.mark.parametrize("limit", ["-1", "much", "nan"])
def test_a_budget_that_is_none_is_wrong_usage(command, file, limit):
    result = command("run", file, "--strategy", "bm25", "--budget", limit)
    assert result.exit_code == 2


def test_the_library_takes_a_limit_for_one_ranking_and_one_for_several(priced):
    archive = MemoryArchive()
    ranking = rerank("q", ["a", "b", "c"], "yes-no(model='p:m')", archive=archive, budget_usd=0.15)
    assert (ranking.outcome, ranking.usage.turned_away, priced.count) == ("partial", 2, 1)
    shared = Budget(0.25)
    compare("q", ["x", "y"], ["yes-no(model='p:m')"], archive=archive, budget_usd=shared)
    compare("q", ["z"], ["yes-no(model='p:m')"], archive=archive, budget_usd=shared)
    assert priced.count == 3
    with pytest.raises(ValueError, match="US dollars"):
        rerank("q", ["a"], "bm25", budget_usd=-1)


@pytest.fixture
def cached(path):
    """Two replies of one model, a month old, and a new one of another."""
    store = open_store(path)
    now = time.time()
    for name, model, days in (("a", "p:m", 40), ("b", "p:m", 35), ("c", "p:n", 1)):
        keep(store, call(name, model=model, run="cli", started=now - days * 86_400))
    store.close()


def test_the_size_of_the_cache_is_told_by_model(command, cached):
    value = json.loads(command("cache", "size", "--json").stdout)
    assert [(row["model"], row["replies"]) for row in value["models"]] == [("p:m", 2), ("p:n", 1)]
    assert value["total"]["replies"] == 3
    assert value["total"]["bytes"] == sum(row["bytes"] for row in value["models"])
    assert "p:n" in command("cache", "size").stdout


def test_clearing_says_what_is_lost_and_asks_first(command, cached):
    refused = command("cache", "clear", "--model", "p:m", input="n\n")
    assert "asked and paid again" in refused.stdout
    assert refused.exit_code == 1
    assert json.loads(command("cache", "size", "--json").stdout)["total"]["replies"] == 3
    assert "cleared 2 replies" in command("cache", "clear", "--model", "p:m", input="y\n").stdout
    assert json.loads(command("cache", "size", "--json").stdout)["total"]["replies"] == 1


def test_clearing_can_be_narrowed_to_old_replies(command, cached):
    assert "cleared 1 reply" in command("cache", "clear", "--older-than", "37", "--yes").stdout
    assert "nothing to clear" in command("cache", "clear", "--older-than", "37", "--yes").stdout
