"""Calls: every request that a strategy made, and how it was answered."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reranking.archive import Call, Source, replies_to_keep
from reranking.replies import NO_RECEIPT, Failed, Reply
from reranking.store.database import Database
from reranking.store.values import from_text, legible, plain_text, reply_from_text, reply_to_text

RECORDED_USD = "SELECT total(coalesce(counted_usd, cost_usd)) FROM calls WHERE job = :job AND source = 'sent'"
"""What the recorded calls of a job count towards its limit, as a query."""

_WANTED = """
    FROM calls WHERE job = :job
    AND position = ifnull(:position, position) AND repetition = ifnull(:repetition, repetition)
    AND (:shown IS NULL OR EXISTS (SELECT 1 FROM json_each(calls.shown) WHERE value = :shown))
"""
_REQUEST = """
    position, repetition, shown,
    CASE WHEN key IS NOT NULL THEN json_array(key) WHEN parts <> '[]' THEN parts ELSE id END
"""
"""What tells the requests of a job apart. What cannot be cached is a request of its own whenever it is asked."""
_ANSWERED = "failed_code IS NOT NULL, iif(failed_code IS NULL, id, -id)"
"""The order of the calls for one request: the first that brought the answer, and failures from the last one on."""

_LABEL = re.compile(r"([^/]+)/(\d+)/(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """A call as it was recorded.

    `request` is the content that was asked (see `Request.content`), None once it was deleted.
    `reply` is None if it failed, was joined from the replies to single texts, or has left the
    cache; `raw` is the reply as received. Tokens and `cost_usd` are those of the reply: they
    were spent on this call only if `source` is `sent`. None means unknown. `started` is in
    seconds since the epoch.
    """

    id: int
    position: int
    repetition: int
    model: str
    kind: str
    task: str
    shown: tuple[int, ...]
    request: Any
    source: Source
    reply: Reply | None
    failed: Failed | None
    raw: str
    answered_by: str
    sent: Mapping[str, Any]
    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    retries: int
    started: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Spending:
    """What the sent calls to one model took, failed ones that were free left out.

    `cost_usd` leaves out `calls_of_unknown_cost`, of which some may have failed.
    """

    model: str
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float
    calls_of_unknown_cost: int


class Calls:
    """The recorded calls of a store, for inspection."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(
        self,
        job: str,
        position: int | None = None,
        repetition: int | None = None,
        shown: int | None = None,
        *,
        once: bool = False,
        first: int = 0,
        most: int | None = None,
    ) -> list[CallRow]:
        """The calls of a job, in the order in which they were answered.

        Only those of the strategy at `position`, of one repetition, and those that showed the
        candidate whose original position is `shown`, where these are given. With `once` only one of
        those that a strategy made for the same request, as when it was resumed: the first that brought
        the answer, the last if none did. Of these at most `most`, from the one at `first` (0-based) on.
        """
        nth = f"row_number() OVER (PARTITION BY {_REQUEST} ORDER BY {_ANSWERED})" if once else "1"
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT wanted.*, requests.content, replies.reply FROM (SELECT *, {nth} AS nth {_WANTED}) wanted "  # noqa: S608 - our own
                "LEFT JOIN requests ON requests.id = wanted.request "
                "LEFT JOIN replies ON replies.key = wanted.key AND wanted.failed_code IS NULL "
                "WHERE nth = 1 ORDER BY wanted.id LIMIT :most OFFSET :first",
                {
                    "job": job,
                    "position": position,
                    "repetition": repetition,
                    "shown": shown,
                    "first": first,
                    "most": -1 if most is None else most,
                },
            ).fetchall()
        return [_call(row) for row in rows]

    def count(self, job: str, position: int | None = None, shown: int | None = None, *, once: bool = False) -> int:
        """How many calls `of` would give for these arguments."""
        what = f"DISTINCT {_REQUEST}" if once else "id"
        with self._database.read() as connection:
            (number,) = connection.execute(
                f"SELECT count(*) FROM (SELECT {what} {_WANTED})",  # noqa: S608 - our own
                {"job": job, "position": position, "repetition": None, "shown": shown},
            ).fetchone()
        return int(number)

    def spent(self, job: str) -> float:
        """US dollars that count towards the limit of a job: what its calls cost, or may have cost at most.

        With those that were under way when a server was killed, as far as `Jobs.resume` found them.
        """
        with self._database.read() as connection:
            (dollars,) = connection.execute(
                f"SELECT total(unrecorded_usd) + ({RECORDED_USD}) FROM jobs WHERE id = :job",  # noqa: S608 - our own
                {"job": job},
            ).fetchone()
        return float(dollars)

    def answered(self, job: str) -> dict[tuple[int, int], set[str]]:
        """The keys of all that a job sent and that was answered, by position of the strategy and repetition."""
        found: dict[tuple[int, int], set[str]] = {}
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT position, repetition, key, parts FROM calls "
                "WHERE job = ? AND source = 'sent' AND failed_code IS NULL", (job,),
            )  # fmt: skip
            for position, repetition, key, parts in rows:
                keys = from_text(parts) if key is None else [key]
                found.setdefault((position, repetition), set()).update(keys)
        return found

    def spending(self) -> list[Spending]:
        """What was spent on each model, by name, deleted sessions included."""
        with self._database.read() as connection:
            return [Spending(*row) for row in connection.execute("SELECT * FROM spending ORDER BY model")]


