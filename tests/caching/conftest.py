"""Every test here starts on an empty Redis that may be used, and commits for real."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caching.testutils import reset_cache
from tests.caching.breakers import fresh_breaker
from tests.caching.own_redis import OwnRedis
from tests.shelf.models import Author


@pytest.fixture(autouse=True)
def clean_cache(transactional_db: None) -> None:
    reset_cache()


@pytest.fixture
def ann() -> Author:
    return Author.objects.create_one(name="Ann", email="ann@example.com", secret="s3cret")


@pytest.fixture
def bea() -> Author:
    return Author.objects.create_one(name="Bea", email="bea@example.com")


@pytest.fixture
def own_redis(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnRedis]:
    """A Redis of the test's own, which this process uses like one that has just been started."""
    server = OwnRedis(tmp_path)
    options = settings.CACHES["default"]["OPTIONS"]
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": server.url, "OPTIONS": options}}
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 50}
    with fresh_breaker():
        try:
            server.start()
            reset_cache()
            yield server
        finally:
            server.end()
