import pytest

from reranking.documents import Document
from reranking.store.store import Store


class Clock:
    """A clock that stands still until it is moved; in seconds since the epoch."""

    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lens.db"


@pytest.fixture
def store(path, clock):
    store = Store(path, clock)
    yield store
    store.close()


@pytest.fixture
def job(store):
    return store.jobs.add(store.sessions.new(), "comparison", "q", [Document("x"), Document("y")], {}, 0)
