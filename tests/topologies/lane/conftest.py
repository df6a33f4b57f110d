"""A Redis Cluster whose masters have replicas, and a master with replicas behind Sentinels, for the hot lane."""

from collections.abc import Iterator
from typing import Any

import pytest

from caching import locations
from devtools.redis_cluster import RedisCluster
from devtools.redis_sentinel import RedisSentinel
from launcher.embedded_redis import redis_server
from tests.support.circuit_breaker import fresh_breaker
from tests.support.empty_redis import empty_redis

Topology = RedisCluster | RedisSentinel


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: Any) -> Iterator[RedisCluster]:
    """Three masters with a replica each."""
    yield from _running(RedisCluster(redis_server(), tmp_path_factory.mktemp("cluster"), password="of/the:lane@1"))


@pytest.fixture(scope="module")
def own_sentinel(tmp_path_factory: Any) -> Iterator[RedisSentinel]:
    """A master, two replicas and three Sentinels."""
    yield from _running(RedisSentinel(redis_server(), tmp_path_factory.mktemp("sentinel"), password="of/the:lane@1"))


def _running(servers: Any) -> Iterator[Any]:
    try:
        servers.start()
        yield servers
    finally:
        servers.end()


@pytest.fixture(params=["own_cluster", "own_sentinel"])
def topology(request: Any, settings: Any) -> Iterator[Topology]:
    """The servers that this process uses for its cache, as if the process had just started."""
    servers: Topology = request.getfixturevalue(request.param)
    use(settings, url_of(servers))
    with fresh_breaker():
        empty_redis()
        yield servers


def url_of(servers: Topology) -> str:
    """Return the REDIS_URL, its password encoded."""
    return servers.url.replace("of/the:lane@1", "of%2Fthe%3Alane%401")


def use(settings: Any, location: str) -> None:
    options = {**settings.CACHES["default"]["OPTIONS"], "CONNECTION_FACTORY": locations.connection_factory(location)}
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": location, "OPTIONS": options}}
    settings.CACHING = {**settings.CACHING, "RETRY_MS": 100, "PROOF_MS": 100}
    settings.THROTTLES = {}
