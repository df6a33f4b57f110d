"""A Redis Cluster of a single test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devtools.redis_cluster import RedisCluster
from launcher import embedded_redis
from tests.support.circuit_breaker import fresh_breaker
from tests.support.empty_redis import empty_redis


@pytest.fixture
def cluster(tmp_path: Path, settings: Any) -> Iterator[RedisCluster]:
    """Three masters that this process uses for its cache, as if the process had just started."""
    cluster = RedisCluster(embedded_redis.redis_server(), tmp_path, replicas=0)
    options = settings.CACHES["default"]["OPTIONS"] | {
        "CONNECTION_FACTORY": "caching.redis.cluster.ClusterConnectionFactory"
    }
    location = f"redis://127.0.0.1:{cluster.nodes[0].port}"
    try:
        cluster.start()
        settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": location, "OPTIONS": options}}
        with fresh_breaker():
            empty_redis()
            yield cluster
    finally:
        cluster.end()
