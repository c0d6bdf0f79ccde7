"""`rerank-lens bias` keeps its contract: what is printed, exit codes, and messages that say what to do."""

import csv
import json

import pytest
from click.testing import CliRunner

from reranking.cli import main

TEXTS = ["apple pie", "motor oil", "apple juice", "blue pie chart", "sky", "pie apple tart"]
PRIMACY = "simulated:grades?primacy=2&noise=0.2"


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("RERANK_LENS_DB", str(tmp_path / "cli.db"))
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        return CliRunner().invoke(main, ["bias", *map(str, arguments)])

    return call


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "input.json"
    documents = [{"text": text, "grade": at % 4} for at, text in enumerate(TEXTS)]
    path.write_text(json.dumps({"query": "apple pie", "documents": documents}))
    return path


@pytest.fixture
def several(tmp_path):
    path = tmp_path / "several.json"
    documents = [{"text": text, "grade": at % 4} for at, text in enumerate(TEXTS)]
    path.write_text(json.dumps([{"query": query, "documents": documents} for query in ("apple pie", "oil", "sky")]))
    return path


def test_the_verdict_comes_first_with_its_numbers(command, file):
    result = command(file, "--strategy", "input-order")
    assert result.exit_code == 0
    assert "input-order: Earlier documents are favoured: moving a document from last to first raises it 5 places" in (
        result.stdout
    )


def test_what_is_going_to_be_asked_is_said_on_standard_error_before(command, file):
    result = command(file, "--strategy", "listwise", "--model", PRIMACY, "--runs", 6)
    assert "6 shuffles, 1 request and " in result.stderr
    assert "9 requests" in result.stdout  # with three repeats


def test_json_holds_the_verdict_the_figures_and_what_they_rest_on(command, file):
    result = command(file, "--strategy", "listwise", "--model", PRIMACY, "--json", "--design", "williams")
    value = json.loads(result.stdout)
    assert value["design"] == {"kind": "balanced", "runs": 6, "repeats": 3, "seed": 1}
    (found,) = value["results"]
    assert found["finding"] == "primacy"
    assert found["strategy"]["model"] == PRIMACY
    assert found["last_to_first"]["low"] < found["last_to_first"]["value"] < found["last_to_first"]["high"]
    assert found["last_to_first"]["value"] == pytest.approx(5 * found["slope"]["value"])
    assert sum(found["position_effects"]) == pytest.approx(0, abs=1e-9)
    assert found["noise"]["moved"] is not None
    assert sorted(found["debiased_order"]) == list(range(6))
    assert found["requests"] == 9


def test_model_and_set_bind_to_the_strategy_before_them(command, file):
    result = command(
        file, "--json", "--repeats", 0, "--strategy", "listwise", "--model", PRIMACY, "--set", "passage_words=7",
        "--strategy", "bm25", "--set", "k1=2.5",
    )  # fmt: skip
    first, second = (found["strategy"] for found in json.loads(result.stdout)["results"])
    assert (first["model"], first["passage_words"], second["k1"]) == (PRIMACY, 7, 2.5)


def test_a_deterministic_strategy_is_not_repeated_and_the_output_says_so(command, file):
    result = command(file, "--json", "--strategy", "listwise", "--model", "simulated:grades?primacy=2")
    (found,) = json.loads(result.stdout)["results"]
    assert found["deterministic"] is True
    assert found["requests"] == 10
    assert found["noise"] is None


def test_the_same_command_again_asks_nothing_again_and_another_seed_does(command, file, tmp_path):
    from reranking.store import open_store

    def sent():
        with open_store(tmp_path / "cli.db").database.read() as connection:
            (number,) = connection.execute("SELECT count(*) FROM calls WHERE source = 'sent'").fetchone()
        return number

    arguments = (file, "--strategy", "listwise", "--model", PRIMACY)
    first = command(*arguments)
    assert sent() == 13
    assert command(*arguments).stdout == first.stdout
    assert sent() == 13
    command(*arguments, "--seed", 2)
    assert sent() == 26


def test_remedies_are_compared_on_the_same_shuffles_and_one_is_recommended(command, file):
    result = command(file, "--json", "--strategy", "listwise", "--model", PRIMACY, "--mitigations", "--runs", 6)
    (found,) = json.loads(result.stdout)["results"]
    rows = {row["name"]: row for row in found["remedies"]["rows"]}
    assert list(rows) == ["As is", "Position-aware prompt", *(f"Self-consistency, {m} shuffles" for m in (3, 5, 10))]
    assert rows["Self-consistency, 5 shuffles"]["requests"] == 5
    assert found["remedies"]["recommended"] in rows
    assert 0 <= rows["As is"]["quality"] <= 1  # the file holds grades
    assert found["remedies"]["sentence"].startswith(found["remedies"]["recommended"])


def test_several_queries_come_one_by_one_and_then_together(command, several):
    result = command(several, "--json", "--strategy", "input-order", "--strategy", "bm25")
    *queries, pooled = (json.loads(line) for line in result.stdout.splitlines())
    assert [value["query"] for value in queries] == ["apple pie", "oil", "sky"]
    first, second = pooled["pooled"]
    assert (first["earlier"], first["later"], first["queries"]) == (3, 0, 3)
    assert first["last_to_first"]["value"] == pytest.approx(5)
    assert (second["earlier"], second["last_to_first"]["value"]) == (0, 0)


