"""The command line keeps its contract: output, exit codes, and messages that say what to do."""

import json

import pytest
from click.testing import CliRunner

from reranking.cli import main


@pytest.fixture
def command(tmp_path, monkeypatch):
    monkeypatch.setenv("RERANK_LENS_DB", str(tmp_path / "cli.db"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*arguments, **options):
        return CliRunner().invoke(main, [str(item) for item in arguments], **options)

    return call


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "input.json"
    documents = ["a clock", {"id": "x", "text": "apple pie"}, "motor oil", "blue sky"]
    path.write_text(json.dumps({"query": "apple pie", "documents": documents}))
    return path


def test_json_output_is_the_contract(command, file):
    result = command("run", file, "--strategy", "bm25", "--json")
    assert result.exit_code == 0
    value = json.loads(result.stdout)
    assert list(value) == ["query", "rankings"]
    (ranking,) = value["rankings"]
    assert list(ranking) == ["strategy", "outcome", "score_kind", "items", "usage", "diagnostics"]
    assert ranking["strategy"]["kind"] == "bm25"
    assert [item["rank"] for item in ranking["items"]] == [1, 2, 3, 4]
    assert (ranking["items"][0]["index"], ranking["items"][0]["id"]) == (1, "x")
    assert [item["id"] for item in ranking["items"][1:]] == ["d1", "d3", "d4"]


def test_model_and_set_bind_to_the_strategy_before_them(command, file):
    result = command(
        "run", file, "--json", "--strategy", "yes-no", "--model", "simulated:overlap", "--set", "passage_words=7",
        "--strategy", "bm25", "--set", "k1=2.5", "--strategy", "bm25",
    )  # fmt: skip
    first, second, third = (ranking["strategy"] for ranking in json.loads(result.stdout)["rankings"])
    assert (first["model"], first["passage_words"]) == ("simulated:overlap", 7)
    assert (second["k1"], third["k1"]) == (2.5, 1.5)


def test_ties_are_explained_where_there_are_any_and_what_cost_nothing_is_called_free(command, file):
    ordered = command("run", file, "--strategy", "input-order").stdout
    tied = command("run", file, "--strategy", "bm25", "--query", "zebra").stdout
    assert "=" not in ordered
    assert "2= " in tied
    assert "  =: tied" in tied
    assert "free" in tied


@pytest.mark.parametrize("strategy", ["bm25(k1=2)", '{"kind": "bm25", "k1": 2}'])
def test_a_strategy_is_a_name_with_parameters_or_a_json_object(command, file, strategy):
    result = command("run", file, "--json", "--strategy", strategy)
    assert json.loads(result.stdout)["rankings"][0]["strategy"]["k1"] == 2


def test_the_default_model_of_a_strategy_is_named_in_the_output(command, file):
    result = command(
        "run", file, "--json", "--strategy", "cascade", "--set", 'stages=[{"strategy": {"kind": "dense"}}]'
    )
    stage = json.loads(result.stdout)["rankings"][0]["strategy"]["stages"][0]
    assert stage["strategy"]["model"] == "embedded:minilm"


def test_several_queries_give_one_object_per_line(command, tmp_path):
    path = tmp_path / "many.jsonl"
    path.write_text("\n".join(json.dumps({"query": q, "documents": ["one", "two"]}) for q in ("one", "two")))
    lines = command("run", path, "--json", "--strategy", "input-order").stdout.splitlines()
    assert [json.loads(line)["query"] for line in lines] == ["one", "two"]


def test_standard_input_is_read_and_the_query_can_be_given(command):
    result = command("run", "-", "--query", "one", "--strategy", "bm25", "--json", input='["one", "two", "three"]')
    assert json.loads(result.stdout)["query"] == "one"


def test_a_failed_strategy_exits_with_1_after_all_others_are_printed(command, file):
    result = command(
        "run", file, "--json", "--strategy", "yes-no", "--model", "openai:gpt-5-mini", "--strategy", "bm25"
    )
    assert result.exit_code == 1
    failed, fine = json.loads(result.stdout)["rankings"]
    assert failed["outcome"] == "failed"
    assert [item["rank"] for item in failed["items"]] == [None] * 4
    assert "OPENAI_API_KEY" in failed["diagnostics"][0]["message"]
    assert fine["outcome"] == "complete"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name at least one --strategy"),
        (["--strategy", "nonsense"], "no strategy 'nonsense'"),
        (["--strategy", "bm25", "--set", "k1=many"], "k1"),
        (["--strategy", "bm25", "--set", "k1"], "KEY=VALUE"),
        (["--strategy", "bm25", "--set", "colour=red"], "colour"),
        (["--model", "simulated:overlap", "--strategy", "yes-no"], "after the --strategy"),
        (["--strategy", "yes-no"], "needs a model"),
        (["--strategy", "yes-no", "--model", "nowhere:x"], "no provider 'nowhere'"),
        (["--strategy", "yes-no", "--model", "embedded:minilm"], "cannot serve"),
    ],
)
def test_wrong_use_exits_with_2_and_says_what_is_wrong(command, file, arguments, said):
    result = command("run", file, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read"),
        ("", "empty"),
        ('{"query": "x", "documents": []}', "no documents"),
        ('["one"]', "no query"),
        ('{"query": " ", "documents": ["one"]}', "no query"),
        ('{"query": "x",\n "documents": [', "line 2"),
    ],
)
def test_bad_input_exits_with_2_and_names_the_place(command, tmp_path, content, said):
    path = tmp_path / "bad.json"
    if content is not None:
        path.write_text(content)
    result = command("run", path, "--strategy", "bm25")
    assert result.exit_code == 2
    assert said in result.stderr


