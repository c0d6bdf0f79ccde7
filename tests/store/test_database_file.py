"""The file: opening it, sharing it between processes, and what is said when it cannot be used."""

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from reranking.store import StoreError, open_store
from reranking.store.database import Database
from reranking.store.schema import MIGRATION_SET, MIGRATIONS
from reranking.store.store import Store

WRITER = """
import sys
from pathlib import Path
from reranking.store.store import Store
store = Store(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.readline()
for at in range(int(sys.argv[3])):
    with store.database.write() as connection:
        for half in "ab":
            connection.execute(
                "INSERT INTO replies VALUES (?, 'm', 'text', '{}', 2, 0.0)", (f"{sys.argv[2]}-{at}-{half}",))
store.close()
"""


def process(code, *arguments):
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdin=pipe, stdout=pipe, text=True)


def test_several_processes_can_open_a_new_file_at_once_and_none_of_their_transactions_is_lost(path):
    processes = [process(WRITER, path, name, 100) for name in range(4)]
    assert [item.stdout.readline() for item in processes] == ["open\n"] * 4
    for item in processes:
        item.stdin.write("go\n")
        item.stdin.flush()
    for item in processes:
        item.communicate()
    assert [item.returncode for item in processes] == [0] * 4
    with sqlite3.connect(path) as connection:
        keys = {key for (key,) in connection.execute("SELECT key FROM replies")}
        applied = connection.execute("SELECT name FROM _sqlite_migrations").fetchall()
    assert keys == {f"{name}-{at}-{half}" for name in range(4) for at in range(100) for half in "ab"}
    assert applied == [(name,) for name in MIGRATIONS]


def test_threads_share_one_store_and_none_of_their_transactions_is_lost(path):
    barrier = threading.Barrier(8)

    def work(name):
        barrier.wait()
        store = open_store(path)
        for at in range(25):
            store.judgments.add("q", f"{name}-{at}", "ann", "0-3", 1)
        return store

    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(work, range(8)))
    assert len({id(store) for store in stores}) == 1
    assert len(stores[0].judgments.grades("q", "0-3")) == 200
    stores[0].close()


def test_one_path_is_one_store_however_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = open_store("a.db")
    assert open_store(tmp_path / "sub" / ".." / "a.db") is first
    assert open_store("b.db") is not first
    first.close()
    again = open_store("a.db")
    assert again is not first
    again.close()
    open_store("b.db").close()


def test_the_default_path_and_the_variable_that_overrides_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RERANK_LENS_DB", raising=False)
    store = open_store()
    assert store.path == tmp_path / "data" / "rerank-lens.db"
    assert store.path.is_file()
    store.close()
    monkeypatch.setenv("RERANK_LENS_DB", str(tmp_path / "elsewhere" / "x.db"))
    store = open_store()
    assert store.path == tmp_path / "elsewhere" / "x.db"
    store.close()


