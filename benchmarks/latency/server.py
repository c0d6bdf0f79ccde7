"""The peers' server on a fixed clock, with the answers to this product's own prompts.

Run as `python server.py PORT LATENCY_S PEERS_FOLDER` in an environment that has aiohttp.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import re
import selectors
import sys
from pathlib import Path

LETTER = "Answer with one letter"
SURE = 0.9
TOP_GRADE = 10


def load(folder: Path):
    """The module `server.py` of `folder`, which answers our prompts too."""
    spec = importlib.util.spec_from_file_location("peers_server", folder / "server.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    theirs = module.answer

    def answer(body):
        found = ours(module.text_of(body["messages"]), body, module.GRADE)
        return found if found is not None else theirs(body)

    module.answer = answer
    return module


def ours(text: str, body: dict, marked: re.Pattern):
    """The answer to one of our prompts in the form of the peers' server; None if it is none of ours.

    Yes or no, and orders by schema, are answered right by the peers' server as it is.
    """
    grades = [int(grade) for grade in marked.findall(text)]
    if LETTER in text and len(grades) > 1:
        letters = [chr(ord("A") + at) for at in range(len(grades))]
        best = letters[grades.index(max(grades))]
        likely = [(best, SURE), *((other, (1 - SURE) / len(grades)) for other in letters if other != best)]
        return "our-letter", len(grades), best, None, likely if body.get("logprobs") else None
    schema = (body.get("response_format") or {}).get("json_schema", {}).get("schema", {})
    if "score" in schema.get("properties", {}) and len(grades) == 1:
        said = {"reason": "It says so.", "quotes": [], "score": round(grades[0] * TOP_GRADE / 100)}
        return "our-grade", 1, json.dumps(said), None, None
    return None


if __name__ == "__main__":
    server = load(Path(sys.argv[3]))
    # epoll wakes at whole milliseconds, select when it was asked to: else every reply is up to 1 ms late.
    precise = asyncio.SelectorEventLoop(selectors.SelectSelector())
    port = int(sys.argv[1])
    server.web.run_app(server.app, host="127.0.0.1", port=port, access_log=None, print=None, backlog=512, loop=precise)
