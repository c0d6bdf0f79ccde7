"""The tables, and how a file gets them.

A change of the tables is a new entry at the end of MIGRATIONS; entries that were released
are never edited. Times are seconds since the epoch, JSON is text, NULL means unknown.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

MIGRATION_SET = "rerank-lens"

_FIRST = (
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        title TEXT,                  -- NULL while it is a draft
        query TEXT NOT NULL,         -- the draft's query, for lists
        strategies INTEGER NOT NULL, -- how many strategies the draft has
        created REAL NOT NULL,
        updated REAL NOT NULL,
        saved REAL,                  -- when it last got its title
        draft TEXT NOT NULL CHECK (json_valid(draft)) -- what the screens keep
    ) STRICT
    """,
    """
    CREATE TABLE candidate_lists (   -- one query and its documents; never changed
        id TEXT PRIMARY KEY,         -- SHA-256 of all that it holds
        query TEXT NOT NULL,
        query_nfc TEXT NOT NULL      -- the query as judgments name it
    ) STRICT
    """,
    """
    CREATE TABLE documents (
        candidate_list TEXT NOT NULL REFERENCES candidate_lists(id) ON DELETE CASCADE,
        position INTEGER NOT NULL,   -- 0-based: the document's identity
        id TEXT,                     -- a label; may repeat
        title TEXT,
        text TEXT NOT NULL,
        metadata TEXT NOT NULL CHECK (json_valid(metadata)),
        fingerprint TEXT NOT NULL,   -- SHA-256 of title and text; judgments name it
        PRIMARY KEY (candidate_list, position)
    ) STRICT
    """,
    """
    CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        session TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        kind TEXT NOT NULL,          -- comparison, bias
        candidate_list TEXT NOT NULL REFERENCES candidate_lists(id),
        spec TEXT NOT NULL CHECK (json_valid(spec)), -- strategies and what else it was started with
        seed INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled', 'failed')),
        created REAL NOT NULL,
        finished REAL,
        heartbeat REAL NOT NULL      -- a running job whose heartbeat is old was interrupted
    ) STRICT
    """,
    "CREATE INDEX jobs_of_session ON jobs (session, created)",
    "CREATE INDEX jobs_of_candidate_list ON jobs (candidate_list)",
    """
    CREATE TABLE rankings (
        job TEXT NOT NULL REFERENCES jobs(id) ON DELETE CASCADE,
        position INTEGER NOT NULL,   -- which of the job's strategies
        repetition INTEGER NOT NULL, -- which shuffle of a bias test; 0 otherwise
        input_order TEXT NOT NULL,   -- JSON: original positions in the order given to the strategy
        strategy TEXT NOT NULL,      -- JSON
        ranking TEXT NOT NULL CHECK (json_valid(ranking)),
        outcome TEXT NOT NULL,
        PRIMARY KEY (job, position, repetition)
    ) STRICT
    """,
    """
    CREATE TABLE requests (          -- what calls asked; shared by equal ones
        id TEXT PRIMARY KEY,         -- SHA-256 of kind and content
        content TEXT NOT NULL        -- JSON
    ) STRICT
    """,
    """
    CREATE TABLE calls (             -- every request a strategy made, and how it was answered
        id INTEGER PRIMARY KEY,
        job TEXT REFERENCES jobs(id) ON DELETE SET NULL,
        position INTEGER,
        repetition INTEGER,
        label TEXT,                  -- whose call it was, if not a job's
        model TEXT NOT NULL,
        kind TEXT NOT NULL,
        task TEXT NOT NULL,
        shown TEXT NOT NULL,         -- JSON: original positions in the order of the prompt
        request TEXT REFERENCES requests(id), -- NULL once its session was deleted
        key TEXT,                    -- of its reply in replies, if it can be cached
        parts TEXT NOT NULL,         -- JSON: keys of the single texts, if cached per text
        source TEXT NOT NULL,        -- sent; cache or shared: no new call was made; none
        failed_code TEXT,
        failed_message TEXT,
        raw TEXT,                    -- the reply as received, unless replies holds it
        answered_by TEXT NOT NULL,
        sent TEXT NOT NULL,          -- JSON: parameters really sent
        input_tokens INTEGER,
        output_tokens INTEGER,
        reasoning_tokens INTEGER,
        cost_usd REAL,
        retries INTEGER NOT NULL,
        started REAL NOT NULL,
        seconds REAL NOT NULL
    ) STRICT
    """,
    "CREATE INDEX calls_of_job ON calls (job, position)",
    "CREATE INDEX calls_of_request ON calls (request)",
    """
    CREATE INDEX paid_calls ON calls (job, cost_usd)
    WHERE source = 'sent' AND (failed_code IS NULL OR cost_usd IS NOT NULL)
    """,
    """
    CREATE TABLE replies (           -- the reply cache
        key TEXT PRIMARY KEY,
        model TEXT NOT NULL,
        kind TEXT NOT NULL,
        reply TEXT NOT NULL,         -- JSON
        bytes INTEGER NOT NULL,      -- size of reply
        created REAL NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE judgments (         -- append-only; the latest counts
        id INTEGER PRIMARY KEY,
        query TEXT NOT NULL,         -- NFC
        fingerprint TEXT NOT NULL,
        assessor TEXT NOT NULL,
        scale TEXT NOT NULL,
        verdict TEXT NOT NULL CHECK (verdict IN ('grade', 'cannot-tell', 'withdrawn')),
        grade INTEGER CHECK ((grade IS NULL) = (verdict <> 'grade')),
        note TEXT NOT NULL,
        at REAL NOT NULL
    ) STRICT
    """,
    "CREATE INDEX judgments_by_key ON judgments (query, fingerprint, assessor, scale)",
    """
    CREATE TRIGGER judgments_are_not_changed BEFORE UPDATE ON judgments
    BEGIN SELECT raise(ABORT, 'judgments are append-only: add a new one'); END
    """,
    """
    CREATE TRIGGER judgments_are_not_deleted BEFORE DELETE ON judgments
    BEGIN SELECT raise(ABORT, 'judgments are append-only: withdraw it with a new one'); END
    """,
    """
    CREATE VIEW latest_judgments AS
    SELECT * FROM judgments AS latest WHERE NOT EXISTS (
        SELECT 1 FROM judgments AS later
        WHERE later.query = latest.query AND later.fingerprint = latest.fingerprint
            AND later.assessor = latest.assessor AND later.scale = latest.scale AND later.id > latest.id
    )
    """,
    """
    CREATE VIEW spending AS
    SELECT model, count(*) AS calls, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
        total(cost_usd) AS cost_usd, count(*) - count(cost_usd) AS calls_of_unknown_cost
    FROM calls WHERE source = 'sent' AND (failed_code IS NULL OR cost_usd IS NOT NULL) GROUP BY model
    """,
)

