"""What is kept: sessions, jobs, rankings, calls, replies and judgments, in one SQLite file."""

from reranking.store.archive import StoreArchive
from reranking.store.cache import CacheSize
from reranking.store.calls import CallRow, Spending
from reranking.store.database import StoreError
from reranking.store.jobs import Job, JobKind, JobRow, JobState, KeptRanking
from reranking.store.judgments import Judgment, Verdict
from reranking.store.sessions import Session, SessionRow
from reranking.store.store import Store, open_store

__all__ = [
    "CacheSize", "CallRow", "Job", "JobKind", "JobRow", "JobState", "Judgment", "KeptRanking", "Session",
    "SessionRow", "Spending", "Store", "StoreArchive", "StoreError", "Verdict", "open_store",
]  # fmt: skip
