"""A Redis Cluster whose masters have replicas, and a master with replicas behind Sentinels, under load."""

from collections.abc import Iterator
from typing import Any

import pytest

from caching.testutils import reset_cache
from devtools.redis_cluster import RedisCluster
from devtools.redis_sentinel import RedisSentinel
from launcher.embedded_redis import redis_server
from tests.support.circuit_breaker import fresh_breaker
from tests.support.redis_location import use_redis
from tests.support.short_form import SHORT

Topology = RedisCluster | RedisSentinel
KINDS = {"cluster": RedisCluster, "sentinel": RedisSentinel}
if SHORT:
    del KINDS["sentinel"]


@pytest.fixture(scope="module", params=KINDS)
def servers(request: Any, tmp_path_factory: Any) -> Iterator[Topology]:
    started = KINDS[request.param](redis_server(), tmp_path_factory.mktemp(request.param))
    try:
        started.start()
        yield started
    finally:
        started.end()


@pytest.fixture
def topology(servers: Topology, transactional_db: None, settings: Any) -> Iterator[Topology]:
    """The servers that this process uses for its cache, as if the process had just started."""
    use_redis(settings, servers.url)
    settings.CACHING = {"ALIAS": "default", "PREFIX": "hp"}  # with the times of the product
    with fresh_breaker():
        for node in servers.masters():
            node.client().flushdb()
        reset_cache()
        yield servers
