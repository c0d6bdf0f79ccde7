"""A real HTTP server on a local socket that breaks what it is told to break, and counts what it answered in full."""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import struct
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate

TOO_LONG = {"error": {"message": "This model's maximum context length is 900 tokens. You requested 1000 tokens."}}


@dataclass(frozen=True)
class Asked:
    """One request that arrived: where, with what, and how often the same had arrived before."""

    path: str
    body: dict
    key: str
    before: int


@dataclass(frozen=True)
class Answered:
    """How a request that arrived was dealt with; `fault` is None if it was answered as it should be."""

    key: str
    fault: str | None
    seconds: float


class FaultyServer:
    """Serves in a thread of its own, as a context manager.

    `reply(path, body)` is the right answer's JSON. `plan(asked)` names the fault of `FAULTS`
    that a request meets, or None, or one of `others`: replies that are sent in full, but are not
    what was wished for. `log` holds every request that was dealt with.
    """

    def __init__(self, reply, plan=lambda asked: None, others=None):
        self.reply, self.plan, self.others = reply, plan, others or {}
        self.log: list[Answered] = []
        self.bodies: dict[str, dict] = {}
        self.arrived: Counter[str] = Counter()
        self.in_full: set[str] = set()  # what was answered to its last byte, with a reply that can be read
        self.again: list[str] = []  # what arrived after that
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24, backlog=1000), self._loop
        ).result()
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *error):
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def faults(self):
        """How often each fault was met."""
        return Counter(entry.fault for entry in self.log if entry.fault is not None)

    async def _close(self):
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader, writer):
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, OSError):
            pass  # the client has gone
        finally:
            writer.close()

    async def _one(self, reader, writer):
        """Deal with one request; whether the connection stays open."""
        first = await reader.readexactly(1)
        if first == b"\x16":  # the beginning of TLS
            await send(writer, 400, {"error": {"message": "this is plain HTTP"}})
            return False
        head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
        }
        path = head.split(" ")[1]
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        key = hashlib.sha256(path.encode() + raw).hexdigest()
        body = json.loads(raw) if raw else {}
        if key in self.in_full:
            self.again.append(key)
        asked = Asked(path, body, key, self.arrived[key])
        self.arrived[key] += 1
        self.bodies[key] = body
        fault = self.plan(asked)
        self.log.append(Answered(key, fault, time.monotonic()))
        if fault is None or fault in self.others:
            answer = self.reply if fault is None else self.others[fault]
            await send(writer, 200, answer(path, body))
            self.in_full.add(key)
            return True
        return await FAULTS[fault](writer, lambda: self.reply(path, body))


async def send(writer, status, body, headers=None, declared=None):
    """One response; `declared` is a content length other than the true one."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} X", "content-type: application/json"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    lines.append(f"content-length: {len(data) if declared is None else declared}")
    writer.write("\r\n".join([*lines, "", ""]).encode() + data)
    await writer.drain()


def _status(status, body=None, **headers):
    async def fault(writer, reply):
        told = {name.replace("_", "-"): value() if callable(value) else value for name, value in headers.items()}
        await send(writer, status, body or {"error": {"message": "the server says no"}}, told)
        return True

    return fault


async def _hang(writer, reply):
    await asyncio.sleep(3600)


async def _reset(writer, reply):
    line = writer.get_extra_info("socket")
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _half(writer, reply):
    data = json.dumps(reply()).encode()
    await send(writer, 200, data[: len(data) // 2], declared=len(data))


async def _malformed(writer, reply):
    data = json.dumps(reply()).encode()
    await send(writer, 200, data[: len(data) // 2])
    return True


async def _page(writer, reply):
    await send(writer, 200, b"<html><h1>It works!</h1></html>")
    return True


async def _nothing(writer, reply):
    await send(writer, 200, b"")
    return True


async def _garbled(writer, reply):
    await send(writer, 200, b"this is not gzip", {"content-encoding": "gzip"})
    return True


async def _drip(writer, reply):
    """A byte now and then, so that no single read takes long."""
    with suppress(OSError):
        await send(writer, 200, b"{", declared=100_000)
        while True:
            await asyncio.sleep(0.05)
            writer.write(b" ")
            await writer.drain()


FAULTS = {
    "429": _status(429),
    "429, 1 s": _status(429, retry_after="1"),
    "429, 20 ms": _status(429, retry_after="0.02"),
    "429, a date": _status(429, retry_after=lambda: formatdate(time.time() + 1, usegmt=True)),
    "429, an hour": _status(429, retry_after="3600"),
    "429, a date in an hour": _status(429, retry_after=lambda: formatdate(time.time() + 3600, usegmt=True)),
    "429, no quota": _status(429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}),
    "429, too large": _status(429, {"error": {"message": "Request too large: Limit 30000, Requested 35000."}}),
    "500": _status(500),
    "502": _status(502, b"<html><h1>Bad gateway</h1></html>"),
    "503": _status(503),
    "529": _status(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    "expired key": _status(401, {"error": {"message": "The key has expired"}}),
    "unknown model": _status(404, {"error": {"message": "the model does not exist", "code": "model_not_found"}}),
    "context too long": _status(400, TOO_LONG),
    "hang": _hang,
    "reset": _reset,
    "half": _half,
    "malformed": _malformed,
    "page": _page,
    "nothing": _nothing,
    "garbled": _garbled,
    "drip": _drip,
}
"""Faults by name: coroutines that get the writer and what gives the right reply, and tell whether to go on."""


def short_pauses(monkeypatch):
    """Let the SDKs pause for a moment only between their tries; what a server asks for still holds."""
    import anthropic._base_client
    import openai._base_client

    for module in (openai._base_client, anthropic._base_client):
        monkeypatch.setattr(module, "INITIAL_RETRY_DELAY", 0.001)
        monkeypatch.setattr(module, "MAX_RETRY_DELAY", 0.01)
