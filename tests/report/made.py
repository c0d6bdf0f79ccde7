"""Sessions for reports, made with real jobs."""

from __future__ import annotations

from reranking.documents import Document
from reranking.draft import Draft, Entry
from reranking.strategies.catalogue import make

TEXTS = ["a clock that ticks", "apple pie with cream", "motor oil", "apple juice", "blue sky", "an apple tart"]
FRUIT = [Document(text, id=f"d{at}", title=f"About {text}") for at, text in enumerate(TEXTS)]


def draft_of(query, documents, strategies, labels=(), others=()):
    """What is entered: strategies as names, dicts or objects, with what the user calls them."""
    made = [make(one) for one in strategies]
    called = [*labels, *[""] * (len(made) - len(labels))]
    draft = Draft(query, shelf=[Entry(one.spec(), label=label) for one, label in zip(made, called, strict=True)])
    draft.load(documents, "a test")
    draft.others = list(others)
    return draft


def session_of(store, draft):
    return store.sessions.new(draft.to_json())


def run(jobs, session, draft, resolve=lambda ref: ref, *, kind="comparison", entered=None, seconds=30, **options):
    """Run what is entered and return how it ended."""
    entered = entered or draft
    job = jobs.start(session, kind, entered.query, entered.documents(), draft.strategies(), resolve, **options)
    return jobs.wait(job, seconds)


def compared(jobs, query="apple tart", documents=FRUIT, strategies=("bm25", "input-order"), resolve=lambda ref: ref,
             labels=()):  # fmt: skip
    """A session with one comparison: (session, job)."""
    draft = draft_of(query, documents, strategies, labels)
    session = session_of(jobs.store, draft)
    return session, run(jobs, session, draft, resolve)
