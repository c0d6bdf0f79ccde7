"""Nobody waits for a provider's pauses."""

import pytest


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    import openai._base_client

    monkeypatch.setattr(openai._base_client, "INITIAL_RETRY_DELAY", 0.001)
