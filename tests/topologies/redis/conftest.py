"""Sites on a Redis Cluster whose masters have a replica each, and on a master with two replicas behind Sentinels."""

from collections.abc import Iterator
from typing import Any

import pytest

from devtools.redis_cluster import RedisCluster
from devtools.redis_sentinel import RedisSentinel
from launcher.embedded_redis import redis_server
from tests.support.redis_cluster import running

KINDS = {"cluster": RedisCluster, "sentinel": RedisSentinel}
PASSWORD = "of/these:servers@1"


@pytest.fixture(scope="module", params=KINDS)
def topology(request: Any, tmp_path_factory: Any) -> Iterator[Any]:
    """The servers, which need a password."""
    with running(KINDS[request.param](redis_server(), tmp_path_factory.mktemp(request.param), password=PASSWORD)) as it:
        yield it