def test_remedies_of_several_queries_are_compared_over_all_of_them(command, several):
    arguments = (several, "--strategy", "listwise", "--model", PRIMACY, "--mitigations", "--runs", 6)
    *queries, pooled = (json.loads(line) for line in command(*arguments, "--json").stdout.splitlines())
    (found,) = pooled["pooled"]
    rows = {row["name"]: row for row in found["remedies"]["rows"]}
    each = [{row["name"]: row for row in query["results"][0]["remedies"]["rows"]} for query in queries]
    for name, row in rows.items():
        assert row["places"] == pytest.approx(sum(one[name]["places"] for one in each) / 3)
    assert rows["As is"]["biased_queries"] == found["earlier"] + found["later"]
    assert "on average over 3 queries" in found["remedies"]["sentence"]
    assert found["remedies"]["sentence"] in command(*arguments).stdout


def test_a_side_that_always_wins_is_said_first_and_pairs_are_counted_against_all_there_are(command, file):
    arguments = (file, "--strategy", "pairwise-all", "--model", "simulated:grades?primacy=50", "--runs", 6)
    (found,) = json.loads(command(*arguments, "--json").stdout)["results"]
    assert (found["finding"], found["side"]) == ("all tied", "first")
    assert found["verdict"].startswith("The model always picks the first passage: every pair contradicts itself")
    pairs = found["pairs"]
    assert (pairs["answered"], pairs["possible"], pairs["unanswered"], pairs["both_orders"]) == (15, 15, 0, True)


def test_raw_runs_are_written_and_read_back_to_the_same_figures(command, file, tmp_path):
    result = command(file, "--json", "--strategy", "listwise", "--model", PRIMACY, "--csv", tmp_path / "runs.csv")
    (found,) = json.loads(result.stdout)["results"]
    rows = list(csv.DictReader((tmp_path / "runs.csv").open()))
    assert len(rows) == 13 * 6
    again = json.loads(command("--runs-csv", tmp_path / "runs.csv", "--json").stdout)
    for name in ("finding", "last_to_first", "middle", "w", "flip_rate", "p_trend", "noise"):
        assert again[name] == approximately(found[name]), name


def approximately(value):
    if isinstance(value, dict):
        return {name: approximately(part) for name, part in value.items()}
    return pytest.approx(value) if isinstance(value, float) else value


def test_early_stopping_saves_shuffles_and_says_how_many(command, file):
    arguments = ("--strategy", "input-order", "--runs", 20, "--within", 1)
    (found,) = json.loads(command(file, "--json", *arguments).stdout)["results"]
    assert found["used"] + found["saved"] == 20
    assert found["saved"] > 0


def test_early_stopping_says_what_its_intervals_are(command, file):
    arguments = (file, "--strategy", "input-order", "--runs", 20)
    stopping = json.loads(command(*arguments, "--within", 1, "--json").stdout)["stopping"]
    assert stopping["looks"] == [8, 12, 16, 20]
    assert (stopping["interval_level"], stopping["p_multiplied_by"]) == (pytest.approx(0.9875), 4)
    assert stopping["note"] in command(*arguments, "--within", 1).stdout
    assert json.loads(command(*arguments, "--json").stdout)["stopping"] is None


def test_a_strategy_that_fails_in_every_run_exits_with_1_after_the_others(command, file, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    result = command(file, "--strategy", "listwise", "--model", "openai:gpt-5-mini", "--strategy", "bm25")
    assert result.exit_code == 1
    assert "Every run failed" in result.stdout
    assert "bm25" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--strategy", "bm25"), "give a FILE to rank, or runs from elsewhere with --runs-csv"),
        (("FILE", "--strategy", "bm25", "--runs", "7"), "must be even"),
        (("FILE", "--strategy", "bm25", "--repeats", "2"), "noise shows from 3 repeats on"),
        (("FILE", "--strategy", "bm25", "--design", "williams", "--within", "1"), "cannot stop early"),
        (("FILE",), "name at least one --strategy"),
        (("--runs-csv", "nowhere.csv"), "cannot read nowhere.csv"),
    ],
)
def test_wrong_use_exits_with_2_and_says_what_to_do(command, file, arguments, said):
    result = command(*(file if item == "FILE" else item for item in arguments))
    assert result.exit_code == 2
    assert said in result.stderr


def test_too_few_documents_or_too_many_for_a_square_are_wrong_input(command, tmp_path):
    one = tmp_path / "one.json"
    one.write_text(json.dumps({"query": "q", "documents": ["a"]}))
    assert "take at least 2" in command(one, "--strategy", "bm25").stderr
    many = tmp_path / "many.json"
    many.write_text(json.dumps({"query": "q", "documents": [f"text {at}" for at in range(11)]}))
    result = command(many, "--strategy", "bm25", "--design", "williams")
    assert (result.exit_code, "take at most 10" in result.stderr) == (2, True)
