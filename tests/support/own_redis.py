"""A Redis of a single test, which the test may stop, freeze, fill up and empty."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.redis_node import RedisNode
from launcher.embedded_redis import redis_server
from tests.support.circuit_breaker import fresh_breaker
from tests.support.empty_redis import empty_redis
from tests.support.redis_location import use_redis


class OwnRedis(RedisNode):
    """A Redis that keeps its data when it is killed, unless `forget()` is called before it starts again."""

    def __init__(self, folder: Path) -> None:
        # Redis writes before it replies, which outlives a kill. A sync to a busy disk may take seconds.
        super().__init__(redis_server(), folder, ["--appendonly", "yes", "--appendfsync", "no"])
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def forget(self) -> None:
        """Delete the data on disk; allowed only while the server is stopped."""
        shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)
        (self.folder / "appendonly.aof").unlink(missing_ok=True)


@pytest.fixture
def own_redis(tmp_path: Path, settings: Any) -> Iterator[OwnRedis]:
    """A Redis of the test's own that this process uses for its cache, as if the process had just started."""
    server = OwnRedis(tmp_path)
    use_redis(settings, server.url)
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 50}
    with fresh_breaker():
        try:
            server.start()
            empty_redis()
            yield server
        finally:
            server.end()
