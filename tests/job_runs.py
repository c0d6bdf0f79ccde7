"""Jobs of tests: started with model objects, and waited for."""

import time

from reranking.strategies.catalogue import make
from tests.support import documents


def resolver(model):
    """Every model name is `model`: strategies in the store hold names, not objects."""
    return lambda ref: model


def start(jobs, model, *strategies, count=6, **options):
    session = jobs.store.sessions.new({})
    chosen = [make(strategy) for strategy in strategies]
    return jobs.start(
        session, options.pop("kind", "comparison"), "query", documents(count), chosen, resolver(model), **options
    )


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