@dataclass(frozen=True, slots=True)
class Written:
    """A call as rows, made before the database is locked. `replies` are rows of that table."""

    job: str | None
    request: str
    content: str
    raw: str
    values: Mapping[str, Any]
    replies: tuple[tuple[str, str, str, str, int, float], ...]


def written(call: Call) -> Written:
    """The rows that keep `call` and what it adds to the reply cache."""
    reply, model = call.reply, legible(call.model)
    failed = reply if isinstance(reply, Failed) else None
    receipt = reply.receipt or NO_RECEIPT
    kept = replies_to_keep(call)
    label = _LABEL.fullmatch(call.run)
    content = plain_text(call.request.content())
    whole = failed is None and call.key is not None and not call.parts
    return Written(
        job=label and label[1],
        request=hashlib.sha256(f"{call.request.kind}\n{content}".encode()).hexdigest(),
        content=content,
        raw="" if whole else legible(failed.raw if failed else receipt.raw),
        values={
            "position": label and int(label[2]),
            "repetition": label and int(label[3]),
            "label": None if label else legible(call.run),
            "model": model,
            "kind": call.request.kind,
            "task": legible(call.request.task),
            "shown": plain_text(call.request.shown),
            "key": call.key,
            "parts": plain_text(call.parts),
            "source": call.source,
            "failed_code": failed and legible(failed.code),
            "failed_message": failed and legible(failed.message),
            "answered_by": legible(receipt.model),
            "sent": plain_text(dict(receipt.sent or call.sent)),
            "input_tokens": receipt.input_tokens,
            "output_tokens": receipt.output_tokens,
            "reasoning_tokens": receipt.reasoning_tokens,
            "cost_usd": 0.0 if call.free else receipt.cost_usd,
            "counted_usd": call.counted_usd,
            "retries": max(receipt.retries, call.retries),
            "started": call.started,
            "seconds": call.seconds,
        },
        replies=tuple(_reply_row(key, model, item, call.started) for key, item in kept.items()),
    )


def insert(connection: sqlite3.Connection, batch: Iterable[Written]) -> None:
    """Write calls, their requests and their replies. A reply that is there already stays.

    A call whose job is gone, because its session was deleted meanwhile, is kept as a record of
    spending only, like the other calls of that session.
    """
    batch = list(batch)
    named = plain_text(sorted({item.job for item in batch if item.job is not None}))
    found = connection.execute("SELECT id FROM jobs WHERE id IN (SELECT value FROM json_each(?))", (named,))
    alive = {id for (id,) in found}
    rows, requests = [], []
    for item in batch:
        gone = item.job is not None and item.job not in alive
        if not gone:
            requests.append((item.request, item.content))
        rows.append(
            {
                **item.values,
                "job": None if gone else item.job,
                "request": None if gone else item.request,
                "raw": None if gone or not item.raw else item.raw,
            }
        )
    connection.executemany("INSERT OR IGNORE INTO requests VALUES (?, ?)", requests)
    connection.executemany(_INSERT_CALL, rows)
    connection.executemany(
        "INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?, ?, ?)", (row for item in batch for row in item.replies)
    )


_INSERT_CALL = """
INSERT INTO calls (
    job, position, repetition, label, model, kind, task, shown, request, key, parts, source, failed_code,
    failed_message, raw, answered_by, sent, input_tokens, output_tokens, reasoning_tokens, cost_usd, counted_usd,
    retries, started, seconds
) VALUES (
    :job, :position, :repetition, :label, :model, :kind, :task, :shown, :request, :key, :parts, :source, :failed_code,
    :failed_message, :raw, :answered_by, :sent, :input_tokens, :output_tokens, :reasoning_tokens, :cost_usd,
    :counted_usd, :retries, :started, :seconds
)
"""


def _reply_row(key: str, model: str, reply: Reply, created: float) -> tuple[str, str, str, str, int, float]:
    text = reply_to_text(reply)
    return key, model, reply.kind, text, len(text.encode()), created


_AS_THEY_ARE = (
    "id", "position", "repetition", "model", "kind", "task", "source", "answered_by", "input_tokens",
    "output_tokens", "reasoning_tokens", "cost_usd", "retries", "started", "seconds",
)  # fmt: skip


def _call(row: sqlite3.Row) -> CallRow:
    reply = None if row["reply"] is None else reply_from_text(row["reply"])
    raw = row["raw"] or ""
    code = row["failed_code"]
    return CallRow(
        **{name: row[name] for name in _AS_THEY_ARE},
        shown=tuple(from_text(row["shown"])),
        request=None if row["content"] is None else from_text(row["content"]),
        reply=reply,
        failed=None if code is None else Failed(code, row["failed_message"], raw),
        raw=raw or (reply.receipt.raw if reply is not None else ""),
        sent=from_text(row["sent"]),
    )
