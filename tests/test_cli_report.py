"""`rerank-lens report` keeps its contract: which session, which file, exit codes, and nothing made by looking."""

import pytest
from click.testing import CliRunner

from reranking.cli import main
from reranking.jobs import Jobs
from reranking.store import open_store
from tests.report.made import compared
from tests.report.reading import Page


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder that the command works in, which holds no database."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("RERANK_LENS_DB", str(tmp_path / "cli.db"))
    return work


@pytest.fixture
def sessions(folder, tmp_path):
    """Two sessions, the older one first; the newer one has a title."""
    store = open_store(tmp_path / "cli.db")
    jobs = Jobs(store, lambda ref: ref)
    older, _ = compared(jobs, query="the older query")
    newer, _ = compared(jobs, query="the newer query")
    store.sessions.save(newer, "Apples: a test?")
    store.close()
    return older, newer


def report(*arguments):
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_without_an_id_it_is_the_session_that_was_changed_last_in_a_file_named_after_it(sessions, folder):
    result = report()
    assert result.exit_code == 0, result.output
    (made,) = folder.iterdir()
    assert result.stdout.strip() == made.name
    assert made.name.endswith("-report.html")
    assert "pples" in made.name
    page = Page(made.read_text(encoding="utf-8"))
    assert page.says("Apples: a test?")
    assert page.says("the newer query")
    assert not page.says("the older query")


def test_an_id_names_the_session(sessions, folder):
    older, _ = sessions
    assert report(older).exit_code == 0
    (made,) = folder.iterdir()
    assert Page(made.read_text(encoding="utf-8")).says("the older query")


def test_output_names_the_file_which_is_replaced(sessions, folder):
    target = folder / "mine.html"
    target.write_text("old")
    result = report("-o", target)
    assert (result.exit_code, result.stdout.strip()) == (0, str(target))
    assert [one.name for one in folder.iterdir()] == ["mine.html"]
    assert Page(target.read_text(encoding="utf-8")).says("the newer query")


def test_a_dash_writes_the_page_and_nothing_else_to_standard_output(sessions, folder):
    older, _ = sessions
    result = report(older, "-o", "-")
    assert result.exit_code == 0
    assert list(folder.iterdir()) == []
    report(older, "-o", "same.html")
    assert result.stdout_bytes == (folder / "same.html").read_bytes()


def test_an_unknown_session_is_wrong_usage_that_lists_those_there_are(sessions, folder):
    result = report("no-such")
    assert result.exit_code == 2
    assert "'no-such'" in result.stderr
    assert all(one in result.stderr for one in sessions)
    assert list(folder.iterdir()) == []


def test_where_there_is_no_database_none_is_made(folder, tmp_path):
    for arguments in ((), ("some-id",), ("--db", tmp_path / "other.db")):
        result = report(*arguments)
        assert result.exit_code == 2
        assert "there is no database" in result.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["work"]
    assert list(folder.iterdir()) == []


def test_a_database_without_sessions_says_so(folder, tmp_path):
    open_store(tmp_path / "cli.db").close()
    result = report()
    assert result.exit_code == 2
    assert "no session" in result.stderr
    assert "Sessions there are: none" in report("some-id").stderr


def test_a_database_named_on_the_command_line_comes_before_the_one_of_the_environment(sessions, tmp_path, monkeypatch):
    monkeypatch.setenv("RERANK_LENS_DB", str(tmp_path / "missing.db"))
    assert report("--db", tmp_path / "cli.db", "-o", "-").exit_code == 0


@pytest.mark.parametrize("name", ["missing/folder/x.html", "taken"])
def test_a_target_that_cannot_be_written_is_named_with_why(sessions, folder, name):
    (folder / "taken").mkdir()
    result = report("-o", name)
    assert result.exit_code == 2
    assert name in result.stderr
    assert "Traceback" not in result.output


def test_a_file_that_is_no_database_is_wrong_usage(folder, tmp_path):
    (tmp_path / "cli.db").write_text("no database at all, only words " * 100)
    result = report()
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
