"""Nobody waits for a provider's pauses."""

import pytest

from tests.faulty_server import short_pauses


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    short_pauses(monkeypatch)
