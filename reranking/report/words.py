"""Short texts of a report: times, numbers, and how far a job got."""

from __future__ import annotations

from datetime import datetime

from reranking.jobs import JobStatus


def moment(seconds: float) -> str:
    """A time in seconds since the epoch as date and time of this machine's zone, which is named."""
    return f"{datetime.fromtimestamp(seconds).astimezone():%d %B %Y, %H:%M %Z}"


def count(number: int, one: str, many: str = "") -> str:
    """`1 document`, `20 documents`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def unfinished(job: JobStatus) -> str:
    """How far a job got that is not done, and why, as a sentence; empty if it is done."""
    if job.state == "done":
        return ""
    what = "strategies" if job.kind == "comparison" else "runs"
    over = sum(part.ranking is not None and not part.is_cut for part in job.parts)
    said = {"running": "is still going on", "interrupted": "was interrupted", "cancelled": "was cancelled"}
    how = said.get(job.state, "could not go on")
    return f"This run {how}: {over} of {len(job.parts)} {what} finished. {job.problem}".strip()
