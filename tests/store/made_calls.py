"""Calls as the gateway makes them, and short ways to keep and find them."""

import asyncio
import hashlib

from reranking.archive import Call
from reranking.replies import Receipt, Text
from reranking.requests import Generate, Message

RECEIPT = Receipt("m-2026", {"temperature": 0, "stop": ["\n"]}, '{"text": "yes"}', 120, 3, 0, 0.0004, 0.25, 1)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def call(name="a", *, run="", source="sent", reply=None, **changes):
    request = Generate(model="p:m", task="grade", shown=(1, 0), messages=(Message("user", f"prompt {name}"),))
    values = {
        "run": run,
        "request": request,
        "model": "p:m",
        "key": digest(name),
        "parts": (),
        "reply": reply or Text(text=f"reply {name}", receipt=RECEIPT),
        "source": source,
        "started": 1_800_000_000.5,
        "seconds": 0.25,
    }
    return Call(**{**values, **changes})


def keep(store, *calls):
    async def all_of_them():
        await asyncio.gather(*(store.archive.keep(item) for item in calls))

    asyncio.run(all_of_them())


def find(store, *keys):
    return asyncio.run(store.archive.find(keys))