_CACHE_SIZES = ("CREATE INDEX replies_of_model ON replies (model, created, bytes)",)

_CONNECTIONS = (
    """
    CREATE TABLE connections (       -- set up by a person; no keys
        name TEXT PRIMARY KEY,       -- begins the names of its models: name:model
        kind TEXT NOT NULL CHECK (kind IN ('openai', 'anthropic', 'rerank', 'folder')),
        place TEXT NOT NULL,         -- base URL or folder; empty where the connection is built in
        concurrency INTEGER,         -- requests at once
        per_minute INTEGER,          -- requests that begin in any minute
        temperature REAL,            -- NULL: not sent
        input_price REAL,            -- US dollars for a million tokens; all prices NULL: the price list
        output_price REAL,
        request_price REAL,          -- US dollars for a thousand requests
        changed REAL NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE tested_models (     -- what a test found out
        model TEXT PRIMARY KEY,      -- full name
        at REAL NOT NULL,
        found TEXT NOT NULL CHECK (json_valid(found))
    ) STRICT
    """,
)

_PROBLEMS_OF_JOBS = ("ALTER TABLE jobs ADD COLUMN problem TEXT NOT NULL DEFAULT ''",)

_STRATEGY_SETS = (
    """
    CREATE TABLE strategy_sets (     -- strategies under a name, to be used again
        name TEXT PRIMARY KEY,
        entries TEXT NOT NULL CHECK (json_valid(entries)), -- the screens' lines
        saved REAL NOT NULL
    ) STRICT
    """,
)