def test_strategies_lists_every_kind_with_its_parameters(command):
    rows = json.loads(command("strategies", "--json").stdout)
    assert all(list(row) == ["kind", "title", "parameters", "asks", "requests"] for row in rows)
    by_kind = {row["kind"]: row for row in rows}
    assert by_kind["bm25"]["parameters"]["properties"]["k1"]["minimum"] == 0
    assert by_kind["yes-no"]["asks"] == ["choose"]
    assert command("strategies").exit_code == 0


def test_models_lists_what_there_is_and_what_is_missing(command):
    rows = json.loads(command("models", "--json").stdout)
    assert all(list(row) == ["name", "answers", "available", "reason"] for row in rows)
    assert all(row["available"] or row["reason"] for row in rows)
    assert any(row["name"].startswith("simulated:") and row["available"] for row in rows)
    assert command("models").exit_code == 0


def test_replies_are_kept_and_not_asked_for_again(command, file):
    arguments = ("run", file, "--json", "--strategy", "yes-no", "--model", "simulated:overlap")
    first, second = (json.loads(command(*arguments).stdout)["rankings"][0] for _ in range(2))
    assert (first["usage"]["cached"], second["usage"]["cached"]) == (0, 4)
    assert first["items"] == second["items"]


def test_text_output_states_outcome_cost_and_ties(command, file):
    result = command("run", file, "--strategy", "bm25")
    assert "bm25: complete, BM25 (pool), 0 requests" in result.stdout
    assert "2=" in result.stdout
    assert "=: tied" in result.stdout
    failed = command("run", file, "--strategy", "yes-no", "--model", "openai:gpt-5-mini").stdout
    assert "=" not in failed


ESCAPES = "\x1b[2J\x9b31m\x07\u202e\r\nend"


def test_text_output_holds_nothing_that_a_terminal_obeys(command, tmp_path):
    path = tmp_path / "input.json"
    document = {"id": f"id{ESCAPES}", "title": f"title{ESCAPES}", "text": "apple"}
    path.write_text(json.dumps({"query": f"apple{ESCAPES}", "documents": [document, f"text{ESCAPES}"]}))
    result = command("run", path, "--strategy", "bm25")
    wrong = command("run", path, "--strategy", f"bm25{ESCAPES}")
    assert (result.exit_code, wrong.exit_code) == (0, 2)
    for output in (result.stdout, wrong.stderr):
        assert not any(char in output for char in "\x1b\x9b\x07\u202e\r")
        assert "end" in output
    assert "title[2J31m end" in result.stdout


def test_json_output_holds_nothing_that_a_terminal_obeys_and_reads_as_the_same_text(command, tmp_path):
    path = tmp_path / "input.json"
    strange = "apple\x1b[2J\x9b31m\x7f\u202e Zürich 東京 👩‍👩‍👧"
    path.write_text(json.dumps({"query": strange, "documents": [{"id": strange, "text": "apple"}]}))
    result = command("run", path, "--strategy", "bm25", "--json")
    assert not any(char in result.stdout for char in "\x1b\x9b\x7f\u202e")
    assert "Zürich 東京 👩" in result.stdout
    value = json.loads(result.stdout)
    assert (value["query"], value["rankings"][0]["items"][0]["id"]) == (strange, strange)


def test_the_text_listing_of_strategies_has_one_line_for_each(command):
    rows = json.loads(command("strategies", "--json").stdout)
    head, *lines = command("strategies").stdout.splitlines()
    assert head.split()[:2] == ["kind", "title"]
    assert [line.split()[0] for line in lines] == [row["kind"] for row in rows]
    for line, row in zip(lines, rows, strict=True):
        assert row["title"] in line
        assert set(row["asks"]) <= set(line.split())


def judged_file(folder, grades):
    documents = [
        {"text": f"text {at}", **({} if grade is None else {"grade": grade})} for at, grade in enumerate(grades)
    ]
    file = folder / "judged.json"
    file.write_text(json.dumps({"query": "text", "documents": documents}))
    return str(file)


@pytest.mark.models
def test_heads_chosen_on_judged_queries_are_a_parameter_of_attention(command, tmp_path):
    from tests.providers.test_causal import language_model

    model = f"hf:{language_model(tmp_path / 'tiny')}"
    file = judged_file(tmp_path, [1, 0, 0])
    found = command("heads", file, "--model", model, "--count", "2", "--json")
    value = json.loads(found.stdout)
    assert (value["model"], len(value["heads"]), value["left_out"]) == (model, 2, [])
    setting = f"heads={json.dumps(value['heads'])}"
    run = command("run", file, "--strategy", "attention", "--model", model, "--set", setting, "--json")
    ranking = json.loads(run.stdout)["rankings"][0]
    assert (ranking["outcome"], ranking["strategy"]["heads"]) == ("complete", value["heads"])


def test_heads_cannot_be_chosen_without_grades_or_attention(command, tmp_path):
    none = command("heads", judged_file(tmp_path, [None, None]), "--model", "embedded:smollm2")
    assert none.exit_code == 2
    assert "needs a relevant and an irrelevant document" in none.stderr
    unable = command("heads", judged_file(tmp_path, [1, 0]), "--model", "simulated:overlap")
    assert unable.exit_code == 2
    assert "Attend" in unable.stderr
