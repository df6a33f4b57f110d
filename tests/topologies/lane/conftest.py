"""A Redis Cluster whose masters have replicas, and a master with replicas behind Sentinels, for the hot lane."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from caching.api import redis_client
from caching.redis.proofs import proofs
from devtools.redis_cluster import RedisCluster
from devtools.redis_sentinel import RedisSentinel
from launcher.embedded_redis import redis_server
from tests.support.circuit_breaker import fresh_breaker
from tests.support.empty_redis import empty_redis
from tests.support.redis_location import use_redis
from tests.support.short_form import SHORT

Topology = RedisCluster | RedisSentinel
PASSWORD = "of/the:lane@1"


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: Any) -> Iterator[RedisCluster]:
    """Three masters with a replica each, which serve their slots while others have no master."""
    folder, partial = tmp_path_factory.mktemp("cluster"), ["--cluster-require-full-coverage", "no"]
    yield from _running(RedisCluster(redis_server(), folder, password=PASSWORD, options=partial))


@pytest.fixture(scope="module")
def own_sentinel(tmp_path_factory: Any) -> Iterator[RedisSentinel]:
    """A master, two replicas and three Sentinels."""
    yield from _running(RedisSentinel(redis_server(), tmp_path_factory.mktemp("sentinel"), password=PASSWORD))


def _running(servers: Any) -> Iterator[Any]:
    try:
        servers.start()
        yield servers
    finally:
        servers.end()


@pytest.fixture
def use(settings: Any) -> Iterator[Callable[[Topology], None]]:
    """use(servers): have this process use them for its cache, as if the process had just started."""

    def use_servers(servers: Topology) -> None:
        use_redis(settings, servers.url.replace(PASSWORD, quote(PASSWORD, safe="")))
        # A hold outlives a failover that loses its lift.
        settings.CACHING = {**settings.CACHING, "RETRY_MS": 100, "PROOF_MS": 100, "HOLD_MS": 1_000}
        settings.THROTTLES = {}
        proofs.renew()
        if isinstance(servers, RedisCluster):
            redis_client().nodes_manager.initialize()  # which of the servers are masters may have changed
        empty_redis()

    with fresh_breaker():
        yield use_servers


@pytest.fixture(params=["own_cluster"] if SHORT else ["own_cluster", "own_sentinel"])
def topology(request: Any, use: Any) -> Topology:
    """The servers that this process uses, of either kind."""
    servers: Topology = request.getfixturevalue(request.param)
    use(servers)
    return servers
