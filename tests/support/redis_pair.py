"""A Redis master and its replica, of a single test, behind a plain address that moves from one to the other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.redis_node import RedisNode, wait_for
from launcher.embedded_redis import redis_server
from tests.support.circuit_breaker import fresh_breaker
from tests.support.empty_redis import empty_redis
from tests.support.redis_location import use_redis


class RedisPair:
    """The process uses `master` until fail_over(), and from then on the promoted replica."""

    def __init__(self, folder: Path, settings: Any) -> None:
        self.master, self.replica = (RedisNode(redis_server(), folder / name) for name in ("master", "replica"))
        self._settings = settings

    def start(self) -> None:
        self.master.start()
        self.replica.start("--replicaof", *map(str, self.master.address))
        wait_for(self.replica.follows, "the replica did not join")
        self._point_at(self.master)

    def wait_for_replica(self) -> None:
        """Return when the replica has all that was written."""
        with self.master.client() as client:
            client.set("wait", "")
            assert client.wait(1, 5_000) == 1

    def cut_off(self) -> None:
        """Let the replica receive nothing from now on."""
        self.wait_for_replica()
        self.replica.cut_off_from_master()

    def promote(self) -> None:
        """Make the replica a master, and have this process use it; the old master may still run."""
        with self.replica.client() as client:
            client.replicaof("NO", "ONE")
        self._point_at(self.replica)

    def fail_over(self) -> None:
        """Kill the master, and promote the replica."""
        self.master.kill()
        self.promote()

    def end(self) -> None:
        for node in (self.master, self.replica):
            node.end()

    def _point_at(self, node: RedisNode) -> None:
        use_redis(self._settings, f"redis://127.0.0.1:{node.port}/0")


@pytest.fixture
def redis_pair(tmp_path: Path, settings: Any) -> Iterator[RedisPair]:
    """A master and its replica, of which this process uses the master for its cache, as if it had just started."""
    pair = RedisPair(tmp_path, settings)
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 50, "PROOF_MS": 50}
    with fresh_breaker():
        try:
            pair.start()
            empty_redis()
            yield pair
        finally:
            pair.end()
