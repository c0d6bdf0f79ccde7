"""What many tests need: candidates, a way to run one strategy, a way to run coroutines."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from reranking.documents import Document, as_candidates
from reranking.engine import run_strategy
from reranking.gateway import Gateway
from reranking.providers import embedded

SHARED = Path(__file__).parents[2] / "shared"

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the reference material beside the project is absent")


def needs(name):
    """Skips a test where the bundled model `name` is not installed."""
    reason = embedded._missing(name)
    return pytest.mark.skipif(bool(reason), reason=reason)


FILLER = ["harbour", "lantern", "velvet", "marble", "orchid", "copper", "thunder", "meadow", "pillow", "anchor"]


def documents(count):
    """`count` short documents with different words."""
    return [Document(f"{FILLER[at % 10]} {FILLER[(at // 10) % 10]} text number {at}") for at in range(count)]


def candidates(count):
    return as_candidates(documents(count))


def gateway(archive=None):
    """A gateway for models given as objects."""
    return Gateway(lambda ref: ref, archive)


def rank(strategy, items, query="harbour lantern", through=None, **options):
    """Run `strategy` on candidates (or on that many generated ones) and return its ranking."""
    items = candidates(items) if isinstance(items, int) else items
    return asyncio.run(run_strategy(strategy, query, items, through or gateway(), **options))


def noveleval():
    """The 21 queries of NovelEval: (query id, query, documents, grades by position)."""
    folder = SHARED / "data" / "noveleval"
    grades = {}
    for line in (folder / "qrels.txt").read_text().splitlines():
        query, _, document, grade = line.split()
        grades[query, document] = int(grade)
    for entry in json.loads((folder / "data.json").read_text()):
        hits = entry["hits"]
        query_id = str(hits[0]["qid"])
        found = [Document(hit["content"], id=hit["docid"]) for hit in hits]
        yield query_id, entry["query"], found, {at: grades[query_id, hit["docid"]] for at, hit in enumerate(hits)}
