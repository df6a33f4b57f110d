"""A Redis Cluster, or Redis behind Sentinels, of a single test; the cache of this process uses it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from devtools.redis_cluster import PATIENT_MS, RedisCluster
from devtools.redis_sentinel import RedisSentinel
from launcher import embedded_redis
from tests.support.circuit_breaker import fresh_breaker
from tests.support.empty_redis import empty_redis
from tests.support.redis_location import use_redis

T = TypeVar("T", RedisCluster, RedisSentinel)


@pytest.fixture
def cluster(tmp_path: Path, settings: Any) -> Iterator[RedisCluster]:
    """Three masters that this process uses for its cache, as if the process had just started."""
    masters = RedisCluster(embedded_redis.redis_server(), tmp_path / "cluster", replicas=0, timeout_ms=PATIENT_MS)
    with running(masters) as cluster:
        use_redis(settings, cluster.url)
        with fresh_breaker():
            empty_redis()
            yield cluster


@pytest.fixture
def sentinel(tmp_path: Path, settings: Any) -> Iterator[RedisSentinel]:
    """A master with a replica and three Sentinels that this process uses, as if the process had just started."""
    with running(RedisSentinel(embedded_redis.redis_server(), tmp_path / "sentinel", replicas=1)) as sentinel:
        use_redis(settings, sentinel.url)
        with fresh_breaker():
            empty_redis()
            yield sentinel


@contextlib.contextmanager
def running(topology: T) -> Iterator[T]:
    """Start servers for the time of the block."""
    try:
        topology.start()
        yield topology
    finally:
        topology.end()
