"""Fixtures that tests of several rooms share."""

import pytest
from hypothesis import settings

from reranking.jobs import Jobs
from reranking.store import open_store

# How long an example takes says something about the machine, and nothing about the product.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture
def store(tmp_path):
    """A store in a file of its own."""
    store = open_store(tmp_path / "jobs.db")
    yield store
    store.close()


@pytest.fixture
def jobs(store):
    """The jobs of that store; a model's name or object is taken as it is."""
    return Jobs(store, lambda ref: ref)
