"""The file of benchmark results: what was measured stays, also of a benchmark that is cut short."""

import json

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.harness import Row, keep, merge, read


def figures(path):
    return [(row["benchmark"], row["name"], row["value"]) for row in read(path)]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "results.json"
    merge("a", [Row("one", 1, "s"), Row("two", 2, "s")], path)
    merge("b", [Row("one", 9, "s")], path)
    return path


def test_a_row_that_is_kept_takes_the_place_of_the_older_one_of_its_name(path):
    keep("a", Row("one", 7, "s"), path)
    keep("a", Row("new", 3, "s"), path)
    assert figures(path) == [("a", "one", 7), ("a", "two", 2), ("a", "new", 3), ("b", "one", 9)]


def test_a_whole_benchmark_replaces_all_its_rows_and_no_others(path):
    merge("a", [Row("two", 5, "s")], path)
    assert figures(path) == [("a", "two", 5), ("b", "one", 9)]


def test_a_benchmark_that_fails_half_way_leaves_what_it_has_measured(path, monkeypatch, capsys):
    def half():
        yield Row("one", 4, "s")
        raise RuntimeError("the machine went away")

    monkeypatch.setattr(benchmarks, "discover", lambda: {"a": half})
    monkeypatch.setattr(benchmarks, "keep", lambda name, row: keep(name, row, path))
    monkeypatch.setattr("sys.argv", ["benchmarks", "--only", "a"])
    assert benchmarks.main() == 1
    assert figures(path) == [("a", "one", 4), ("a", "two", 2), ("b", "one", 9)]
    assert "Not measured: a" in capsys.readouterr().err


def test_the_file_is_never_half_written(path):
    keep("a", Row("one", 7, "s"), path)
    assert [item.name for item in path.parent.iterdir()] == ["results.json"]
    assert json.loads(path.read_text())