def test_a_transaction_that_raises_leaves_nothing(store):
    def interrupted():
        with store.database.write() as connection:
            connection.execute("INSERT INTO replies VALUES ('k', 'm', 'text', '{}', 2, 0.0)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert store.cache.size().replies == 0
    store.sessions.new({})


def test_every_table_is_strict_and_foreign_keys_are_on(store):
    with store.database.read() as connection:
        tables = connection.execute("SELECT name, strict FROM pragma_table_list WHERE type = 'table'").fetchall()
        ours = [tuple(row) for row in tables if not row["name"].startswith("sqlite_")]
        assert len(ours) > 8
        assert [name for name, strict in ours if not strict] == []
        assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    with pytest.raises(sqlite3.IntegrityError), store.database.write() as connection:
        connection.execute("INSERT INTO replies VALUES ('k', 'm', 'text', '{}', 'many', 0.0)")


def test_turning_the_write_ahead_log_on_waits_for_another_writer(path, monkeypatch):
    Store(path).close()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = DELETE")
    use_wal = Database._use_wal

    def while_another_writes(self, connection):
        other.execute("BEGIN IMMEDIATE")
        use_wal(self, connection)

    monkeypatch.setattr(Database, "_use_wal", while_another_writes)
    monkeypatch.setattr("reranking.store.database.time.sleep", lambda seconds: other.execute("COMMIT"))
    store = Store(path)
    with store.database.read() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    store.close()
    other.close()


def test_an_older_file_gets_what_it_lacks_and_keeps_what_it_has(path, monkeypatch):
    old = Store(path)
    session = old.sessions.new({"query": "kept"})
    old.close()
    monkeypatch.setitem(MIGRATIONS, "0002_tags", ("ALTER TABLE sessions ADD COLUMN tag TEXT",))
    new = Store(path)
    assert new.sessions.get(session).draft == {"query": "kept"}
    with new.database.read() as connection:
        assert connection.execute("SELECT tag FROM sessions").fetchone()[0] is None
    new.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(path, monkeypatch):
    Store(path).close()
    monkeypatch.setitem(MIGRATIONS, "0002_bad", ("CREATE TABLE half (x) ", "CREATE TABLE nonsense"))
    with pytest.raises(sqlite3.OperationalError):
        Store(path)
    monkeypatch.delitem(MIGRATIONS, "0002_bad")
    store = Store(path)
    with store.database.read() as connection:
        assert connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchone() is None
    store.close()


def test_opening_an_up_to_date_file_does_not_import_the_migration_library(path):
    Store(path).close()
    code = (
        "import sys; from pathlib import Path; from reranking.store.store import Store; "
        "Store(Path(sys.argv[1])).close(); assert 'sqlite_utils' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)


def refused(path):
    with pytest.raises(StoreError) as caught:
        Store(path)
    message = str(caught.value)
    assert str(path) in message or str(path.parent) in message
    return message


def test_a_file_that_is_not_a_database_is_named_and_left_alone(path):
    content = b"these are my notes, not a database\n" * 100
    path.write_bytes(content)
    assert "not a database" in refused(path)
    assert path.read_bytes() == content


def test_the_database_of_another_program_is_refused_and_left_alone(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()
    content = path.read_bytes()
    assert "another program" in refused(path)
    assert path.read_bytes() == content


def test_the_file_of_a_newer_version_is_refused_and_says_to_update(path):
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, '0999_future', '')",
            (MIGRATION_SET,),
        )
    connection.close()
    message = refused(path)
    assert "newer version" in message
    assert "0999_future" in message


def test_a_damaged_file_says_so(path):
    store = Store(path)
    for at in range(200):
        store.sessions.new({"query": f"{at}" * 500})
    store.close()
    content = path.read_bytes()
    path.write_bytes(content[:8192] + b"\xff" * (len(content) - 8192))
    with pytest.raises(StoreError, match="damaged"):
        Store(path).sessions.all()


def test_a_path_that_cannot_be_a_file_is_refused(tmp_path):
    assert "RERANK_LENS_DB" in refused(tmp_path)
    (tmp_path / "file").write_text("x")
    assert "RERANK_LENS_DB" in refused(tmp_path / "file" / "lens.db")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_cannot_be_written_is_refused(path, what):
    Store(path).close()
    target, mode = (path, 0o400) if what == "file" else (path.parent, 0o500)
    target.chmod(mode)
    try:
        assert "writable" in refused(path)
    finally:
        target.chmod(0o700)


def test_a_closed_store_says_so(path):
    store = Store(path)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.sessions.all()


def test_failed_calls_of_an_older_file_are_free_where_that_is_known_else_spending_of_unknown_cost(path, monkeypatch):
    known = dict(MIGRATIONS)
    monkeypatch.delitem(MIGRATIONS, "0008_failed_calls")
    open_store(path).close()
    rows = [("rate-limit", None), ("timeout", None), ("bad-reply", 0.5), (None, 0.25)]
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO calls (model, kind, task, shown, parts, source, answered_by, sent, retries, started, seconds,"
            " failed_code, cost_usd) VALUES ('m', 'generate', '', '[]', '[]', 'sent', '', '{}', 0, 0, 0, ?, ?)", rows,
        )  # fmt: skip
        for name, problem in (("good", ""), ("bad", "The key was refused.")):
            found = {"place": "", "at": 1.0, "problem": problem}
            connection.execute("INSERT INTO tested_models VALUES (?, 1.0, ?)", (name, json.dumps(found)))
    monkeypatch.setitem(MIGRATIONS, "0008_failed_calls", known["0008_failed_calls"])
    store = open_store(path)
    (spent,) = store.calls.spending()
    assert (spent.calls, spent.cost_usd, spent.calls_of_unknown_cost) == (3, 0.75, 1)
    assert list(store.connections.tested()) == ["good"]
    store.close()