_DELETED_SESSIONS = ("ALTER TABLE sessions ADD COLUMN deleted REAL",)  # when; it can be restored for a while

_COUNTED_CALLS = (  # what a spending limit took a call to cost, where that is not known
    "ALTER TABLE calls ADD COLUMN counted_usd REAL",
)

_FAILED_CALLS = (  # what may have been charged for a call that failed is not known, and is spending all the same
    """
    UPDATE calls SET cost_usd = 0 WHERE source = 'sent' AND cost_usd IS NULL AND failed_code IN (
        'no-key', 'bad-key', 'unknown-model', 'rate-limit', 'server', 'bad-request', 'context-too-long'
    )
    """,
    "DROP INDEX paid_calls",
    """
    CREATE INDEX paid_calls ON calls (job, cost_usd)
    WHERE source = 'sent' AND (failed_code IS NULL OR cost_usd IS NOT 0)
    """,
    "DROP VIEW spending",
    """
    CREATE VIEW spending AS
    SELECT model, count(*) AS calls, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
        total(cost_usd) AS cost_usd, count(*) - count(cost_usd) AS calls_of_unknown_cost
    FROM calls WHERE source = 'sent' AND (failed_code IS NULL OR cost_usd IS NOT 0) GROUP BY model
    """,
    "DELETE FROM tested_models WHERE json_extract(found, '$.problem') <> ''",  # one person's, with one key
)

_CALLS_OF_KILLED_SERVERS = (  # a call that was under way then has no row in calls, and may have been charged for
    # what a job with a spending limit may have spent at most, as it last said
    "ALTER TABLE jobs ADD COLUMN at_most_usd REAL NOT NULL DEFAULT 0",
    # what it may have spent without a record, as found when it was resumed
    "ALTER TABLE jobs ADD COLUMN unrecorded_usd REAL NOT NULL DEFAULT 0",
)

MIGRATIONS: dict[str, tuple[str, ...]] = {
    "0001_first_tables": _FIRST,
    "0002_cache_sizes": _CACHE_SIZES,
    "0003_connections": _CONNECTIONS,
    "0004_problems_of_jobs": _PROBLEMS_OF_JOBS,
    "0005_strategy_sets": _STRATEGY_SETS,
    "0006_deleted_sessions": _DELETED_SESSIONS,
    "0007_counted_calls": _COUNTED_CALLS,
    "0008_failed_calls": _FAILED_CALLS,
    "0009_calls_of_killed_servers": _CALLS_OF_KILLED_SERVERS,
}
"""Statements by the name under which they are recorded as applied, oldest first."""


def applied(connection: sqlite3.Connection) -> list[str]:
    """The names of the migrations that the file has, oldest first."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'").fetchone()
    if found is None:
        return []
    rows = connection.execute(
        "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY id", (MIGRATION_SET,)
    )
    return [name for (name,) in rows]


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the missing migrations inside the transaction that is open on `connection`."""
    # Here, because it brings pandas along where that is installed, and only a file that lacks something needs it.
    import sqlite_utils

    migrations = sqlite_utils.Migrations(MIGRATION_SET)
    for name, statements in MIGRATIONS.items():
        migrations(name=name)(_runner(statements))
    migrations.apply(sqlite_utils.Database(connection, execute_plugins=False, strict=True))


def _runner(statements: tuple[str, ...]) -> Callable[[Any], None]:
    def run(database: Any) -> None:
        for statement in statements:
            database.conn.execute(statement)

    return run
