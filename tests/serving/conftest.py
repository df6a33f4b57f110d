"""Time limits of connections that a test can wait for."""

import pytest

from serving.http import connection
from serving.requests import limits
from tests.support.wire import SHORT_S


@pytest.fixture
def short(monkeypatch):
    """Shorten the time limits."""
    for name in ("HEAD_TIMEOUT_S", "DISCARD_TIMEOUT_S", "WRITE_TIMEOUT_S"):
        monkeypatch.setattr(limits, name, SHORT_S)
    monkeypatch.setattr(connection, "LINGER_S", SHORT_S)
